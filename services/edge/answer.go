package edge

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxCart is the length of the longest cart id.
const maxCart = 100

// instructions are the parts of an owner's answer that are for edge alone.
type instructions struct {
	outcome web.Outcome
	cart    string // the visitor's cart from now on
	session string // a web.SessionChange in JSON
}

// applyAnswer carries out an owner's instructions before the shopper sees the answer.
func (s *server) applyAnswer(res *http.Response) error {
	req := requestOf(res.Request)
	told := takeInstructions(res.Header)
	req.counted.Answered(res.StatusCode, told.outcome)
	if err := fitAnswer(res); err != nil || res.StatusCode == http.StatusNotFound {
		return err
	}
	s.applyCart(res.Header, req, told.cart)
	return s.applySessionChange(res, req, told.session)
}

// takeInstructions reads an owner's instructions, and removes all headers that are between edge and
// owners only.
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

// fitAnswer fits an owner's answer to the API: HEAD is allowed where GET is, since edge sends it as
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

// applyCart gives the visitor the cart that order names.
func (s *server) applyCart(answer http.Header, req *request, cart string) {
	if cart != "" && req.session == nil && plain(cart) && len(cart) <= maxCart {
		s.setCart(answer, cart)
	}
}

// replaceBody replaces the body of an owner's answer.
func replaceBody(res *http.Response, contentType string, body []byte) error {
	if err := res.Body.Close(); err != nil {
		return fmt.Errorf("close an owner's answer: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	res.Header.Set("Content-Length", fmt.Sprint(len(body)))
	res.Header.Set("Content-Type", contentType)
	return nil
}
