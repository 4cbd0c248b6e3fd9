// Command edge serves shoppers: pages, sessions, and the APIs of the services behind it.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/edge"
)

func main() { boot.Main("edge", edge.Run) }
