// Command order runs the order service, or one of its commands for staff: see order.Command.
package main

import (
	"os"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/order"
)

func main() {
	if order.IsCommand(os.Args[1:]) {
		os.Exit(order.Command(os.Args[1:], os.Stdout, os.Stderr))
	}
	boot.Main("order", order.Run)
}
