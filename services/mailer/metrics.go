package mailer

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	// mailsTotal: outcome is sent, parked, deferred (the server said later), unknown (no answer to
	// the mail's end) or away (no connection). Alert on parked.
	mailsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_mails_total", Help: "Attempts to send mail by kind and outcome.",
	}, []string{"kind", "outcome"})
	mailsQueued = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mails_queued", Help: "Mails in the ledger that are neither sent nor parked.",
	})
	// mailsSuppressed above 0 says that an address is being bombed, or that the ceiling is too low.
	mailsSuppressed = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mails_suppressed",
		Help: "Mails of the last 24 hours that the ceiling of their receivers held back.",
	})
	mailServerUp = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mail_server_up", Help: "1 while the mail server takes connections and mail.",
	})
)
