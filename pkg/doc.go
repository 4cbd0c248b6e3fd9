// Package pkg holds what every service needs and nothing of one domain; see its folders.
package pkg
