// Package edge is the shoppers' door: sessions, pages, and the way to every other service.
package edge
