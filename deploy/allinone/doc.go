// Package allinone runs the whole shop in one process.
package allinone
