package order

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// ceilings gives a shop the default ceilings.
func (e *env) ceilings() {
	e.server.cfg.HoldClientPercent, e.server.cfg.HoldAddressPercent, e.server.cfg.HoldAllPercent, e.server.cfg.HoldAlways = 50, 50, 80,
		5
}

func (e *env) from(client string) *shopper { return e.shopper(web.Identity{Client: client}) }

// goesToPay clicks, and returns why a page is refused, or "". Stripe has no key here: the quote is
// stored with its reservations, and then its page cannot be made.
func (p *shopper) goesToPay(address string) (refused string) {
	p.t.Helper()
	a := p.Post("/order/create-checkout-session", "agree_to_terms_of_sale", "true", "anonymous_email_address", address)
	text := a.Text("errors", "description")
	if a.At("errors", "error") == "stripe-error" && text == textStripe {
		return ""
	}
	if text == "" {
		text = fmt.Sprint(a.At("errors", "error"))
	}
	return text
}

func (e *env) held() int { return e.Number(`SELECT coalesce(sum(quantity), 0)::int FROM reservation`) }

// Two clicks of one visitor once held all 50 pieces. Now no visitor can hold the whole shop, and a
// shopper who holds little can buy the last pieces.
func TestUnpaidPagesCannotEmptyTheShop(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.ceilings()
	e.Exec(`UPDATE sku SET stock = 50 WHERE id = 6`)
	type click struct{ client, email, pieces, refused string }
	goToPay := func(c click) {
		t.Helper()
		p := e.from(c.client)
		p.add("6", c.pieces)
		before := e.held()
		got := p.goesToPay(c.email)
		if (c.refused == "") != (got == "") || !strings.Contains(got, c.refused) {
			t.Errorf("%s pieces for %s from %s: %q", c.pieces, c.email, c.client, got)
		}
		if got != "" && e.held() != before {
			t.Errorf("a refused page holds %d pieces", e.held()-before)
		}
	}

	// A client's address and a person hold half of 50 at most.
	goToPay(click{client: "192.0.2.1", email: "one@mail.example.com", pieces: "50", refused: "at most 25 of “Binder Clips”"})
	goToPay(click{client: "192.0.2.1", email: "one@mail.example.com", pieces: "25"})
	goToPay(click{client: "192.0.2.1", email: "two@mail.example.com", pieces: "1", refused: "at most 25"})
	goToPay(click{client: "192.0.2.2", email: "One+x@mail.example.com", pieces: "1", refused: "at most 25"})

	// Together they hold 40, then five each are left. The second address is in the network of the
	// first.
	goToPay(click{client: "2001:db8::1", email: "three@mail.example.com", pieces: "15"})
	goToPay(click{client: "2001:db8::ffff", email: "four@mail.example.com", pieces: "1", refused: "at most 5"})
	goToPay(click{client: "192.0.2.3", email: "five@mail.example.com", pieces: "6", refused: "at most 5"})

	// The last pieces stay buyable, but not by one client alone.
	goToPay(click{client: "192.0.2.3", email: "five@mail.example.com", pieces: "5"})
	goToPay(click{client: "192.0.2.3", email: "six@mail.example.com", pieces: "1", refused: "at most 5"})
	goToPay(click{client: "192.0.2.4", email: "seven@mail.example.com", pieces: "5"})
	goToPay(click{client: "192.0.2.5", email: "eight@mail.example.com", pieces: "1", refused: "cart-item-not-in-stock"})

	e.server.measureHolds(t.Context())
	if percent := testutil.ToFloat64(heldPercent); percent != 100 || e.held() != 50 { // other tests do not measure
		t.Errorf("%v %% and %d pieces are held", percent, e.held())
	}

	e.Exec(`UPDATE sku SET stock = 1 WHERE id = 7`)
	last := e.visitor()
	last.add("7", "1")
	if refused := last.goesToPay("last@mail.example.com"); refused != "" {
		t.Errorf("the last piece: %s", refused)
	}
	if refused := last.goesToPay("last@mail.example.com"); refused != "" {
		t.Errorf("the last piece, clicked again: %s", refused)
	}
}

// Clicks at the same moment find the same ceiling.
func TestCeilingsHoldForParallelClicks(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.ceilings()
	e.Exec(`UPDATE sku SET stock = 40 WHERE id = 6`)
	var clicks sync.WaitGroup
	for i := range 20 {
		p := e.from("192.0.2.1")
		p.add("6", "3")
		clicks.Go(func() { p.goesToPay(fmt.Sprintf("p%d@mail.example.com", i)) })
	}
	clicks.Wait()
	if held := e.held(); held != 18 {
		t.Errorf("%d pieces are held, the ceiling is 20, want 18", held)
	}
}

// 20 carts once used up a code of 20 uses in less than two seconds.
func TestUnpaidPagesCannotUseUpACode(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.ceilings()
	e.Exec(`UPDATE discount_code SET max_uses = 20 WHERE code = 'WELCOME10'`)
	got := 0
	for i := range 20 {
		p := e.from("192.0.2.1")
		p.add("6", "5")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		refused := p.goesToPay(fmt.Sprintf("p%d@mail.example.com", i))
		if refused == "" {
			got++
		} else if !strings.Contains(refused, "WELCOME10") {
			t.Errorf("the shopper reads %q", refused)
		}
	}

	if n := e.Number(`SELECT uses FROM discount_code WHERE code = 'WELCOME10'`); n != 10 || got != 10 {
		t.Errorf("%d uses are held by %d pages, 10 is the ceiling", n, got)
	}
	other := e.from("192.0.2.2")
	other.add("6", "5")
	other.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10").Want("success", "cart_apply_discount_code")
	if refused := other.goesToPay("other@mail.example.com"); refused != "" {
		t.Errorf("another shopper: %s", refused)
	}
}

// Nothing is held for a shopper who has not given an address for the receipt. If nothing would be
// held, old frontends go on as before.
func TestAGuestGivesAnAddressBeforeAnythingIsHeld(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.ceilings()
	for _, c := range []struct {
		name, sql string
		held      bool
	}{
		{"counted pieces", `UPDATE sku SET stock = 50 WHERE id = 6`, true},
		{"a code of so many uses", `WITH s AS (UPDATE sku SET stock = NULL) UPDATE discount_code SET max_uses = 5 WHERE code = 'WELCOME10'`,
			true},
		{"a code once per customer", `UPDATE discount_code SET max_uses = NULL, max_uses_per_customer = 1 WHERE code = 'WELCOME10'`, true},
		{"nothing that could be held", `UPDATE discount_code SET max_uses_per_customer = NULL`, false},
	} {
		e.Exec(c.sql)
		p := e.visitor()
		p.add("6", "5")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		quotes := e.Number(`SELECT count(*) FROM checkout`)
		if refused := p.goesToPay(""); (refused == textAddressFirst) != c.held {
			t.Errorf("%s, without an address: %q", c.name, refused)
		}
		if n := e.Number(`SELECT count(*) FROM checkout`); c.held && n != quotes {
			t.Errorf("%s: a quote is left", c.name)
		}
		// The address that the cart remembers is as good.
		e.Exec(`UPDATE cart SET receipt_email = $2 WHERE anonymous_id = $1`, p.Cart,
			fmt.Sprintf("%s@mail.example.com", strings.ReplaceAll(c.name, " ", "-")))
		if refused := p.goesToPay(""); refused != "" {
			t.Errorf("%s, with the cart's address: %q", c.name, refused)
		}
	}
}

// A page lives, and holds, as long as Stripe's minimum: 30 minutes and a margin for clocks and
// calls.
func TestLifeOfAPaymentPage(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE sku SET stock = 1 WHERE id = 6`)
	p := e.visitor()
	p.add("6", "1")
	if refused := p.goesToPay("pat@mail.example.com"); refused != "" {
		t.Fatal(refused)
	}
	var ends time.Time
	if err := e.pool.QueryRow(t.Context(), `SELECT expires_at FROM checkout`).Scan(&ends); err != nil {
		t.Fatal(err)
	}
	if life := time.Until(ends); life < stripePageTTL+time.Minute || life > stripePageTTL+5*time.Minute {
		t.Errorf("it holds for %v", life)
	}
	// A quote without a page is made again if Stripe might call its end too early.
	e.Exec(`UPDATE checkout SET expires_at = now() + interval '31 minutes'`)
	if refused := p.goesToPay("pat@mail.example.com"); refused != "" {
		t.Fatal(refused)
	}
	if n := e.Number(`SELECT count(*) FROM checkout WHERE state = 'expired' AND client IS NULL`); n != 1 || e.held() != 1 {
		t.Errorf("%d ended, %d held", n, e.held())
	}
}

// One person is one customer: as a visitor, as a member, with a further account, in other spellings
// of the address.
func TestOncePerCustomerCountsPeople(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE discount_code SET max_uses_per_customer = 1 WHERE code = 'WELCOME10'`)
	applied := func(p *shopper, address string) bool {
		t.Helper()
		p.add("6", "5")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		if !p.Member() {
			e.Exec(`UPDATE cart SET receipt_email = $2 WHERE anonymous_id = $1`, p.Cart, address)
		}
		return p.Get("/order/cart-totals").At("cart_totals_data", "item_discount") != "0"
	}

	as := func(id int64, address string) *shopper {
		return e.shopper(web.Identity{MemberID: id, Username: "member_" + web.ID(id), Email: address, Code: "MB" + web.ID(id),
			Client: "192.0.2.9"})
	}
	first := e.visitor()
	if !applied(first, "Ann.Lee@Mail.Example.com") {
		t.Fatal("the first use counts not")
	}

	e.mustHandle(event("evt_1", completed, first.quoted("Ann.Lee@Mail.Example.com"), nil))
	for _, again := range []string{"ann.lee@mail.example.com", "ANN.LEE@MAIL.EXAMPLE.COM", "ann.lee+2@mail.example.com"} {
		if applied(e.visitor(), again) {
			t.Errorf("%s has the code once more", again)
		}
	}

	if applied(as(1, "Ann.Lee@mail.example.com"), "") || applied(as(2, "ann.lee+second@mail.example.com"), "") {
		t.Error("an account has the code once more")
	}
	if !applied(e.visitor(), "annlee@mail.example.com") || !applied(as(3, "ann@mail.example.com"), "") {
		t.Error("another person has the code not at all")
	}

	// A member who has used the code cannot use it with a new address, nor as a visitor with the
	// old one.
	member := as(4, "bea@mail.example.com")
	if !applied(member, "") {
		t.Fatal("a member's first use counts not")
	}
	e.mustHandle(event("evt_2", completed, member.quoted("bea@mail.example.com"), nil))
	if applied(as(4, "new@mail.example.com"), "") || applied(e.visitor(), "Bea+x@mail.example.com") ||
		applied(as(5, "bea@mail.example.com"), "") {
		t.Error("the member has the code once more")
	}

	// Two carts of one person at once: the second page is refused, whatever the cart showed before.
	one, two := e.visitor(), e.visitor()
	if !applied(one, "cleo@mail.example.com") || !applied(two, "cleo+1@mail.example.com") {
		t.Fatal("not used yet")
	}
	one.quoted("cleo@mail.example.com")
	if applied(two, "cleo+1@mail.example.com") {
		t.Error("held by one cart and shown by the other")
	}
}

// If a code was counted for one address and a person with another one pays, staff get a note; the
// order is made.
func TestAnotherPayerIsNoted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	pays := func(name, shopAddress, payer string, notes int) {
		t.Helper()
		p := e.visitor()
		p.add("6", "5")
		p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
		c := p.quoted(shopAddress)
		orders := e.Number(`SELECT count(*) FROM orders`)
		e.mustHandle(event("evt_"+name, completed, c, func(o map[string]any) { o["customer_details"].(map[string]any)["email"] = payer }))
		if n := e.Number(`SELECT count(*) FROM orders`); n != orders+1 {
			t.Errorf("%s: %d orders more", name, n-orders)
		}
		if n := e.Number(`SELECT count(*) FROM payment_issue WHERE session_id = $1 AND reason = 'payer-differs' AND explanation LIKE `+
			`'%WELCOME10%' AND explanation NOT LIKE '%@%'`, *c.SessionID); n != notes {
			t.Errorf("%s: %d notes", name, n)
		}
	}
	pays("unlimited", "ann@mail.example.com", "other@mail.example.com", 0)
	e.Exec(`UPDATE discount_code SET max_uses_per_customer = 1 WHERE code = 'WELCOME10'`)
	pays("other", "bea@mail.example.com", "other@mail.example.com", 1)
	pays("same", "cleo@mail.example.com", "Cleo+pay@Mail.example.com", 0)
	pays("silent", "dora@mail.example.com", "", 0)
}

// Earlier uses count by the same rule as new ones.
func TestOldUsesCountByPerson(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	raw, err := fs.ReadFile(migrations, "migrations/00021_holds.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, update, found := strings.Cut(string(raw), "UPDATE code_use")
	if !found {
		t.Fatal("the migration fills nothing in")
	}

	addresses := []string{"Ann.Lee@Mail.Example", " ann+a+b@mail.example ", "A.n.n+x@GoogleMail.com", "a.b@gmail.com", "+ann@mail.example",
		"a+@mail.example", `"a@b"@mail.example`, "ann@mail.example"}
	for i, a := range addresses {
		e.Exec(`INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, email, agreed_at, quote,
			  item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, expires_at)
			VALUES ($1, $2, 1, 'h', 'paid', $3, now(), '{}', 0, 0, 0, 0, 0, now())`, fmt.Sprint(i), i, a)
		e.Exec(`INSERT INTO code_use (checkout_id, code_id, customer) VALUES ($1, 1, 'x')`, fmt.Sprint(i))
	}

	e.Exec("UPDATE code_use" + update)
	for i, a := range addresses {
		if got := e.Text(`SELECT coalesce(person, '') FROM code_use WHERE checkout_id = $1`, fmt.Sprint(i)); got != email.Person(a) {
			t.Errorf("%q counts as %q, Person says %q", a, got, email.Person(a))
		}
	}
}

// Addresses of one client have one hash: IPv4 in IPv6, a /64 network, with or without a zone.
func TestClientHash(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	for _, same := range [][2]string{{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::2:3"}, {"fe80::1%eth0", "fe80::1"}} {
		if a, b := clientHash(key, same[0]), clientHash(key, same[1]); a == "" || a != b {
			t.Errorf("%v are two clients", same)
		}
	}
	if clientHash(key, "192.0.2.1") == clientHash(key, "192.0.2.2") ||
		clientHash(key, "2001:db8::1") == clientHash(key, "2001:db8:0:1::1") {
		t.Error("two clients are one")
	}
	if clientHash(key, "") != "" || strings.Contains(clientHash(key, "192.0.2.1"), "192") {
		t.Error("no address, or no hash")
	}
}
