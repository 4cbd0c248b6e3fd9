package admin

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// framePolicy is for foreign content that a page shows in a frame, such as a mail. It has no
// origin, nothing in it runs or posts, and it may look as it likes.
const framePolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; frame-src 'self'; " +
	"form-action 'none'; frame-ancestors 'self'; base-uri 'none'"

// isFrame reports whether a path serves the content of a frame.
func isFrame(path string) bool { return strings.HasSuffix(path, "/frame") }

// policy lets a page load only the kit's own files and the shop's pictures, and no inline script or
// style.
func (a addresses) policy() string {
	return "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: " + a.shop.Scheme + "://" +
		a.shop.Host + "; connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; " +
		"base-uri 'none'"
}

// headers sets the headers of every answer, those of owners too.
func (s *server) headers(next http.Handler) http.Handler {
	policy := s.addresses.policy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		if isFrame(r.URL.Path) {
			h.Set("Content-Security-Policy", framePolicy)
		}
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=()")
		h.Set("X-Robots-Tag", "noindex")
		if s.addresses.secure() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// sameOrigin refuses a POST that another site makes a browser send, by the browser's own headers.
// In addition, session cookies are not sent along (SameSite=Strict), and forms hold a token.
func (s *server) sameOrigin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		safe := r.Method == http.MethodGet || r.Method == http.MethodHead
		origin, site := r.Header.Get("Origin"), r.Header.Get("Sec-Fetch-Site")
		if !safe && (origin != "" && !strings.EqualFold(origin, s.addresses.origin()) ||
			site != "" && site != "same-origin" && site != "none") {
			s.kit.Fail(w, r, web.Forbidden("cross-origin"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// signedIn lets requests of a session of this stage through, with the person's identity, and leads
// others to the missing step. An API token counts as a full session.
func (s *server) signedIn(stage string) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			id, session, err := s.identify(w, r)
			if stage == stageFull && r.Header.Get("Authorization") != "" {
				if id, session, err = s.identifyToken(r); !adminui.AcceptsHTML(r) {
					r.Header.Set("Accept", "application/json")
				}
			}
			switch {
			case err != nil:
				s.kit.Fail(w, r, err)
				return
			case session == nil || session.Stage != stage:
				s.leadTo(w, r, session)
				return
			}

			r, err = s.checkForm(w, adminui.WithIdentity(r, id))
			if err != nil {
				s.kit.Fail(w, r, err)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, session))
			if r, ok := s.confirm(w, r); ok {
				next.ServeHTTP(w, r)
			}
		})
	}
}

// leadTo answers a request whose session is in another stage: browsers are sent to the page that
// leads there.
func (s *server) leadTo(w http.ResponseWriter, r *http.Request, session *session) {
	if r.Method != http.MethodGet || !adminui.WantsHTML(r) || r.Header.Get("HX-Request") != "" {
		s.kit.Fail(w, r, &web.Error{Status: http.StatusUnauthorized, Code: "sign-in"})
		return
	}
	to := "/sign-in?to=" + url.QueryEscape(r.URL.RequestURI())
	if session != nil {
		to = map[string]string{stageSecond: "/sign-in/second", stageEnrol: "/sign-in/enrol",
			stageFull: "/"}[session.Stage]
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// checkForm reads the body of a command, which can be read again, and requires the session's token
// in it. Requests with an API token do not come from a browser.
func (s *server) checkForm(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return r, nil
	}
	body, err := adminui.ReadBody(w, r)
	if err != nil {
		return r, err
	}
	r = withBody(r, body)
	if who := adminui.Who(r); !who.Token && !web.ValidMAC(s.csrfKey, formOf(r).Get("csrf"), who.Session) {
		return r, web.Forbidden("csrf")
	}
	return r, nil
}

type bodyKey struct{}

// withBody is a request with another body.
func withBody(r *http.Request, body []byte) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), bodyKey{}, body))
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	r.Form, r.PostForm, r.MultipartForm = nil, nil, nil
	return r
}

// bodyOf is the body that checkForm read.
func bodyOf(r *http.Request) []byte {
	body, ok := r.Context().Value(bodyKey{}).([]byte)
	if !ok {
		return nil
	}
	return body
}

// formOf are the fields of the body, without files; nil if it is not a form.
func formOf(r *http.Request) url.Values {
	body := bodyOf(r)
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return nil
		}
		return form
	case "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(adminui.MaxBody)
		if err != nil {
			return nil
		}
		defer form.RemoveAll() //nolint:errcheck // files in the temporary folder
		return form.Value
	}
	return nil
}

// safePath is the page that a browser goes to after signing in: a path of the back office, or home.
func safePath(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(u.Path, "/sign-") {
		return "/"
	}
	return u.RequestURI()
}
