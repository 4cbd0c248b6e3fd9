package mailer

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	// mailsTotal counts attempts by outcome: sent, parked, deferred (the server said later),
	// unknown (no answer after the end of the mail) or away (no connection). Alert on parked.
	mailsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Name: "shop_mails_total", Help: "Attempts to send mail by kind and outcome.",
	}, []string{"kind", "outcome"})
	mailsQueued = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mails_queued", Help: "Mails in the ledger that are neither sent nor parked.",
	})
	// mailsSuppressed above 0 means that an address is being bombed, or that the ceiling is too
	// low.
	mailsSuppressed = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mails_suppressed",
		Help: "Mails of the last 24 hours that the ceiling of their receivers held back.",
	})
	mailsBounced = promauto.NewCounter(prometheus.CounterOpts{
		Name: "shop_mails_bounced_total", Help: "Mails that were sent and came back, by the reports in the mailbox.",
	})
	bounceMailboxErrors = promauto.NewCounter(prometheus.CounterOpts{
		Name: "shop_bounce_mailbox_errors_total", Help: "Looks into the mailbox for bounces that failed.",
	})
	mailServerUp = promauto.NewGauge(prometheus.GaugeOpts{
		Name: "shop_mail_server_up", Help: "1 while the mail server takes connections and mail.",
	})
)
