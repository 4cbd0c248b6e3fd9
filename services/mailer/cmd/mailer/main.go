// Command mailer sends the shop's mail, or runs one of its commands for staff: see mailer.Command.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/mailer"
)

func main() {
	if mailer.IsCommand(os.Args[1:]) {
		os.Exit(mailer.Command(os.Args[1:], os.Stdout, os.Stderr))
	}
	boot.Main("mailer", mailer.Run)
}
