// Command webhook accepts Stripe's events; -help lists its settings.
package main

import (
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/services/webhook"
)

func main() { boot.Main("webhook", webhook.Run) }
