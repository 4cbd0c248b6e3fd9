package edge

import (
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// newCrossOrigin makes the check of Sec-Fetch-Site and Origin.
func newCrossOrigin(origins []string) (*http.CrossOriginProtection, error) {
	c := http.NewCrossOriginProtection()
	for _, o := range origins {
		if err := c.AddTrustedOrigin(o); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// crossOrigin refuses requests that another site makes a browser send: every POST, and the few GETs
// of the contract that change something.
func (s *server) crossOrigin(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		judged := r
		if changesByGET(r.URL.Path) {
			judged = &http.Request{Method: http.MethodPost, Header: r.Header, Host: r.Host, URL: r.URL}
		}
		if err := s.origins.Check(judged); err != nil {
			return &web.Error{Status: http.StatusForbidden, Code: "csrf-failed", Err: err}
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

func changesByGET(path string) bool {
	return path == "/user/logout" || path == "/user/verify-email-address" ||
		path == "/order/change-confirmation-email-address"
}

const (
	apiPolicy = "default-src 'none'; frame-ancestors 'none'"
	// corsHeaders are the headers that old clients send beside the simple ones.
	corsHeaders = "accept, accept-encoding, authorization, content-type, origin, user-agent, x-csrftoken, " +
		"x-requested-with"
	// corsMethods has more than the API knows, so that a page can read the 405.
	corsMethods = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
)

// apiHeaders sets the headers of every answer of the API, and answers preflights, which come
// without cookies and before any route is matched.
func (s *server) apiHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		s.setAPIHeaders(w.Header(), r)
		preflight := r.Method == http.MethodOptions &&
			(r.Header.Get("Access-Control-Request-Method") != "" || r.URL.Path != webhookPath)
		if !preflight {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Set("Access-Control-Allow-Methods", corsMethods)
		headers := corsHeaders
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" &&
			h["Access-Control-Allow-Origin"] != nil {
			headers += ", " + asked // a frontend trusted with the cookies may add headers, such as those of a trace
		}
		h.Set("Access-Control-Allow-Headers", headers)
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	})
}

// fileHeaders sets the headers of every other answer, of a file or an error; pages replace the
// policy by their own.
func (s *server) fileHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isAPI(r.URL.Path) {
			h := w.Header()
			s.setCommonHeaders(h)
			h["Content-Security-Policy"] = headerFilePolicy
		}
		next.ServeHTTP(w, r)
	})
}

// hsts is the value of Strict-Transport-Security, or nil if the shop is not under https.
func hsts(cfg Config, secure bool) []string {
	if !secure {
		return nil
	}
	value := "max-age=31536000"
	if cfg.HSTSSubDomains {
		value += "; includeSubDomains"
	}
	if cfg.HSTSPreload {
		value += "; preload"
	}
	return []string{value}
}

// isAPI reports whether a path belongs to one of the three roots.
func isAPI(path string) bool {
	for _, root := range [...]string{"/user", "/order", "/clientevent"} {
		if rest, ok := strings.CutPrefix(path, root); ok && (rest == "" || rest[0] == '/') {
			return true
		}
	}
	return false
}
