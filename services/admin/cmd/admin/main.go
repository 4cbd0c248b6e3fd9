// Command admin runs the back office, or one of its commands: see admin.Command.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/admin"
)

func main() {
	if admin.IsCommand(os.Args[1:]) {
		os.Exit(admin.Command(os.Args[1:], os.Stdout, os.Stderr))
	}
	boot.Main("admin", admin.Run)
}
