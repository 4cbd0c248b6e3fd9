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
	// backInStockPath is where the form of a product's page goes that asks for a mail when a SKU can be bought again.
	backInStockPath = "/order/back-in-stock"
	// noNoticesPath is the address in the List-Unsubscribe header of such a mail. Its page asks first.
	noNoticesPath = "/account/no-notices"
)

// backInStock notes who wants to hear when a SKU can be bought again. The page is the same for all shoppers and works
// without scripts, so its form has no token: a browser that posts for another site is refused before. Answers are
// pages, or JSON for a client that wants it, and tell nothing of the address.
func (e *server) backInStock(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	counted, err := e.limits.Count(r.Context(), limits.Request{Route: "POST " + backInStockPath,
		Client: e.clientAddr(r), Form: form.Values})
	if err != nil {
		return err
	}
	defer counted.Keep()
	asked := url.Values{"sku_id": {form.Get("sku_id")}, "email_address": {form.Get("email_address")}}
	var answer struct {
		State string `json:"state"`
	}
	err = e.ask(r.Context(), e.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/restock-wish",
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
		e.shown.Load().pages.Refuse(w, r, "back-in-stock-wrong")
	case nothingToTell(answer.State):
		http.Redirect(w, r, "/back-in-stock/"+answer.State, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/back-in-stock", http.StatusSeeOther)
	}
	return nil
}

// nothingToTell reports whether there is nothing to wait for: the SKU is in stock, or the shop does not sell it. Each
// has a page of its own.
func nothingToTell(state string) bool { return state == "in-stock" || state == "gone" }

// noNotices ends such mails to an address for good: the button of its page, and of a mail program (RFC 8058). The token
// is all the authority that either brings.
func (e *server) noNotices(w http.ResponseWriter, r *http.Request) error {
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
	err = e.ask(r.Context(), e.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/restock-refusal",
		Query: url.Values{"notice": {query.Get("notice")}}}, &answer)
	if owner, ok := errors.AsType[*web.AnswerError](err); ok && owner.Status == http.StatusNotFound {
		return web.NotFound()
	}
	if err != nil {
		return web.Unavailable(err)
	}
	if form.Get("List-Unsubscribe") == "One-Click" { // a mail host, which follows no redirect
		return web.JSON(w, http.StatusOK, answer)
	}
	http.Redirect(w, r, noNoticesPath+"/done", http.StatusSeeOther)
	return nil
}
