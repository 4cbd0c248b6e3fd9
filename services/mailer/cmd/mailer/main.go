// Command mailer sends the shop's mail; -help lists its settings.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/mailer"
)

func main() { boot.Main("mailer", mailer.Run) }
