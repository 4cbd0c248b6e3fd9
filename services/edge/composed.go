package edge

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// versioned ends every answer under /user.
type versioned struct {
	Version web.APIVersion `json:"user-api-version"`
}

// answerOutcome sends an endpoint's outcome.
func answerOutcome(w http.ResponseWriter, endpoint, outcome string) error {
	return web.JSON(w, http.StatusOK, web.Object{{Key: endpoint, Value: outcome},
		{Key: "user-api-version", Value: web.APIVersion{}}})
}

// loggedIn says who is asking and how many lines the cart has. An unavailable owner costs only its
// part of the answer.
func (s *server) loggedIn(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	log := s.events.log(r.Context())
	count := s.cartCount(r, req)
	h := w.Header()
	s.keepCSRF(h, r, req)
	if req.session == nil {
		s.keepAnonymous(h, req)
		if req.stale {
			s.setCookie(h, sessionCookie, "", -1)
		}
		return web.JSON(w, http.StatusOK, loggedInAnswer{LogClientEvents: log, ClientEventID: "null",
			CartItemCount: count})
	}
	sess := req.session
	return web.JSON(w, http.StatusOK, loggedInAnswer{
		LoggedIn: true, LogClientEvents: log, ClientEventID: sess.MemberID, CartItemCount: count,
		sessionMember: &sessionMember{
			Initials:  initial(sess.FirstName) + initial(sess.LastName),
			FirstName: sess.FirstName,
			LastName:  sess.LastName,
			Email:     sess.Email,
		},
	})
}

type loggedInAnswer struct {
	LoggedIn        bool `json:"logged_in"`
	LogClientEvents bool `json:"log_client_events"`
	ClientEventID   any  `json:"client_event_id"` // the member's number; the text "null" for a visitor
	*sessionMember
	CartItemCount int64 `json:"cart_item_count"`
	versioned
}

type sessionMember struct {
	Initials  string `json:"member_initials"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`
	Email     string `json:"email_address"`
}

func initial(name string) string {
	_, size := utf8.DecodeRuneInString(name)
	return name[:size]
}

// cartCount is the number of lines in the shopper's cart; 0 while order is unavailable.
func (s *server) cartCount(r *http.Request, req *request) int64 {
	if req.session == nil && req.cart == "" {
		return 0
	}
	ctx, cancel := context.WithTimeout(r.Context(), cartCountTimeout)
	defer cancel()
	n, err := s.carts.get(ctx, req)
	if err != nil {
		web.Note(r, "no_cart_count", err.Error())
		return 0
	}
	return n
}

const (
	// configurationTTL is how old events' configuration may be.
	configurationTTL = 3 * time.Second
	// configurationTimeout bounds the wait for it.
	configurationTimeout = 500 * time.Millisecond
)

// configuration caches whether pages should report client events.
type configuration struct {
	fetch func(ctx context.Context) (bool, error)
	// off is inverted, so that an edge that never reached events reports them.
	off   atomic.Bool
	next  atomic.Int64 // Unix nanoseconds of the next refresh
	first sync.Once
}

// log is the configured value, at most a few seconds old, or the last known one. One request every
// configurationTTL refreshes it in the background; only the very first waits for it.
func (c *configuration) log(ctx context.Context) bool {
	c.first.Do(func() { c.refresh(ctx) })
	next, now := c.next.Load(), time.Now()
	if now.UnixNano() >= next && c.next.CompareAndSwap(next, now.Add(configurationTTL).UnixNano()) {
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
	c.next.Store(time.Now().Add(configurationTTL).UnixNano())
}

func (s *server) fetchConfiguration(ctx context.Context) (bool, error) {
	var answer struct {
		Log bool `json:"log_client_events"`
	}
	err := s.ask(ctx, s.owners.events, web.Call{Method: http.MethodGet, Path: "/internal/configuration"}, &answer)
	return answer.Log, err
}

// accountContent is the account page: the person from user, the orders from order. Without order
// the page has no orders; without user there is no page.
func (s *server) accountContent(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	type content struct {
		Authenticated string          `json:"authenticated"`
		Personal      json.RawMessage `json:"personal_data,omitempty"`
		Email         json.RawMessage `json:"email_data,omitempty"`
		Orders        json.RawMessage `json:"orders_data,omitempty"`
	}

	type page struct {
		Content content `json:"account_content"`
		versioned
	}
	visitor := page{Content: content{Authenticated: "false"}}
	if req.session == nil {
		return web.JSON(w, http.StatusOK, visitor)
	}

	orders := struct {
		Data json.RawMessage `json:"orders_data"`
	}{json.RawMessage(`{}`)}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.ask(r.Context(), s.owners.order, web.Call{Method: http.MethodGet,
			Path: "/internal/account-orders", ID: req.identity()}, &orders); err != nil {
			web.Note(r, "no_account_orders", err.Error())
			orders.Data = json.RawMessage(`{}`)
		}
	})

	var account struct {
		Personal json.RawMessage `json:"personal_data"`
		Email    json.RawMessage `json:"email_data"`
	}
	err := s.ask(r.Context(), s.owners.user, web.Call{Method: http.MethodGet, Path: "/internal/account",
		ID: req.identity()}, &account)
	wg.Wait()
	if owner, ok := errors.AsType[*web.AnswerError](err); ok && owner.Status == http.StatusNotFound {
		return web.JSON(w, http.StatusOK, visitor) // the member was erased a moment ago
	}
	if err != nil {
		return web.Unavailable(err)
	}

	return web.JSON(w, http.StatusOK, page{Content: content{Authenticated: "true", Personal: account.Personal,
		Email: account.Email, Orders: orders.Data}})
}

// logout ends the session. The browser starts over as a new visitor without a cart.
func (s *server) logout(w http.ResponseWriter, r *http.Request) error {
	req := requestOf(r)
	h := w.Header()
	if req.session == nil {
		if req.stale {
			s.setCookie(h, sessionCookie, "", -1)
		}
		return answerOutcome(w, "logout", notAuthenticated)
	}
	if err := endSession(r.Context(), s.pool, req.session.TokenHash); err != nil {
		return web.Unavailable(err)
	}
	s.revoke(req.session.MemberID)
	web.Note(r, "member", req.session.MemberID)
	s.clearSession(h)
	s.setCookie(h, cartCookie, "", -1)
	s.setAnonymous(h)
	return answerOutcome(w, "logout", "true")
}

// addressOfMember tells order whether a visitor's receipt address is a member's: order does not
// know members' addresses.
func (s *server) addressOfMember(r *http.Request, id *web.Identity) error {
	req := requestOf(r)
	address := req.form.Get("anonymous_email_address")
	if r.URL.Path != "/order/anonymous-email-address-payment-lookup" || r.Method != http.MethodPost ||
		req.session != nil || address == "" {
		return nil
	}
	if !utf8.ValidString(address) || len(address) > 1000 {
		return nil // order refuses it
	}
	var answer struct {
		Member bool `json:"member"`
	}
	err := s.ask(r.Context(), s.owners.user, web.Call{Method: http.MethodGet, Path: "/internal/address-of-member",
		Query: url.Values{"email": {address}}, ID: *id}, &answer)
	if owner, ok := errors.AsType[*web.AnswerError](err); ok && owner.Status < 500 {
		return nil // not an address; order refuses it, too
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
