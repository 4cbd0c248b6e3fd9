package edge

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

// limit refuses requests beyond their limits with 429.
func (e *server) limit(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if route := limitedRoute(r); limits.Limited(route) {
			v := visitOf(r)
			v.browser = v.known.browserOf(e.keys.known, limits.AccountName(v.form))
			counted, err := e.limits.Count(r.Context(), v.limited(route))
			if err != nil {
				return err
			}
			v.counted = counted
			defer counted.Keep() // what no answer has decided stays counted
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// limited is what limits count a visit by.
func (v *visit) limited(route string) limits.Request {
	r := limits.Request{Route: route, Client: v.client, Cart: v.cart, Form: v.form, Browser: v.browser}
	if v.session != nil {
		r.Member = v.session.MemberID
	}
	return r
}

// limitedRoute is a request's route as the table of limits names it.
func limitedRoute(r *http.Request) string {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if id, ok := orderIdentifier(r.URL.Path); ok && id != "products" && method == http.MethodGet {
		return limits.OrderLookup
	}
	return method + " " + r.URL.Path
}
