package events

import (
	"net"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config holds events' settings.
type Config struct {
	boot.Common
	Addr string `envconfig:"EVENTS_ADDR" default:"127.0.0.1:8084" desc:"listener of events, for edge and, on this machine, staff"`
	// Listener is used instead of Addr when it is set.
	Listener net.Listener `ignored:"true"`
}
