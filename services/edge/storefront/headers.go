package storefront

import (
	"maps"
	"net/http"
	"strings"
)

// pageHeaders are the headers of every HTML answer, and those that replace some of them on pages
// whose address holds a token. All answers share the values.
type pageHeaders struct {
	common http.Header
	secret http.Header
}

// newPageHeaders builds the policy: only our own files, no inline script or style, no eval; the
// hosts of videos may be framed, because a shopper clicks to load one. Stripe needs no entry: its
// page is reached by navigation, which the policy does not govern.
func newPageHeaders(cfg Config) pageHeaders {
	frames := "'none'"
	if len(cfg.Shop.VideoHosts) > 0 {
		frames = strings.Join(cfg.Shop.VideoHosts, " ")
	}

	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		strings.Join(append([]string{"img-src 'self'"}, cfg.Shop.PictureHosts...), " "),
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
	}, "; ")

	ph := pageHeaders{
		common: http.Header{
			"Content-Type":               {"text/html; charset=utf-8"},
			"Content-Security-Policy":    {policy},
			"X-Content-Type-Options":     {"nosniff"},
			"X-Frame-Options":            {"DENY"},
			"Cross-Origin-Opener-Policy": {"same-origin"},
			"Permissions-Policy":         {"camera=(), geolocation=(), microphone=(), payment=()"},
			"Referrer-Policy":            {"strict-origin-when-cross-origin"},
			"Cache-Control":              {"no-cache"},
		},
		secret: http.Header{
			"Referrer-Policy": {"no-referrer"},
			"Cache-Control":   {"no-store"},
		},
	}

	return ph
}

// set writes the headers; secret pages have a token in their address, which must not reach another
// site or a cache.
func (ph pageHeaders) set(h http.Header, secret bool) {
	maps.Copy(h, ph.common)
	if secret {
		maps.Copy(h, ph.secret)
	}
}
