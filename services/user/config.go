package user

import (
	"net"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config holds the settings of user.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Keys
	boot.Staff
	Addr string `envconfig:"USER_ADDR" default:"127.0.0.1:8082" desc:"where user listens for edge; never open it to the outside"`
	// MailFrom is a setting of mailer, too. User takes the shop's name from it, which passwords
	// must not contain.
	MailFrom string `envconfig:"MAIL_FROM" default:"StartUpWebApp <shop@startupwebapp.example>" desc:"sender of all mails; its display name is the shop's name"`

	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
	// HashCost is for tests, which would otherwise spend their time on hashing. Zero is
	// DefaultCost.
	HashCost Cost `ignored:"true"`
}
