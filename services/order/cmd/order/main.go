// Command order runs the order service alone.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/order"
)

func main() { boot.Main("order", order.Run) }
