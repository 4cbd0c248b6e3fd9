package edge

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

const (
	// backInStockPath takes the form of a product's page that asks for a mail when a SKU is back in
	// stock.
	backInStockPath = "/order/back-in-stock"
	// noNoticesPath is the address in the List-Unsubscribe header of these mails. Its page asks for
	// confirmation.
	noNoticesPath = "/account/no-notices"
)

// backInStock stores a request for a mail when a SKU is back in stock. The page is the same for all
// shoppers and works without scripts, so its form has no token: a POST from another site is refused
// earlier. The answer is a page, or JSON for a client that asks for it, and reveals nothing about
// the address.
func (s *server) backInStock(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	counted, err := s.limits.Count(r.Context(), limits.Request{Route: "POST " + backInStockPath,
		Client: s.clientAddr(r), Form: form.Values})
	if err != nil {
		return err
	}
	defer counted.Keep()

	asked := url.Values{"sku_id": {form.Get("sku_id")}, "email_address": {form.Get("email_address")}}
	var answer struct {
		State string `json:"state"`
	}
	err = s.ask(r.Context(), s.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/restock-wish",
		Form: asked}, &answer)
	owner, refused := errors.AsType[*web.AnswerError](err)
	refused = refused && owner.Status == http.StatusBadRequest
	switch {
	case err != nil && !refused:
		counted.Release()
		return web.Unavailable(err)
	case strings.Contains(r.Header.Get("Accept"), "application/json"):
		if refused {
			return web.BadRequest("email_address")
		}
		done := answer.State
		if !nothingToTell(done) {
			done = "success"
		}
		return web.JSON(w, http.StatusOK, struct {
			Outcome string         `json:"back_in_stock"`
			Version web.APIVersion `json:"order-api-version"`
		}{Outcome: done})
	case refused:
		s.site.Load().pages.Refuse(w, r, "back-in-stock-wrong")
	case nothingToTell(answer.State):
		http.Redirect(w, r, "/back-in-stock/"+answer.State, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/back-in-stock", http.StatusSeeOther)
	}

	return nil
}

// nothingToTell reports whether there is nothing to wait for, because the SKU is in stock or the
// shop does not sell it. Each case has a page of its own.
func nothingToTell(state string) bool { return state == "in-stock" || state == "gone" }

// noNotices permanently ends these mails to an address. It answers the button of its page and that
// of a mail program (RFC 8058). The token is the only authority that either brings.
func (s *server) noNotices(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	query, err := web.Query(r)
	if err != nil {
		return err
	}
	var answer struct {
		Refused bool `json:"refused"`
	}
	err = s.ask(r.Context(), s.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/restock-refusal",
		Query: url.Values{"notice": {query.Get("notice")}}}, &answer)
	if owner, ok := errors.AsType[*web.AnswerError](err); ok && owner.Status == http.StatusNotFound {
		return web.NotFound()
	}
	if err != nil {
		return web.Unavailable(err)
	}
	if form.Get("List-Unsubscribe") == "One-Click" { // a mail host follows no redirect
		return web.JSON(w, http.StatusOK, answer)
	}
	http.Redirect(w, r, noNoticesPath+"/done", http.StatusSeeOther)
	return nil
}
