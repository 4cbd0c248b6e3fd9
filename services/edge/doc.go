// Package edge is what shoppers talk to: sessions, pages, and the way to every other service.
package edge
