package events

import (
	"errors"
	"fmt"
	"net"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Config holds the settings of events.
type Config struct {
	boot.Common
	boot.InsideTLS
	boot.Keys
	boot.Staff
	Addr         string `envconfig:"EVENTS_ADDR" default:"127.0.0.1:8084" desc:"listener of events, for edge and the back office"`
	PageViewDays int    `envconfig:"PAGE_VIEW_DAYS" default:"400" desc:"how many days page views, clicks, failed calls and arrivals by link are kept, rounded up to whole months; client addresses and browser names are deleted after 30"`
	// Listener is used instead of Addr if it is set.
	Listener net.Listener `ignored:"true"`
}

// Validate reports every setting that cannot work.
func (c Config) Validate() error {
	errs := []error{c.Common.Validate()}
	if c.PageViewDays < 1 || c.PageViewDays > 100*366 {
		errs = append(errs, fmt.Errorf("PAGE_VIEW_DAYS is %d: want 1 to 36600", c.PageViewDays))
	}
	return errors.Join(errs...)
}
