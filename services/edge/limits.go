package edge

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

// limit refuses requests beyond their limits with 429.
func (s *server) limit(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if route := limitedRoute(r); limits.Limited(route) {
			req := requestOf(r)
			req.browser = req.known.browserOf(s.keys.known, limits.AccountName(req.form))
			counted, err := s.limits.Count(r.Context(), req.limited(route))
			if err != nil {
				return err
			}
			req.counted = counted
			defer counted.Keep() // if no answer has decided, it stays counted
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// limited is the part of a request that limits count.
func (req *request) limited(route string) limits.Request {
	r := limits.Request{Route: route, Client: req.client, Cart: req.cart, Form: req.form, Browser: req.browser}
	if req.session != nil {
		r.Member = req.session.MemberID
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
