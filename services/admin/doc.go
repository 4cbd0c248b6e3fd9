// Package admin is the entry of the back office: it knows the people of the staff, their roles and
// sessions, and forwards every page to the service that owns it, with a signed identity
// (pkg/adminui). It keeps the log of what the staff did, and holds nothing of any other domain.
// Routes are in routes.go; which owner has which pages, in forward.go.
package admin
