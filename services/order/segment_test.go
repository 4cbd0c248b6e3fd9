package order

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// mailer is a client that asks as mailer does.
func (e *env) mailer() *testenv.Client {
	c := *e.client
	c.Key = e.server.cfg.Key(boot.MailerKey)
	return &c
}

// Of the people in a request those are returned who meet all conditions.
func TestBuyersAmong(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.sold("ann@mail.example.com", "3")
	bob := e.sold("Bob@Mail.example.com", "1")
	cid := e.sold("cid@mail.example.com", "9")
	e.sold("owned@mail.example.com", "1")
	e.Exec(`UPDATE orders SET member_id = 7 WHERE email = 'owned@mail.example.com'`)

	e.Exec(`UPDATE orders SET placed_at = now() - interval '40 days' WHERE identifier = $1`, bob)
	e.Exec(`INSERT INTO refund (id, payment_intent, origin, stripe_id, amount, currency, state)
		SELECT 'r1', payment_intent, 'stripe', 're_1', total - 100, currency, 'succeeded' FROM orders WHERE identifier = $1`, cid)
	everyone := []string{"member", "7", "member", "8", "address", "ann@mail.example.com", "address", "bob@mail.example.com",
		"address", "cid@mail.example.com", "address", "dan@mail.example.com", "address", "owned@mail.example.com"}
	among := func(want string, conditions ...string) {
		t.Helper()
		e.mailer().Post("/internal/buyers-among", append(conditions, everyone...)...).Is(want)
	}

	product := e.Text(`SELECT p.identifier FROM sku s JOIN product p ON p.id = s.product_id WHERE s.id = 6`)
	const all = `{"known":true,"members":[7],"addresses":["ann@mail.example.com","bob@mail.example.com","cid@mail.example.com"]}`
	among(all, "product", product)
	among(all, "product", "6")
	among(`{"known":true,"members":[],"addresses":[]}`, "product", "1")
	among(`{"known":false,"members":[],"addresses":[]}`, "product", "none")
	among(`{"known":true,"members":[],"addresses":["bob@mail.example.com"]}`, "idle_days", "30")
	among(all, "spent_over", "0")

	among(`{"known":true,"members":[7],"addresses":["ann@mail.example.com","bob@mail.example.com"]}`, "spent_over", "100") // net of refunds
	among(`{"known":true,"members":[],"addresses":["bob@mail.example.com"]}`, "product", "6", "idle_days", "30", "spent_over", "100")
	e.Exec(`UPDATE orders SET canceled_at = now() WHERE identifier = $1`, bob)
	among(`{"known":true,"members":[],"addresses":[]}`, "idle_days", "30")

	for _, garbage := range [][]string{{"idle_days", "-1"}, {"idle_days", "99999999999"}, {"spent_over", "1e9"}, {"member", "x"},
		{"product", "\x00"}, {"product", "\xff"}, {"address", strings.Repeat("x", maxBuyersRequest)}} {
		if a := e.mailer().Post("/internal/buyers-among", garbage...); a.Status < 400 || a.Status > 499 {
			t.Errorf("%.30q: %d", garbage, a.Status)
		}
	}

	if a := e.client.Post("/internal/buyers-among", everyone...); a.Status != 401 {
		t.Errorf("edge's key asks about buyers: %d", a.Status)
	}
	if a := e.mailer().Get("/order/cart-items"); a.Status != 401 {
		t.Errorf("mailer's key shops: %d", a.Status)
	}
}
