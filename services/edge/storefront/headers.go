package storefront

import (
	"net/http"
	"strings"
)

// pageHeaders are the security headers that every HTML answer carries.
type pageHeaders struct {
	csp  string
	hsts bool
}

// newPageHeaders builds the policy: our own files only, no inline script or style, no eval; the
// hosts of videos may be framed because a shopper asked for one. Stripe needs no entry: its page
// is reached by navigation, which the policy does not govern.
func newPageHeaders(cfg Config) pageHeaders {
	frames := "'none'"
	if len(cfg.Shop.VideoHosts) > 0 {
		frames = strings.Join(cfg.Shop.VideoHosts, " ")
	}
	return pageHeaders{
		csp: strings.Join([]string{
			"default-src 'none'",
			"script-src 'self'",
			"style-src 'self'",
			"img-src 'self' data:",
			"font-src 'self'",
			"connect-src 'self'",
			"manifest-src 'self'",
			"frame-src " + frames,
			"form-action 'self'",
			"base-uri 'none'",
			"object-src 'none'",
			"frame-ancestors 'none'",
			"require-trusted-types-for 'script'",
			"trusted-types note",
		}, "; "),
		hsts: strings.HasPrefix(cfg.PublicURL, "https://"),
	}
}

// set writes the headers; secret pages carry a token in their address, which no other site and no
// cache may learn.
func (ph pageHeaders) set(h http.Header, secret bool) {
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", ph.csp)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
	h.Set("Cache-Control", "no-cache")
	if secret {
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
	}
	if ph.hsts {
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
	}
}
