package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// The person of TestAPersonIsExportedAndErased, and a bystander whose address has the same ending
// and who must not be affected.
const (
	oldAddress = "Quirina@mail.example.com"
	newAddress = "quirina.zeltbaum@post.example.com"
	bystander  = "joquirina@mail.example.com"
	username   = "quirina_z"
	payer      = `{"email":%q,"name":"Quirina Zeltbaum","phone":"+15550174417","address":{"line1":"77 Wunderkammer Lane",` +
		`"city":"Springfield","state":"IL","postal_code":"62704","country":"US"}}`
)

// life is what the person did: two orders and the ids that belong to them.
type life struct {
	shop               *shoptest.Shop
	home               *shoptest.Browser
	member, prospect   int
	asVisitor, asOwner string // orders
	js                 jetstream.JetStream
}

// A person's export has everything about them. After the erasure no table and no stream mentions
// them, and other people and the amounts of orders stay.
func TestAPersonIsExportedAndErased(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	l := live(t, shop)
	tokens := l.tokens(t)
	needles := append([]string{oldAddress, newAddress, "Quirina", "Zeltbaum", username, "+15550174417", "77 Wunderkammer Lane"}, tokens...)

	l.checkExport(t, tokens)
	l.checkCommands(t)
	code, out, stderr := shop.Command("customer", "erase", "-member", strconv.Itoa(l.member))
	if code != 0 || !strings.Contains(out, "Erased here: 1 accounts") {
		t.Fatalf("erase ended with %d: %s%s", code, out, stderr)
	}
	for _, service := range []string{"edge", "order", "mailer", "events", "webhook"} {
		shop.Eventually(30*time.Second, service+" forgets",
			func() bool { return shop.Count(service, `SELECT count(*) FROM forgotten`) > 0 })
	}
	l.publishLate(t, tokens)
	l.awaitErasure(t, needles)
	l.checkRest(t)
	// A visitor known only by an address is erased, too.
	if code, _, stderr := shop.Command("customer", "erase", "-email", strings.ToLower(oldAddress)); code != 0 {
		t.Fatalf("erase ended with %d: %s", code, stderr)
	}
	l.awaitErasure(t, needles)
}

// awaitErasure waits until an erasure is complete, and searches for what is left.
func (l *life) awaitErasure(t *testing.T, needles []string) {
	t.Helper()
	erasures := func() uint64 {
		stream, err := l.js.Stream(t.Context(), "USER")
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(msg.UserErased))
		if err != nil {
			t.Fatal(err)
		}
		return info.State.Subjects[msg.UserErased] +
			uint64(l.shop.Count("user", `SELECT count(*) FROM outbox WHERE subject = $1`, msg.UserErased)) //nolint:gosec // a count
	}
	l.shop.Eventually(60*time.Second, "the erasure is through", func() bool { return erasures() == 0 })
	for _, found := range searchEverything(t, l.shop, l.js, needles) {
		t.Errorf("still there: %s", found)
	}
}

var verification = regexp.MustCompile(`email_verification_code=(\S+)`)

// live leads the person's life.
func live(t *testing.T, shop *shoptest.Shop) *life {
	t.Helper()
	nc, err := nats.Connect(shop.NATS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	l := &life{shop: shop, js: js}
	visitor, other := shop.Browser(), shop.Browser()
	visitor.Want(visitor.Post("/user/pythonabot-notify-me", "email_address", oldAddress, "how_excited", "5"), "success",
		"pythonabot_notify_me")
	l.asVisitor = l.buy(visitor, oldAddress)
	l.buy(other, bystander)

	l.home = shop.Browser()
	b := l.home
	b.Want(b.Post("/user/create-account", "firstname", "Quirina", "lastname", "Zeltbaum", "username", username, "email_address", oldAddress,
		"password", "Secret!word1", "confirm_password", "Secret!word1", "newsletter", "true", "remember_me", "false"), "true",
		"create_account")
	l.member = shop.Count("user", `SELECT id FROM account WHERE username = $1`, username)
	l.prospect = shop.Count("user", `SELECT id FROM prospect WHERE email = $1`, oldAddress)
	verify := func(address, subject string) {
		shop.Eventually(30*time.Second, "the mail with the link", func() bool {
			for _, m := range shop.Mails(address) {
				if found := verification.FindStringSubmatch(m.Text); found != nil && strings.Contains(m.Subject, subject) {
					b.Want(b.Post("/user/verify-email-address-response", "email_verification_code", found[1]), "success",
						"verify_email_address_response")
					return true
				}
			}
			return false
		})
	}
	verify(oldAddress, "Welcome")
	shop.Eventually(30*time.Second, "the visitor's order is the member's", func() bool {
		return shop.Count("order", `SELECT count(*) FROM orders WHERE member_id = $1`, l.member) == 1
	})
	b.Want(b.Post("/user/put-chat-message", "name", "Quirina", "email_address", oldAddress, "message",
		"Ship to 77 Wunderkammer Lane, please"), "true", "put_chat_message")
	shop.Exec("user", `INSERT INTO customer_note (member_id, written_by, text) VALUES ($1, 'Ada', 'Quirina asked for a larger parcel.')`,
		l.member)
	shop.Exec("user", `INSERT INTO chat_answer (thread_id, written_by, text)
		SELECT id, 'Ada', 'Dear Mrs Zeltbaum' FROM chat_thread WHERE email = $1`, oldAddress)
	shop.Exec("order", `INSERT INTO restock_wish (sku_id, email, address) VALUES (7, $1, 'hashed')`, oldAddress)
	shop.Exec("order", `INSERT INTO automatic_mail (kind, about, email) VALUES ('review-request', $1, lower($2))`, l.asVisitor, oldAddress)
	b.Want(b.Post("/user/update-communication-preferences", "newsletter", "false", "email_unsubscribe", "true", "no_longer_want_to_receive",
		"true",
		"never_signed_up", "false", "inappropriate", "false", "spam", "false", "other", "Zeltbaum has enough mail"), "success",
		"update_communication_preferences")
	b.Want(b.Post("/user/update-my-information", "firstname", "Quirina", "lastname", "Zeltbaum", "email_address", newAddress), "success",
		"update_my_information")
	verify(newAddress, "changed")
	second := shop.Browser()
	second.Want(second.Post("/user/login", "username", username, "password", "Secret!word1", "remember_me", "true"), "true", "login")
	l.asOwner = l.buy(b, "")
	l.trouble(t)
	l.browse()
	b.Want(b.Post("/user/reset-password", "username", username, "email_address", newAddress), "success", "reset_password")
	l.awaitArrival()
	return l
}

func (l *life) buy(b *shoptest.Browser, address string) string {
	session := b.Checkout("6", "5", address)
	payerAddress := address
	if address == "" {
		payerAddress = newAddress
	}
	who := fmt.Sprintf(payer, payerAddress)
	if address == bystander {
		who = fmt.Sprintf(`{"email":%q,"name":"Jo Other"}`, bystander)
	}
	l.shop.Pay(session, []byte(who))
	done := b.Success(session)
	b.Want(done, "success", "checkout_session_success")
	return done.Text("order_identifier")
}

// trouble makes a refund, a dispute, a payment without an order, and a parked message.
func (l *life) trouble(t *testing.T) {
	t.Helper()
	for i, identifier := range []string{l.asVisitor, l.asOwner} {
		var intent string
		if err := l.shop.Database("order").QueryRow(t.Context(), `SELECT payment_intent FROM orders WHERE identifier = $1`,
			identifier).Scan(&intent); err != nil {
			t.Fatal(err)
		}
		l.shop.StripeDo("/_/payments/"+intent+[]string{"/refund", "/dispute"}[i], "")
	}
	// JSON that PostgreSQL cannot read, but others can
	for id, name := range map[string]string{"evt_nul": `Quirina\u0000`, "evt_half": `Zeltbaum\ud800`, "evt_other_half": `\udc00`} {
		l.shop.Exec("webhook", `INSERT INTO event (id, type, payload) VALUES ($1, 'customer.updated', $2)`, id,
			[]byte(`{"id":"`+id+`","email":"`+oldAddress+`","name":"`+name+`"}`))
	}
	v := l.shop.Browser()
	session := v.Checkout("6", "1", oldAddress)
	l.shop.Exec("order", `UPDATE checkout SET shipping_subtotal = shipping_subtotal + 1, total = total + 1 WHERE session_id = $1`, session)
	l.shop.Pay(session, []byte(fmt.Sprintf(payer, oldAddress)))
	l.publish(t, "mail.send.nonsense", "nonsense:1", map[string]any{"kind": "nonsense", "to": []string{strings.ToUpper(oldAddress)}})
}

func (l *life) browse() {
	b := l.home
	me := "?client_event_id=" + strconv.Itoa(l.member)
	b.Get("/clientevent/pageview" + me + "&pageWidth=900&url=" + url.QueryEscape("/account?mail="+url.QueryEscape(newAddress)))
	b.Get("/clientevent/buttonclick" + me + "&button_id=buy&url=/product/x")
	b.Get("/clientevent/ajaxerror" + me + "&error_id=cart&url=/cart")
	code := l.text("user", `SELECT mb_cd FROM account WHERE id = $1`, l.member)
	visitor := l.text("user", `SELECT pr_cd FROM prospect WHERE id = $1`, l.prospect)
	b.Get("/clientevent/linkevent?mb_cd=" + code + "&pr_cd=null&em_cd=null&ad_cd=null&url=" + url.QueryEscape("/products?mb_cd="+code))
	l.shop.Browser().Get("/clientevent/linkevent?mb_cd=null&pr_cd=" + visitor + "&em_cd=null&ad_cd=null&url=" +
		url.QueryEscape("/products?pr_cd="+visitor))
	l.shop.Browser().Get("/clientevent/pageview?client_event_id=null&pageWidth=900&url=" + url.QueryEscape("/products?pr_cd="+visitor))
}

func (l *life) text(service, sql string, args ...any) (text string) {
	if err := l.shop.Database(service).QueryRow(l.context(), sql, args...).Scan(&text); err != nil {
		panic(fmt.Sprintf("%s: %v", sql, err))
	}
	return text
}

// awaitArrival waits until everything has arrived in all services.
func (l *life) awaitArrival() {
	for _, c := range []struct {
		service, sql string
		want         int
	}{
		{"order", `SELECT count(DISTINCT payment_intent) FROM payment_event`, 2},
		{"order", `SELECT count(*) FROM payment_issue`, 1},
		{"mailer", `SELECT count(*) FROM parked`, 1},
		{"events", `SELECT count(*) FROM page_view`, 2},
		{"events", `SELECT count(*) FROM arrival WHERE user_id IS NOT NULL OR prospect_id IS NOT NULL`, 2},
		{"events", `SELECT count(*) FROM click WHERE user_id IS NOT NULL`, 1},
		{"events", `SELECT count(*) FROM order_placed`, 3},
		{"events", `SELECT (count(*) = 0)::int FROM recount`, 1},
		{"events", `SELECT count(DISTINCT member_id) FROM email_sent WHERE member_id IS NOT NULL`, 1},
		{"mailer", `SELECT count(*) FROM delivery WHERE kind = 'reset' AND state = 'sent'`, 1},
		{"mailer", `SELECT 1 - least(1, count(*)) FROM delivery WHERE state = 'queued'`, 1},
	} {
		l.shop.Eventually(30*time.Second, c.sql, func() bool { return l.shop.Count(c.service, c.sql) >= c.want })
	}
}

// tokens are the codes that identify the person.
func (l *life) tokens(t *testing.T) []string {
	t.Helper()
	rows, err := l.shop.Database("user").Query(t.Context(), `
		SELECT mb_cd FROM account WHERE id = $1 UNION SELECT unsubscribe_token FROM account WHERE id = $1
		UNION SELECT pr_cd FROM prospect WHERE id = $2 UNION SELECT unsubscribe_token FROM prospect WHERE id = $2`, l.member, l.prospect)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if rows.Err() != nil || len(all) != 4 {
		t.Fatalf("codes %v, %v", all, rows.Err())
	}
	return all
}

// checkExport asserts that the export has everything that the person did, and no secret.
func (l *life) checkExport(t *testing.T, tokens []string) {
	t.Helper()
	code, out, stderr := l.shop.Command("customer", "export", "-member", strconv.Itoa(l.member))
	var parts map[string]map[string][]any
	if err := json.Unmarshal([]byte(out), &parts); code != 0 || err != nil {
		t.Fatalf("export ended with %d, %v: %s", code, err, stderr)
	}

	// Everything is there.
	for service, lists := range map[string]map[string]int{
		"user": {"accounts": 1, "former_addresses": 1, "terms_agreed": 1, "codes": 3, "prospects": 1, "consents": 1,
			"unsubscribe_reasons": 1, "chat_messages": 1},
		"order":  {"orders": 2, "order_lines": 2, "order_statuses": 2, "checkouts": 3, "payment_events": 2, "payment_issues": 1},
		"mailer": {"recipients": 2, "deliveries": 5},
		"events": {"member": 1, "page_views": 1, "button_clicks": 1, "ajax_errors": 1, "link_events": 2, "orders_placed": 1,
			"mails_sent": 1},
		"edge": {"sessions": 2}, "webhook": {"events": 8},
	} {
		for name, atLeast := range lists {
			if got := len(parts[service][name]); got < atLeast {
				t.Errorf("the export has %d %s of %s, want %d", got, name, service, atLeast)
			}
		}
	}
	for _, want := range append([]string{newAddress, oldAddress, "Ship to 77 Wunderkammer Lane, please", "Zeltbaum has enough mail",
		l.asOwner, l.asVisitor, "+15550174417", `Quirina\u0000`, `Zeltbaum\ud800`}, tokens...) {
		if !strings.Contains(out, want) {
			t.Errorf("the export does not mention %s", want)
		}
	}

	// Secrets are not.
	for _, secret := range []string{"argon2", "token_hash", bystander} {
		if strings.Contains(out, secret) {
			t.Errorf("the export mentions %s", secret)
		}
	}

	if code, byAddress, stderr := l.shop.Command("customer", "export", "-email", strings.ToLower(oldAddress)); code != 0 ||
		!strings.Contains(byAddress, l.asVisitor) {
		t.Errorf("export by a former address ended with %d: %s", code, stderr)
	}
	if code, _, stderr := l.shop.Command("customer", "export"); code != 2 || !strings.Contains(stderr, "name one person") {
		t.Errorf("export of no one ended with %d: %s", code, stderr)
	}
}

// checkCommands asserts that the commands of every service find the shop by its data folder.
func (l *life) checkCommands(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"order", "payments"}, 0, `"reason":`}, {[]string{"order", "money", "-order", l.asOwner}, 0, `"`},
		{[]string{"user", "chat"}, 0, "77 Wunderkammer"}, {[]string{"events", "summary", "-days", "7"}, 0, `"page_views":[{`},
		{[]string{"events", "table", "pageview"}, 0, "at,url,member"}, {[]string{"events", "table", "member"}, 2, "no table"},
		{[]string{"events", "summary", "-days", "0"}, 2, "-days"}, {[]string{"mailer", "parked"}, 0, ""},
		{[]string{"mailer", "retry", "-mail", "999999"}, 1, "neither parked nor suppressed"}, {[]string{"mailer", "retry"}, 2, "retry"},
		{[]string{"admin", "person", "reset", "ann"}, 1, "no active account"},
	} {
		code, out, stderr := l.shop.Command(c.args...)
		if code != c.code || !strings.Contains(out+stderr, c.want) {
			t.Errorf("shop %v ended with %d: %.300s%.300s", c.args, code, out, stderr)
		}
	}
}

// publishLate publishes messages that may have been in flight while the person was erased.
func (l *life) publishLate(t *testing.T, tokens []string) {
	t.Helper()
	before := time.Now().Add(-time.Minute).UTC()
	late := map[string][]string{msg.OrderPlacedSubject: {"user-order", "events-order"},
		msg.ProspectChanged: {"order-user", "mailer-user", "events-user"},
		msg.UserRegistered:  {"mailer-user", "events-user"}, msg.MailSubject(msg.MailUsername): {"mailer-mail"},
		msg.MailSentSubject: {"events-mail"}}

	publish := func(subject string, payload any) { l.publish(t, subject, msg.KeyBegin(subject)+"late", payload) }
	publish(msg.OrderPlacedSubject, msg.OrderPlaced{OrderID: 99, Identifier: "LATE", PlacedAt: before, Email: oldAddress,
		CustomerName: "Quirina Zeltbaum", ProspectCode: tokens[0], Currency: "usd", Newsletter: true, ConsentAt: before})
	publish(msg.ProspectChanged, msg.Prospect{ID: int64(l.prospect), Email: oldAddress, FirstName: "Quirina", LastName: "Zeltbaum",
		Code: tokens[0], UnsubscribeToken: tokens[1], Version: 99, At: before})
	publish(msg.UserRegistered, msg.Member{ID: int64(l.member), Username: username, FirstName: "Quirina", LastName: "Zeltbaum",
		Email: newAddress, Code: tokens[0], UnsubscribeToken: tokens[1], Version: 99, At: before})
	publish(msg.MailSubject(msg.MailUsername), msg.SendMail{Kind: msg.MailUsername, To: []string{newAddress},
		Data: map[string]string{"username": username}, CreatedAt: before, Deadline: time.Now().Add(time.Hour)})
	publish(msg.MailSentSubject, msg.MailDone{Key: "late:x", Kind: msg.MailOrderVisitor, EmailCode: "x", ProspectCode: tokens[2],
		At: before})

	for subject, consumers := range late {
		key := msg.KeyBegin(subject) + "late"
		for _, consumer := range consumers {
			service, _, _ := strings.Cut(consumer, "-")
			l.shop.Eventually(30*time.Second, consumer+" saw "+key, func() bool {
				return l.shop.Count(service, `SELECT count(*) FROM inbox WHERE consumer = $1 AND key = $2`, consumer, key) == 1
			})
		}
	}
}

// checkRest checks what must be left: orders with their amounts, and all data of others.
func (l *life) checkRest(t *testing.T) {
	t.Helper()

	// The orders stay, without the person.
	b := l.shop.Browser()
	for _, identifier := range []string{l.asVisitor, l.asOwner} {
		order := b.Get("/order/" + identifier)
		b.Want(order, "success", "order_detail")
		b.Want(order, "29.51", "order_data", "order_totals", "order_total")
		b.Want(order, nil, "order_data", "order_payment_info", "email")
	}

	// The account is gone, and others stay.
	l.home.Want(l.home.Get("/user/logged-in"), false, "logged_in")
	b.Want(b.Post("/user/login", "username", username, "password", "Secret!word1", "remember_me", "false"), "false", "login")
	for service, sql := range map[string]string{
		"order": `SELECT count(*) FROM orders WHERE email = $1`, "user": `SELECT count(*) FROM prospect WHERE email = $1`,
		"webhook": `SELECT least(1, count(*)) FROM event WHERE position($1 IN encode(payload, 'escape')) > 0`,
		"mailer":  `SELECT count(*) FROM recipient WHERE email = $1`,
	} {
		if n := l.shop.Count(service, sql, bystander); n != 1 {
			t.Errorf("%d rows of the bystander are left in %s, want 1", n, service)
		}
	}
	// The same person may come again, and no new data is dropped.
	again := l.shop.Browser()
	l.buy(again, oldAddress)
	l.shop.Eventually(30*time.Second, "a new prospect", func() bool {
		return l.shop.Count("user", `SELECT count(*) FROM prospect WHERE email = $1`, oldAddress) == 1 &&
			l.shop.Count("mailer", `SELECT count(*) FROM recipient WHERE email = $1`, oldAddress) == 1
	})
}
