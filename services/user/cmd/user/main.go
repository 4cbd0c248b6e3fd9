// Command user runs the user service, or one of its commands for staff: see user.Command.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/user"
)

func main() {
	if user.IsCommand(os.Args[1:]) {
		os.Exit(user.Command(os.Args[1:], os.Stdout, os.Stderr))
	}
	boot.Main("user", user.Run)
}
