// Command edge is the shoppers' door.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/edge"
)

func main() { boot.Main("edge", edge.Run) }
