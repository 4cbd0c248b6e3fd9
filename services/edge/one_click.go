package edge

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// oneClickPath is the address in a newsletter's List-Unsubscribe header. To who follows it with GET,
// scanners of links among them, it is a page that asks first and changes nothing.
const oneClickPath = "/account/email-unsubscribe"

// oneClick unsubscribes for a mail program (RFC 8058): a POST with List-Unsubscribe=One-Click, without
// cookies, so the token is all its authority. What is unsubscribed already stays so, and is answered
// the same; an answer other than 200 has the mail host try again or tell the reader.
func (e *server) oneClick(w http.ResponseWriter, r *http.Request) error {
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
	err = e.ask(r.Context(), e.owners.user, web.Call{Method: http.MethodPost, Path: "/internal/unsubscribe",
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
