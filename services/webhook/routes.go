package webhook

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// routes is every request that webhook answers. It asks for no identity: Stripe's signature is one.
func (s *server) routes() http.Handler {
	r := web.RouterWithin(requestLimit, "webhook", s.log)
	r.Use(web.Drain)
	r.Handle("/order/stripe-webhook", web.Handle(s.stripeWebhook))
	return r
}
