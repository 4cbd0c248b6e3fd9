package user

import (
	"net"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config is what user takes from the environment.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Keys
	boot.Staff
	Addr string `envconfig:"USER_ADDR" default:"127.0.0.1:8082" desc:"where user listens for edge; never open it to the outside"`
	// MailFrom is mailer's: passwords must not contain the shop's name.
	MailFrom string `envconfig:"MAIL_FROM" default:"StartUpWebApp <shop@startupwebapp.example>" desc:"sender of all mails; its display name is the shop's name"`

	// Listener is an open listener, for tests and for the shop in one process.
	Listener net.Listener `ignored:"true"`
	// HashCost is for tests alone, which would spend their time on hashing. Zero is DefaultCost.
	HashCost Cost `ignored:"true"`
}
