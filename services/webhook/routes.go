package webhook

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes are the requests that webhook answers. They need no identity: Stripe's signature proves
// who sends.
func (s *server) routes() http.Handler {
	r := web.RouterWithin(requestTimeout, "webhook", s.log)
	r.Use(web.Drain)
	r.Handle("/order/stripe-webhook", web.Handle(s.stripeWebhook))
	return r
}
