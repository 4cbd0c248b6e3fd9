package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxCart is the length of the longest id of a cart.
const maxCart = 100

// instructions are what an owner's answer tells edge alone.
type instructions struct {
	outcome web.Outcome
	cart    string // the visitor's cart from now on
	session string // a web.SessionChange in JSON
}

// applyAnswer acts on an owner's answer before the shopper sees it.
func (e *server) applyAnswer(res *http.Response) error {
	req := requestOf(res.Request)
	told := takeInstructions(res.Header)
	req.counted.Answered(res.StatusCode, told.outcome)
	if err := fitAnswer(res); err != nil || res.StatusCode == http.StatusNotFound {
		return err
	}
	e.applyCart(res.Header, req, told.cart)
	return e.applySessionChange(res, req, told.session)
}

// takeInstructions reads what an answer tells edge, and strips all that is between edge and owners only.
func takeInstructions(h http.Header) instructions {
	told := instructions{
		outcome: web.Outcome(h.Get(web.OutcomeHeader)), cart: h.Get(web.SetCartHeader),
		session: h.Get(web.SessionHeader),
	}
	h.Del("Set-Cookie")
	for name := range h {
		if strings.HasPrefix(name, "X-Shop-") {
			delete(h, name)
		}
	}
	return told
}

// fitAnswer makes an owner's answer one of the API's: HEAD is allowed where GET is, since edge makes it a
// GET, and an unknown path has a page.
func fitAnswer(res *http.Response) error {
	if allow := res.Header.Get("Allow"); strings.Contains(allow, http.MethodGet) &&
		!strings.Contains(allow, http.MethodHead) {
		res.Header.Set("Allow", strings.Replace(allow, http.MethodGet, "GET, HEAD", 1))
	}
	if res.StatusCode == http.StatusNotFound {
		return replaceBody(res, "text/html; charset=utf-8", noRoute)
	}
	return nil
}

// applyCart makes a cart that order names the visitor's.
func (e *server) applyCart(answer http.Header, req *request, cart string) {
	if cart != "" && req.session == nil && plain(cart) && len(cart) <= maxCart {
		e.setCart(answer, cart)
	}
}

// replaceBody puts another answer in the place of an owner's.
func replaceBody(res *http.Response, contentType string, body []byte) error {
	if err := res.Body.Close(); err != nil {
		return fmt.Errorf("close an owner's answer: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", fmt.Sprint(len(body)))
	res.Header.Set("Content-Type", contentType)
	return nil
}
