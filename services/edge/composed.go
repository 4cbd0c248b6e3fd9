package edge

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// apiVersion ends every answer under /user.
var apiVersion = web.Field{Key: "user-api-version", Value: "0.0.1"}

// loggedIn says who is asking and how many lines the cart has. An owner that is away costs its part
// of the answer only.
func (e *server) loggedIn(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	log := e.events.log(r.Context())
	count := e.cartCount(r, req)
	h := w.Header()
	e.keepCSRF(h, r, req)
	if req.session == nil {
		e.keepAnonymous(h, req)
		if req.stale {
			e.setCookie(h, sessionCookie, "", -1)
		}
		return web.JSON(w, http.StatusOK, web.Object{
			{Key: "logged_in", Value: false}, {Key: "log_client_events", Value: log}, {Key: "client_event_id", Value: "null"},
			{Key: "cart_item_count", Value: count}, apiVersion,
		})
	}
	s := req.session
	return web.JSON(w, http.StatusOK, web.Object{
		{Key: "logged_in", Value: true}, {Key: "log_client_events", Value: log}, {Key: "client_event_id", Value: s.MemberID},
		{Key: "member_initials", Value: initial(s.FirstName) + initial(s.LastName)},
		{Key: "first_name", Value: s.FirstName}, {Key: "last_name", Value: s.LastName}, {Key: "email_address", Value: s.Email},
		{Key: "cart_item_count", Value: count}, apiVersion,
	})
}

func initial(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return name[:size]
}

// cartCount is the number of lines in the shopper's cart; 0 when order is away.
func (e *server) cartCount(r *http.Request, req *request) int64 {
	if req.session == nil && req.cart == "" {
		return 0
	}
	ctx, cancel := context.WithTimeout(r.Context(), cartCountTimeout)
	defer cancel()
	n, err := e.carts.get(ctx, req)
	if err != nil {
		web.Note(r, "no_cart_count", err.Error())
		return 0
	}
	return n
}

const (
	// configurationLife is how old events' configuration may be.
	configurationLife = 3 * time.Second
	// configurationTimeout bounds the wait for it.
	configurationTimeout = 500 * time.Millisecond
)

// configuration remembers whether pages shall report client events.
type configuration struct {
	fetch func(ctx context.Context) (bool, error)
	// off is inverted, so that an edge that never reached events says true.
	off   atomic.Bool
	next  atomic.Int64 // Unix nanoseconds of the next look
	first sync.Once
}

// log is the configured value, a few seconds old, or the last one known. One request in a while has
// it fetched; only the very first waits for it.
func (c *configuration) log(ctx context.Context) bool {
	c.first.Do(func() { c.refresh(ctx) })
	next, now := c.next.Load(), time.Now()
	if now.UnixNano() >= next && c.next.CompareAndSwap(next, now.Add(configurationLife).UnixNano()) {
		go c.refresh(ctx)
	}
	return !c.off.Load()
}

func (c *configuration) refresh(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), configurationTimeout)
	defer cancel()
	if on, err := c.fetch(ctx); err == nil {
		c.off.Store(!on)
	}
	c.next.Store(time.Now().Add(configurationLife).UnixNano())
}

func (e *server) fetchConfiguration(ctx context.Context) (bool, error) {
	var answer struct {
		Log bool `json:"log_client_events"`
	}
	err := e.ask(ctx, http.MethodGet, e.settings.events, "/internal/configuration", nil, web.Identity{}, &answer)
	return answer.Log, err
}

// accountContent is the account page: the person from user, the orders from order. Without order
// there are no orders on it; without user there is no page.
func (e *server) accountContent(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	visitor := web.Object{{Key: "account_content", Value: web.Object{{Key: "authenticated", Value: "false"}}}, apiVersion}
	if req.session == nil {
		return web.JSON(w, http.StatusOK, visitor)
	}
	orders := struct {
		Data json.RawMessage `json:"orders_data"`
	}{json.RawMessage(`{}`)}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.ask(r.Context(), http.MethodGet, e.settings.order, "/internal/account-orders", nil, req.identity(), &orders); err != nil {
			web.Note(r, "no_account_orders", err.Error())
			orders.Data = json.RawMessage(`{}`)
		}
	})
	var account struct {
		Personal json.RawMessage `json:"personal_data"`
		Email    json.RawMessage `json:"email_data"`
	}
	err := e.ask(r.Context(), http.MethodGet, e.settings.user, "/internal/account", nil, req.identity(), &account)
	wg.Wait()
	if owner, ok := errors.AsType[*ownerError](err); ok && owner.status == http.StatusNotFound {
		return web.JSON(w, http.StatusOK, visitor) // erased a moment ago
	}
	if err != nil {
		return web.Unavailable(err)
	}
	return web.JSON(w, http.StatusOK, web.Object{{Key: "account_content", Value: web.Object{
		{Key: "authenticated", Value: "true"}, {Key: "personal_data", Value: account.Personal},
		{Key: "email_data", Value: account.Email}, {Key: "orders_data", Value: orders.Data},
	}}, apiVersion})
}

// logout ends the session. The browser starts over as a new visitor without a cart.
func (e *server) logout(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	h := w.Header()
	if req.session == nil {
		if req.stale {
			e.setCookie(h, sessionCookie, "", -1)
		}
		return web.JSON(w, http.StatusOK, web.Object{{Key: "logout", Value: "user_not_authenticated"}, apiVersion})
	}
	if err := endSession(r.Context(), e.pool, req.session.TokenHash); err != nil {
		return web.Unavailable(err)
	}
	e.revoke(req.session.MemberID)
	web.Note(r, "member", req.session.MemberID)
	e.clearSession(h)
	e.setCookie(h, cartCookie, "", -1)
	e.setAnonymous(h)
	return web.JSON(w, http.StatusOK, web.Object{{Key: "logout", Value: "true"}, apiVersion})
}

// addressOfMember tells order, with a visitor's receipt address, whether it is a member's: order
// does not know members' addresses.
func (e *server) addressOfMember(r *http.Request, id *web.Identity) error {
	req := requestOf(r)
	address := req.form.Get("anonymous_email_address")
	if r.URL.Path != "/order/anonymous-email-address-payment-lookup" || r.Method != http.MethodPost || req.session != nil || address == "" {
		return nil
	}
	if !utf8.ValidString(address) || len(address) > 1000 {
		return nil // order refuses it
	}
	var answer struct {
		Member bool `json:"member"`
	}
	err := e.ask(r.Context(), http.MethodGet, e.settings.user, "/internal/address-of-member", map[string][]string{"email": {address}}, *id, &answer)
	if owner, ok := errors.AsType[*ownerError](err); ok && owner.status < 500 {
		return nil // no address at all; order refuses it too
	}
	if err != nil {
		return web.Unavailable(err)
	}
	id.AddressOfMember = answer.Member
	return nil
}

// apiRoot answers the root of an API.
func apiRoot(name string) web.Handler {
	text := []byte("<!doctype html><title>" + name + "</title><p>StartUpWebApp " + name + " API, version 0.0.1.</p>")
	return func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0")
		_, err := w.Write(text)
		return err
	}
}
