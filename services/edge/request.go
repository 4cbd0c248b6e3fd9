package edge

import (
	"bytes"
	"context"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/netip"
	"net/url"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

// request is what edge has found out about one request.
type request struct {
	client netip.Addr
	// agent is the User-Agent.
	agent string
	// session is nil for a visitor.
	session *session
	// stale says that the request has a session cookie without a live session.
	stale bool
	// cart is the cart in a validly signed cookie, for members too: a login hands it over.
	cart string
	// anonymous is the browser's id for client events, if its signature is valid.
	anonymous string
	// body is the body of a POST, and form its fields.
	body []byte
	form url.Values
	// known is the browser's cookie of earlier logins, and browser its id if it has logged in
	// before to the account that the form names.
	known   knownBrowser
	browser string
	// counted is what the request was counted as.
	counted *limits.Counted
}

type requestKey struct{}

func requestOf(r *http.Request) *request {
	req, ok := r.Context().Value(requestKey{}).(*request)
	if !ok {
		return &request{} // routes.go puts identify before all callers
	}
	return req
}

// identity is what owners are told about the shopper. A member's has no visitor's cart.
func (req *request) identity() web.Identity {
	id := web.Identity{Client: req.client.String(), KnownBrowser: req.browser != "" || req.session != nil,
		NoMail: req.counted.NoMail()}
	if req.session == nil {
		id.Cart = req.cart
		return id
	}
	s := req.session
	id.MemberID, id.Username, id.FirstName, id.LastName, id.Email, id.Code = s.MemberID, s.Username, s.FirstName,
		s.LastName, s.Email, s.Code
	id.Session, id.Remember = s.hexHash(), s.Remember
	return id
}

const visitorBinding = "visitor"

// binding is what a CSRF token is bound to: the session, so that a token from before the login, or
// one that a sibling domain planted, is worth nothing in a member's session.
func (req *request) binding() string {
	if req.session == nil {
		return visitorBinding
	}
	return req.session.hexHash()
}

// identify reads the body and the cookies of a request. A member's request fails with 503 while the
// sessions cannot be read; a visitor's needs no database.
func (s *server) identify(next http.Handler) http.Handler {
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		req := &request{client: s.clientAddr(r), agent: r.UserAgent(), known: s.knownBrowserOf(r),
			cart:      signedCookie(r, s.cookieName(cartCookie), s.keys.cart),
			anonymous: signedCookie(r, anonymousCookie, s.keys.anonymous)}
		if err := req.readBody(r, web.MaxForm); err != nil {
			return err
		}
		if cookies := r.CookiesNamed(s.cookieName(sessionCookie)); len(cookies) > 0 {
			tokens := make([]string, len(cookies))
			for i, c := range cookies {
				tokens[i] = c.Value
			}
			var err error
			if req.session, err = s.session(r.Context(), req.client, tokens...); err != nil {
				return web.Unavailable(err)
			}
			req.stale = req.session == nil
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, req)))
		return nil
	})
}

// readBody reads the whole body into memory and replaces the request's body by a reader of it.
func (req *request) readBody(r *http.Request, limit int64) error {
	if r.Method != http.MethodPost || r.Body == nil || r.Body == http.NoBody {
		r.Body, r.ContentLength = http.NoBody, 0
		return nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return web.BodyError(err)
	}
	if int64(len(body)) > limit {
		return &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "body-too-large"}
	}
	req.body = body
	req.form = parseForm(r.Header.Get("Content-Type"), body)
	web.SetBody(r, body)
	return nil
}

// parseForm reads as much of a form as makes sense; the owner judges the rest.
func parseForm(contentType string, body []byte) url.Values {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil
	}
	switch kind {
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return form // the readable part
		}
		return form
	case "multipart/form-data":
		form, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).ReadForm(web.MaxForm)
		if err != nil {
			return nil
		}
		return form.Value
	}
	return nil
}
