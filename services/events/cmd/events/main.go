// Command events stores what shoppers did; -help lists its settings.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/events"
)

func main() { boot.Main("events", events.Run) }
