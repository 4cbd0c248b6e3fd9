// Package edge is what shoppers talk to: it serves the pages, keeps the sessions and forwards to
// the other services.
package edge
