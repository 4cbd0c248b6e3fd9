package edge

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// oneClickPath is the address in a newsletter's List-Unsubscribe header. A GET, which link scanners
// send, too, is a page that asks for confirmation and changes nothing.
const oneClickPath = "/account/email-unsubscribe"

// oneClick unsubscribes for a mail program (RFC 8058): a POST with List-Unsubscribe=One-Click,
// without cookies, so the token is its only authority. A repetition gets the same answer. On any
// answer but 200 the mail host tries again or tells the reader.
func (s *server) oneClick(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	if form.Get("List-Unsubscribe") != "One-Click" {
		return web.BadRequest("List-Unsubscribe")
	}

	query, err := web.Query(r)
	if err != nil {
		return err
	}
	token := url.Values{}
	for _, name := range []string{"token", "pr_token"} {
		if value := query.Get(name); value != "" {
			token.Set(name, value)
		}
	}

	var answer struct {
		Unsubscribed bool `json:"unsubscribed"`
	}
	err = s.ask(r.Context(), s.owners.user, web.Call{Method: http.MethodPost, Path: "/internal/unsubscribe",
		Query: token}, &answer)
	if owner, ok := errors.AsType[*web.AnswerError](err); ok && owner.Status == http.StatusNotFound {
		return web.NotFound()
	}
	if err != nil {
		return web.Unavailable(err)
	}

	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if _, err := fmt.Fprintln(w, "You are unsubscribed."); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}

	return nil
}
