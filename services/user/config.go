package user

import (
	"net"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config is what user takes from the environment.
type Config struct {
	boot.Common
	Addr string `envconfig:"USER_ADDR" default:"127.0.0.1:8082" desc:"where user listens for edge; never open it to the outside"`

	// Listener is an open listener, for tests and for the shop in one process.
	Listener net.Listener `ignored:"true"`
	// HashCost is for tests alone, which would spend their time on hashing. Zero is DefaultCost.
	HashCost Cost `ignored:"true"`
}
