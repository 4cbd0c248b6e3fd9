package order

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// env is the service on a database of its own, called over HTTP as edge calls it.
type env struct {
	testenv.DB // as the owner of the database, for what staff do in psql
	t          *testing.T
	server     *server
	pool       *pgxpool.Pool // as the service
	client     *testenv.Client

	databaseURL string
}

func newEnv(t *testing.T) *env {
	t.Helper()
	databaseURL := testenv.Database(t, testenv.Schema{Service: "order", Sets: Migrations()})
	cfg := Config{Public: boot.Public{PublicURL: "http://shop.test"}, ShippingMailAfter: 5 * time.Minute, MediaURL: t.TempDir()}
	pool := testenv.Open(t, databaseURL, "order")
	s, err := newServer(service.NewCore(testenv.Log(t), pool, testenv.NoBroker(t, "order")), cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(testenv.Mount(t, "order", s.staff(), s.routes()))
	t.Cleanup(server.Close)
	client := &testenv.Client{TB: t, URL: server.URL, Key: cfg.Key("identity"),
		Check: testenv.NewContract(t, "openapi.yaml").Below(t, "/order")}
	owner := testenv.DB{TB: t, Conn: testenv.OpenOwner(t, databaseURL, "order")}
	return &env{DB: owner, t: t, server: s, pool: pool, client: client, databaseURL: databaseURL}
}

// shopper is a client that keeps the cart it was given. A copy is another browser.
type shopper struct {
	*env
	testenv.Client
}

func (e *env) shopper(id web.Identity) *shopper { return &shopper{e, *e.client.As(id)} }

func (e *env) visitor() *shopper { return e.shopper(web.Identity{Client: "192.0.2.1"}) }

func (e *env) member(id int64) *shopper {
	return e.shopper(web.Identity{MemberID: id, Username: "member_" + web.ID(id), Email: "member" + web.ID(id) + "@mail.example.com",
		Code: "MB" + web.ID(id)})
}

// Ask makes a request, with a form in a POST.
func (p *shopper) Ask(method, path string, pairs ...string) testenv.Answer {
	p.t.Helper()
	a := p.Client.Ask(method, path, pairs...)
	if c := a.Header.Get(web.SetCartHeader); c != "" {
		p.Cart = c
	}
	return a
}

// Get and Post require an answer with 200.
func (p *shopper) Get(path string) testenv.Answer {
	p.t.Helper()
	return p.Ask(http.MethodGet, path).OK()
}

// Post sends a form of name, value, name, value….
func (p *shopper) Post(path string, pairs ...string) testenv.Answer {
	p.t.Helper()
	return p.Ask(http.MethodPost, path, pairs...).OK()
}

func (p *shopper) add(sku, quantity string) testenv.Answer {
	p.t.Helper()
	return p.Post("/order/cart-add-product-sku", "sku_id", sku, "quantity", quantity)
}

// quoted stores what a checkout of this shopper's cart would, with a session id as Stripe makes
// them.
func (p *shopper) quoted(email string) checkout {
	p.t.Helper()
	c, err := p.tryQuote(email)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *shopper) tryQuote(email string) (checkout, error) {
	ctx := p.t.Context()
	c, err := readCart(ctx, p.pool, p.Identity, checkoutSettings(), "")
	if err != nil || c == nil {
		return checkout{}, fmt.Errorf("cart %v: %w", c, err)
	}
	if email != "" {
		c.ReceiptEmail = &email
	}

	if err := withDefaultShipping(ctx, p.pool, c); err != nil {
		return checkout{}, err
	}
	in, err := readContents(ctx, p.pool, c)
	if err != nil {
		return checkout{}, err
	}
	q, err := newCheckout(c, in, email)
	if err != nil {
		return checkout{}, err
	}

	if p.Member() {
		q.MemberID, q.MemberCode = &p.MemberID, &p.Code
	}
	owner := ownerOf(p.Identity)
	q.Owner = &owner
	if err := pgx.BeginFunc(ctx, p.pool, func(tx pgx.Tx) error { return insertCheckout(ctx, tx, q) }); err != nil {
		return checkout{}, err
	}

	s := stripe.Session{ID: "cs_test_" + q.ID, URL: "https://pay.test/" + q.ID}
	q.SessionID = &s.ID
	_, _, err = storeSession(ctx, p.pool, q.ID, s)
	return q, err
}

// event is a Stripe event about the session of a quote, as a delivery.
func event(id, kind string, c checkout, change func(object map[string]any)) *bus.Delivery {
	address := map[string]any{"line1": "12 Elm Street", "city": "Springfield", "state": "IL", "postal_code": "62704", "country": "US"}
	object := map[string]any{
		"id": *c.SessionID, "object": "checkout.session", "client_reference_id": c.ID, "payment_status": "paid", "status": "complete",
		"amount_total": c.Total, "currency": "usd", "payment_intent": "pi_" + c.ID, "metadata": map[string]string{"checkout_id": c.ID},
		"customer_details": map[string]any{"email": "pat@mail.example.com", "name": "Pat Buyer", "address": address},
		"shipping_details": map[string]any{"name": "Pat's Office", "address": address},
	}
	object["amount_total"] = int64(c.Total)
	if change != nil {
		change(object)
	}
	raw, err := json.Marshal(map[string]any{"id": id, "object": "event", "type": kind, "api_version": "2023-10-16",
		"created": time.Now().Unix(), "data": map[string]any{"object": object}})
	if err != nil {
		panic(err)
	}
	return &bus.Delivery{Key: id, Subject: msg.StripeSubject(kind), Data: raw, Attempt: 1}
}

// handle runs events through the consumer's two halves, in one transaction, as the bus does.
func (e *env) handle(events ...*bus.Delivery) error {
	for _, d := range events {
		if err := e.server.readStripeEvent(e.t.Context(), d); err != nil {
			return err
		}
	}
	return pgx.BeginFunc(e.t.Context(), e.pool, func(tx pgx.Tx) error { return e.server.onStripeEvents(e.t.Context(), tx, events) })
}

func (e *env) mustHandle(events ...*bus.Delivery) {
	e.t.Helper()
	if err := e.handle(events...); err != nil {
		e.t.Fatal(err)
	}
}

// completed is the kind of the event after which a session is paid.
const completed = "checkout.session.completed"
