// Package nats holds the broker's configuration, for programs that hand it out.
package nats

import _ "embed"

// Config is nats.conf: users, their rights, and where streams are kept. Passwords come from the
// environment.
//
//go:embed nats.conf
var Config string
