package order

import (
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// switchOn turns switches of automatic mails on, as staff do.
func (e *env) switchOn(fields ...string) {
	e.t.Helper()
	e.client.AsStaff("order", adminui.Owner).Post("/staff/settings/automatic-mails", append([]string{"version",
		e.Text(`SELECT (1 + coalesce(sum(version), 0))::text FROM configuration WHERE key = ANY($1)`, automaticGroup.keys)},
		fields...)...).Has(303)
}

// automatic runs the worker in several processes at once.
func (e *env) automatic() {
	e.t.Helper()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if _, err := e.server.sendAutomatic(e.t.Context(), e.pool); err != nil {
				e.t.Error(err)
			}
		})
	}
	all.Wait()
}

// left is a visitor's checkout that ended some hours ago.
func (e *env) left(p *shopper, address, hours string) checkout {
	e.t.Helper()
	p.add("6", "2")
	c := p.quoted(address)
	e.Exec(`UPDATE checkout SET state = 'expired', created_at = now() - $2::interval, expires_at = now() - $2::interval WHERE id = $1`,
		c.ID, hours+" hours")
	return c
}

func receiversOfMails(list []msg.SendMail) (all []string) {
	for _, m := range list {
		all = append(all, m.To...)
	}
	slices.Sort(all)
	return all
}

func mailTo(list []msg.SendMail, address string) msg.SendMail {
	return list[slices.IndexFunc(list, func(m msg.SendMail) bool { return m.To[0] == address })]
}

func (e *env) mailWanted(key string, want bool) {
	e.t.Helper()
	e.mailer().Post("/internal/mail-wanted", "key", key).OK().Want(want, "wanted")
}

// One reminder goes to each address whose last checkout ended unpaid some hours ago, unless its
// shopper went on.
func TestCheckoutReminders(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.visitor()
	c := e.left(ann, "Ann@mail.example.com", "5")
	e.automatic()
	if n := e.Number(`SELECT count(*) FROM automatic_mail`); n != 0 {
		t.Errorf("%d mails with the switch off, want 0", n)
	}

	e.switchOn("checkout_reminder", "on")
	e.left(e.visitor(), "recent@mail.example.com", "3")
	e.left(e.visitor(), "old@mail.example.com", "29")
	bought := e.visitor()
	e.left(bought, "buyer@mail.example.com", "5")

	e.sold("buyer@mail.example.com", "1") // with another cart
	again := e.visitor()
	e.left(again, "again@mail.example.com", "5")
	again.add("6", "1")
	again.quoted("again@mail.example.com") // has another page open
	emptied := e.visitor()
	e.left(emptied, "emptied@mail.example.com", "5")
	emptied.Post("/order/cart-delete-cart")

	e.left(e.visitor(), "ann@mail.example.com", "6") // a second cart of one person
	e.automatic()
	e.automatic()
	mails := e.mailed(msg.MailCheckoutReminder)
	if got := strings.Join(receiversOfMails(mails), " "); got != "Ann@mail.example.com" {
		t.Fatalf("reminded: %s", got)
	}
	if m := mails[0]; len(m.Payment.Lines) != 1 || m.Payment.Lines[0].Quantity != 2 || m.Data["asked"] != "" || m.MemberID != 0 {
		t.Errorf("%+v", m)
	}

	// Mailer asks again at the moment of sending.
	key := msg.MailCheckoutReminder + ":" + c.ID
	e.mailWanted(key, true)
	e.mailWanted(msg.MailCheckoutReminder+":none", false)
	e.mailWanted("order-member:"+c.ID, false)
	e.switchOn()
	e.mailWanted(key, false)
	e.switchOn("checkout_reminder", "on", "checkout_reminder_hours", "48")
	e.mailWanted(key, true)
	e.mustHandle(event("evt_paid", completed, c, nil))
	e.mailWanted(key, false)

	// After thirty days an address is reminded of another cart, and never again of the same one.
	e.Exec(`UPDATE automatic_mail SET at = now() - interval '31 days'`)
	e.Exec(`UPDATE orders SET placed_at = now() - interval '60 days'`)
	dan := e.left(e.visitor(), "dan@mail.example.com", "49")
	e.automatic()
	e.Exec(`UPDATE automatic_mail SET at = now() - interval '31 days'`)
	e.automatic()

	if mails := e.mailed(msg.MailCheckoutReminder); len(mails) != 2 || mails[1].To[0] != "dan@mail.example.com" {
		t.Errorf("%d reminders, the last to %v", len(mails), mails[len(mails)-1].To)
	}
	if n := e.Number(`SELECT count(*) FROM checkout WHERE id = $1`, dan.ID); n != 1 {
		t.Error("the quote is gone")
	}
	if n, err := deleteOldAutomatic(t.Context(), e.pool); err != nil || n != 0 {
		t.Errorf("%d notes deleted, want 0: %v", n, err)
	}
}

// Buyers are asked for a review once, some days after their last parcel, unless the order went back
// or is disputed.
func TestReviewRequests(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	sent := func(address, ago string) string {
		t.Helper()
		o := e.sold(address, "2")
		e.Exec(`INSERT INTO shipment (id, order_id, carrier, mail_at, by_name, shipped_at)
			SELECT identifier, id, 'Post', now(), 'Kim', now() - $2::interval FROM orders WHERE identifier = $1`, o, ago)
		e.Exec(`INSERT INTO shipment_line (shipment_id, order_id, seq, quantity) SELECT o.identifier, o.id, l.seq, l.quantity
			FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.identifier = $1`, o)
		e.Exec(`UPDATE orders SET current_status = 'shipped' WHERE identifier = $1`, o)
		return o
	}

	// Ann's order is due. The others are too late, too early, or not completely sent.
	ann := sent("ann@mail.example.com", "15 days")
	sent("late@mail.example.com", "20 days")
	sent("early@mail.example.com", "5 days")
	half := sent("half@mail.example.com", "14 days 1 hour")
	e.Exec(`INSERT INTO shipment (id, order_id, carrier, mail_at, by_name)
		SELECT 'second', id, 'Post', now(), 'Kim' FROM orders WHERE identifier = $1`, half)
	rest := sent("rest@mail.example.com", "14 days 1 hour") // a piece is still to be sent
	e.Exec(`UPDATE shipment_line SET quantity = 1 WHERE shipment_id = $1`, rest)

	// A status of the shop's own does not matter; canceled, refunded, returned and disputed orders
	// are left out.
	moved := sent("moved@mail.example.com", "14 days 1 hour") // to a status of the shop's own
	e.Exec(`UPDATE orders SET current_status = 'delivered' WHERE identifier = $1`, moved)
	for _, ended := range []string{"canceled", "refunded"} {
		e.Exec(`UPDATE orders SET current_status = $2 WHERE identifier = $1`, sent(ended+"@mail.example.com", "14 days 1 hour"), ended)
	}
	returned := sent("returned@mail.example.com", "14 days 1 hour") // all pieces, less than the money
	e.Exec(`INSERT INTO refund (id, payment_intent, origin, stripe_id, amount, currency, state)
		SELECT 'r2', payment_intent, 'stripe', 're_2', 1, currency, 'succeeded' FROM orders WHERE identifier = $1`, returned)

	e.Exec(`INSERT INTO refund_line (refund_id, order_id, seq, quantity, restocked) SELECT 'r2', o.id, l.seq, l.quantity, true
		FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.identifier = $1`, returned)
	for _, status := range []string{"needs_response", "won"} {
		e.Exec(`INSERT INTO dispute (id, payment_intent, amount, withdrawn, moves, currency, reason, status, created_at)
			SELECT $2, payment_intent, total, total, 0, currency, 'fraudulent', $2, now() FROM orders WHERE identifier = $1`,
			sent(status+"@mail.example.com", "14 days 1 hour"), status)
	}

	back := sent("back@mail.example.com", "14 days 1 hour")
	e.Exec(`INSERT INTO refund (id, payment_intent, origin, stripe_id, amount, currency, state)
		SELECT 'r1', payment_intent, 'stripe', 're_1', total, currency, 'succeeded' FROM orders WHERE identifier = $1`, back)
	e.Exec(`UPDATE shipment SET shipped_at = now() - interval '14 days 2 hours' WHERE id = $1`, ann)
	e.automatic()
	if n := len(e.mailed(msg.MailReviewRequest)); n != 0 {
		t.Errorf("%d mails with the switch off, want 0", n)
	}

	// Each is asked once, about what was sent.
	e.switchOn("review_request", "on")
	e.automatic()
	e.automatic()
	mails := e.mailed(msg.MailReviewRequest)
	if got := strings.Join(receiversOfMails(mails), " "); got != "ann@mail.example.com moved@mail.example.com won@mail.example.com" {
		t.Fatalf("asked: %s", got)
	}
	m := mailTo(mails, "ann@mail.example.com")
	if m.Data["identifier"] != ann || len(m.Payment.Lines) != 1 || m.Payment.Lines[0].Quantity != 2 {
		t.Errorf("%+v", m)
	}

	// Mailer asks again before it sends.
	e.mailWanted(msg.MailReviewRequest+":"+ann, true)
	e.Exec(`UPDATE orders SET canceled_at = now() WHERE identifier = $1`, ann)
	e.mailWanted(msg.MailReviewRequest+":"+ann, false)
}

// Staff switch automatic mails and their times on a page that refuses invalid values.
func TestSettingsOfAutomaticMails(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.client.AsStaff("order", adminui.Owner)
	staff.Get("/staff/settings").Has(200, "/settings/automatic-mails")
	for says, fields := range map[string][]string{
		"On or off": {"checkout_reminder", "perhaps"}, "A number from 1 to 168": {"checkout_reminder_hours", "0"},
		"A number from 1 to 60": {"review_request_days", "61"}, "1 to 168": {"checkout_reminder_hours", "9e9"},
	} {
		staff.Post("/staff/settings/automatic-mails", append([]string{"version", "1"}, fields...)...).Has(422, says)
	}
	e.switchOn("shop_back_in_stock", "on", "review_request", "on", "review_request_days", "3")
	staff.Post("/staff/settings/automatic-mails", "version", "1", "review_request", "on").Has(409, "changed this")
	staff.Get("/staff/settings/automatic-mails").Has(200, `name="review_request_days" value="3"`)
	if acts := e.acts(); !strings.HasPrefix(acts, "settings.edit settings automatic-mails") {
		t.Errorf("noted: %s", acts)
	}
}

// A customer who asked for it is told once when a SKU is back in stock, whatever its state was, and
// anybody can decline such mails permanently.
func TestBackInStock(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	wish := func(status int, sku, address string) (state string) {
		t.Helper()
		a := e.client.Post("/internal/restock-wish", "sku_id", sku, "email_address", address)
		if a.Status != status {
			t.Errorf("%s %s: %d", sku, address, a.Status)
		} else if status == 200 {
			state = a.Text("state")
		}
		return state
	}

	// No wish is stored while the switch is off.
	e.Exec(`UPDATE sku SET stock = 0 WHERE id IN (6, 7)`)
	if got := wish(200, "6", "early@mail.example.com"); got != "gone" { // the switch is off
		t.Errorf("%s while the switch is off", got)
	}

	// The answer depends on the SKU alone; invalid input is refused.
	e.switchOn("shop_back_in_stock", "on")
	wish(200, "6", "Ann@mail.example.com")
	wish(200, "6", "ann@mail.example.com")
	wish(200, "7", "ann@mail.example.com")
	wish(200, "6", "bob@mail.example.com")
	for sku, want := range map[string]string{"6": "noted", "1": "in-stock", "999999": "gone"} {
		if got := wish(200, sku, "bob@mail.example.com"); got != want {
			t.Errorf("SKU %s: %s, want %s", sku, got, want)
		}
	}

	for _, garbage := range [][2]string{{"x", "ann@mail.example.com"}, {"-1", "ann@mail.example.com"}, {"", "a@b.example"},
		{"99999999999999999999", "a@b.example"}, {"6", "ann"}, {"6", ""}, {"6", "a\x00@b.example"}, {"6", "\xff@b.example"},
		{"6", strings.Repeat("x", 300) + "@b.example"}} {
		wish(400, garbage[0], garbage[1])
	}

	if n := e.Number(`SELECT count(*) FROM restock_wish`); n != 3 {
		t.Fatalf("%d wishes, want 3", n)
	}
	e.automatic()
	if n := len(e.mailed(msg.MailBackInStock)); n != 0 {
		t.Errorf("%d mails while nothing is there, want 0", n)
	}

	// Each customer is mailed once when the SKU is back.
	e.Exec(`UPDATE sku SET stock = 1 WHERE id = 6`)
	e.automatic()
	e.automatic()
	mails := e.mailed(msg.MailBackInStock)
	if got := strings.Join(receiversOfMails(mails), " "); got != "Ann@mail.example.com bob@mail.example.com" ||
		e.Number(`SELECT count(*) FROM restock_wish`) != 1 {
		t.Fatalf("told: %s", got)
	}

	// Ann declines: her other wish is deleted, and no new one is stored for her. Made-up tokens
	// change nothing.
	token := mailTo(mails, "Ann@mail.example.com").Data["notice"]
	for _, forged := range []string{"", "x", token + "x", "x" + token, strings.Split(token, ".")[0] + ".", "\x00"} {
		a := e.client.Do(e.client.Request("POST", "/internal/restock-refusal?notice="+url.QueryEscape(forged)))
		if a.Status != 404 && a.Status != 400 {
			t.Errorf("%q: %d", forged, a.Status)
		}
	}

	// After the refusal not even a mail that is on its way is sent.
	toAnn := []string{"key", msg.MailBackInStock + ":1", "notice", token}
	e.mailer().Post("/internal/mail-wanted", toAnn...).OK().Want(true, "wanted")
	for range 2 {
		e.client.Do(e.client.Request("POST", "/internal/restock-refusal?notice="+token)).OK()
	}

	e.mailer().Post("/internal/mail-wanted", toAnn...).OK().Want(false, "wanted") // a mail already on its way is not sent
	e.mailWanted(msg.MailBackInStock+":1", false)
	if got := wish(200, "7", "ANN@mail.example.com"); got != "noted" { // the answer reveals nothing about the address
		t.Errorf("%s to an address that declined", got)
	}
	e.Counts(0, `SELECT count(*) FROM restock_wish`)
	e.Counts(1, `SELECT count(*) FROM restock_declined`)

	// An erasure deletes wishes and notes of mails. A refusal stays: it is a keyed hash, and
	// without it others could subscribe the address again.
	wish(200, "7", "Cid@mail.example.com")
	e.Exec(`INSERT INTO automatic_mail (kind, about, email) VALUES ('x', 'y', 'cid@mail.example.com')`)
	e.Exec(`INSERT INTO restock_told (id, sku_id, email, address, at) VALUES (99, 6, 'Cid@mail.example.com', 'h', now())`)

	p := erasure.Person{Emails: []string{"cid@Mail.example.com"}}
	export, err := ExportOrders(t.Context(), e.pool, p)
	if err != nil || strings.Count(string(export), "id@mail.example.com") != 3 {
		t.Errorf("exported: %v %s", err, export)
	}
	if err := pgx.BeginFunc(t.Context(), e.pool, func(tx pgx.Tx) error { return eraseOrders(t.Context(), tx, p) }); err != nil {
		t.Fatal(err)
	}
	e.Counts(0, `SELECT (SELECT count(*) FROM restock_wish) + (SELECT count(*) FROM automatic_mail)
		+ (SELECT count(*) FROM restock_told WHERE id = 99)`)
	e.Counts(1, `SELECT count(*) FROM restock_declined`)
}

// If a SKU is sold out again before its mail leaves, the customer goes on waiting: this mail is
// held however often mailer asks, and the next one is a new mail.
func TestBackInStockMailIsHeldWhenSoldOut(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.switchOn("shop_back_in_stock", "on")
	stock := func(n int) { e.Exec(`UPDATE sku SET stock = $1 WHERE id = 6`, n) }
	told := func(n int) (ask []string) {
		t.Helper()
		e.automatic()
		mails := e.mailed(msg.MailBackInStock)
		if len(mails) != n {
			t.Fatalf("%d mails, want %d", len(mails), n)
		}
		return []string{"key", msg.MailBackInStock + ":" + e.Text(`SELECT max(id)::text FROM restock_told`),
			"notice", mailTo(mails, "dora@mail.example.com").Data["notice"]}
	}

	wanted := func(want bool, ask []string) {
		t.Helper()
		e.mailer().Post("/internal/mail-wanted", ask...).OK().Want(want, "wanted")
	}
	waiting := func(want int) {
		t.Helper()
		if n := e.Number(`SELECT count(*) FROM restock_wish`); n != want {
			t.Errorf("%d wait, want %d", n, want)
		}
	}

	stock(0)
	e.client.Post("/internal/restock-wish", "sku_id", "6", "email_address", "dora@mail.example.com").OK()
	stock(1)
	first := told(1)
	stock(0)
	for range 2 {
		wanted(false, first)
		waiting(1)
	}

	told(1) // not yet
	stock(1)
	wanted(false, first)
	second := told(2)
	waiting(0)
	for range 2 { // the first try to send it fails
		wanted(true, second)
	}

	stock(0) // a customer who asked again while the mail was on its way waits once
	e.client.Post("/internal/restock-wish", "sku_id", "6", "email_address", "dora@mail.example.com").OK()
	wanted(false, second)
	waiting(1)
	e.Exec(`UPDATE restock_told SET told_at = now() - interval '26 hours'`)
	if n, err := deleteOldAutomatic(t.Context(), e.pool); err != nil || n != 2 {
		t.Errorf("%d deleted, want 2: %v", n, err)
	}
}
