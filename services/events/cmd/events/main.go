// Command events stores what shoppers did, or runs one of its commands for staff: see
// events.Command.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/events"
)

func main() {
	if events.IsCommand(os.Args[1:]) {
		os.Exit(events.Command(os.Args[1:], os.Stdout, os.Stderr))
	}
	boot.Main("events", events.Run)
}
