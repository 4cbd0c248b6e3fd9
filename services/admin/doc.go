// Package admin is the entry of the back office: it knows the people of the staff, their roles and
// sessions, and forwards every page to the service that owns it, with a signed identity
// (pkg/adminui). It keeps the log of the staff's acts, and nothing of any other domain. routes.go
// has the routes, forward.go the owners of the pages.
package admin
