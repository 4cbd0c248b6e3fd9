package mailer

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Each plain mail holds its values, as text and as HTML, and no name in braces.
func TestWhatEachMailSays(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	const shop = "https://shop.example"
	person := map[string]string{"first_name": "Ada", "last_name": "Byron", "username": "ada99", "email": "ada@new.example",
		"old_email": "ada@old.example", "code": "abc:DEF-_.1", "undo_code": "UNDO-_.1", "closed_username": "ada_work"}

	link := shop + "/account/?email_verification_code=abc:DEF-_.1"
	for kind, want := range map[string][]string{
		msg.MailWelcome:     {"Ada Byron", "ada99", shop, link, "24 hours"},
		msg.MailVerify:      {"Ada Byron", "ada99", link, "24 hours"},
		msg.MailReset:       {"Ada Byron", "ada99", shop + "/set-new-password?password_reset_code=abc:DEF-_.1", "1 hour"},
		msg.MailPasswordSet: {"Ada Byron", "ada99", "changed", "not you"},
		msg.MailUsername:    {"Ada Byron", "ada@new.example", "ada99", shop + "/login"},
		msg.MailAddressChanged: {"Ada Byron", "ada@new.example", "ada@old.example", link, "24 hours", "not you",
			shop + "/account/undo-address-change?address_undo_code=UNDO-_.1", "seven days"},
		msg.MailAccountsMerged:  {"Ada Byron", "Log in as ada99", "ada_work is closed", "write to us"},
		msg.MailPasswordChanged: {"Ada Byron", "ada99", "not you"},
		msg.MailChatAlert:       {shop, "22 November 2026, 10:11 UTC"},
		msg.MailTest:            {shop, "22 November 2026, 10:11 UTC", "reach you"},
	} {
		to := []string{"ada@new.example"}
		switch kind {
		case msg.MailAddressChanged:
			to = append(to, "ada@old.example")
		case msg.MailChatAlert, msg.MailTest:
			to = nil
		}
		before := sink.count()
		e.send("test:"+kind, msg.SendMail{Kind: kind, To: to, Data: person, CreatedAt: time.Date(2026, 11, 22, 10, 11, 12, 0, time.UTC),
			Deadline: time.Now().Add(time.Hour)})
		e.eventually(kind+" arrives", func() bool { return sink.count() > before })
		m := sink.all()[before]
		wantContains(t, kind, m.text, append(want, "Paper & Co", "shop@shop.example")...)
		wantContains(t, kind+"'s subject", m.subject, "Paper & Co")
		if to == nil {
			to = []string{"staff@shop.example"}
		}
		if fmt.Sprint(m.to) != fmt.Sprint(to) {
			t.Errorf("%s went to %v, want %v", kind, m.to, to)
		}
		for header, value := range map[string]string{"From": `"Paper & Co" <shop@shop.example>`,
			"Reply-To": `"Paper & Co" <shop@shop.example>`, "To": "<" + strings.Join(to, ">, <") + ">",
			"Date": "Sun, 22 Nov 2026 10:11:12 +0000", "Auto-Submitted": "auto-generated"} {
			if got := m.header.Get(header); got != value {
				t.Errorf("%s: %s is %q, want %q", kind, header, got, value)
			}
		}
		if !strings.HasPrefix(m.id, kind+".") || !strings.HasSuffix(m.id, "@shop.example") {
			t.Errorf("%s: Message-ID %s", kind, m.id)
		}
	}
}

// An answer to a chat message reads as a person's: replies go to the staff, line breaks stay, and
// the ceiling does not hold it back.
func TestAnswerToAChatMessage(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), func(c *Config) { c.MailsAnHour, c.MailsADay = 1, 1 })
	e.start()

	earlier := []string{"chat-answer:0", "chat-answer:1"}
	for i := range 3 {
		e.send(fmt.Sprintf("chat-answer:%d", i), msg.SendMail{Kind: msg.MailChatAnswer, To: []string{"ada@x.example"}, Earlier: earlier[:i],
			Note: "Hello Ada,\nit is blue.\n\nOn Monday you wrote:\n> Which colour?\u2028Bcc: x", CreatedAt: time.Now(),
			Deadline: time.Now().Add(time.Hour)})
	}

	e.awaitSent(3)
	all := sink.all()
	slices.SortFunc(all, func(a, b taken) int { return len(a.header.Get("References")) - len(b.header.Get("References")) })

	id := func(i int) string { return all[i].header.Get("Message-ID") }
	for i, references := range []string{"", id(0), id(0) + " " + id(1)} {
		reply := ""
		if i > 0 {
			reply = id(i - 1)
		}
		if all[i].header.Get("References") != references || all[i].header.Get("In-Reply-To") != reply {
			t.Errorf("answer %d is in no thread: %v", i, all[i].header)
		}
	}

	m := all[0]
	wantContains(t, "the answer", m.text, "Hello Ada,", "it is blue.", "> Which colour? Bcc: x", "Paper & Co")

	for header, value := range map[string]string{"Reply-To": "<staff@shop.example>", "To": "<ada@x.example>", "Auto-Submitted": ""} {
		if got := m.header.Get(header); got != value {
			t.Errorf("%s is %q, want %q", header, got, value)
		}
	}
}

// Confirmations hold the order, escaped, and links with the codes of their reader.
func TestOrderConfirmations(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.Exec(`UPDATE template SET bcc_address = 'archive@shop.example, broken', from_address = 'Orders <orders@shop.example>' WHERE em_cd `+
		`= $1`, memberConfirmation)
	e.start()
	e.send("order-confirmation:1", msg.SendMail{Kind: msg.MailOrderMember, To: []string{"ada@x.example"}, MemberID: 7,
		MemberCode: "MB12345678901234567890"[:20], Order: order()})
	e.awaitSent(1)
	m := sink.all()[0]
	if fmt.Sprint(m.to) != "[ada@x.example archive@shop.example]" || m.from != "orders@shop.example" ||
		strings.Contains(m.raw, "archive@") {
		t.Errorf("from %s to %v", m.from, m.to)
	}
	wantContains(t, "subject", m.subject, "Paper & Co", "aB3dE5gH7j")
	wantContains(t, "text", m.text, "Ada <b>Byron</b>", "aB3dE5gH7j",
		"https://shop.example/account/order?identifier=aB3dE5gH7j&em_cd="+memberConfirmation+"&mb_cd=MB123456789012345678",
		"Paper Clips, Left & right", "Silver, Medium", "3 x $3.50 = $10.50", "Rubber {em_cd} Bands", "1 x $14.99 = $14.99",
		"USPS Retail Ground: $9.56",
		"WELCOME10: 10% off everything (cannot be combined", "SHIPFREE: Free shipping (can be combined", "not applied", "Subtotal: $25.49",
		"Discount: -$2.55", "Shipping: $9.56", "Total: $32.50",
		"1 Analytical Way\nApt 5B\nLondon, CA 90001\nUS", "Charles Babbage\n2 Engine Row", "https://shop.example/terms-of-sale",
		"shop@shop.example")
	wantContains(t, "HTML", m.html, "Ada &lt;b&gt;Byron&lt;/b&gt;", "Left &amp; right", "Rubber {em_cd} Bands",
		"$14.99", "-$2.55", "$32.50", "1 Analytical Way", "Apt 5B",
		`href="https://shop.example/account/order?identifier=aB3dE5gH7j&amp;em_cd=`+memberConfirmation+`&amp;mb_cd=MB123456789012345678"`)
	for _, text := range []string{m.text, m.html} {
		if strings.Contains(text, "Shipping discount") || strings.Contains(text, "Sales tax") || strings.Contains(text, "{line_break}") ||
			strings.Contains(text, "_information}") {
			t.Errorf("a zero discount, a tax of zero or an unfilled brace shows:\n%s", text)
		}
	}

	o := order()
	o.EmailCode, o.Codes, o.ItemDiscount, o.ShippingDiscount, o.SalesTax, o.Total = "gone", nil, 0, 956, 100, 2649
	e.send("order-confirmation:2", msg.SendMail{Kind: msg.MailOrderVisitor, To: []string{"eve@x.example"}, ProspectCode: "PR123", Order: o})
	e.awaitSent(2)
	m = sink.all()[1]
	wantContains(t, "text", m.text, "&em_cd="+visitorConfirmation+"&pr_cd=PR123", "none", "Shipping discount: -$9.56", "Sales tax: $1.00",
		"Total: $26.49", "marketing list")
	if strings.Contains(m.text, "\nDiscount:") || strings.Contains(m.text, "mb_cd") || strings.Contains(m.text, "unsubscribe") {
		t.Errorf("shows what is not there:\n%s", m.text)
	}
	var done msg.MailDone
	if err := e.pool.QueryRow(t.Context(), `SELECT em_cd, prospect_code FROM delivery WHERE key = 'order-confirmation:2'`).Scan(
		&done.EmailCode, &done.ProspectCode); err != nil || done.EmailCode != visitorConfirmation || done.ProspectCode != "PR123" {
		t.Errorf("ledger says %+v, error %v", done, err)
	}
}

// Hostile texts cannot add headers, receivers or markup, and commands with invalid addresses are
// parked.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	evil := "Eve\r\nBcc: all@victim.example\r\n\r\n<script>\u2028\u202e{{.Code}}\x00"
	o := order()
	o.Identifier, o.CustomerName, o.Lines[0].Product, o.ShippingAddress.Line1, o.ShippingAddress.Line2 = evil, evil, evil, evil, evil
	e.send("a\r\nBcc: x@y.z", msg.SendMail{Kind: msg.MailWelcome, To: []string{"a@x.example"},
		Data: map[string]string{"first_name": evil, "last_name": evil, "username": evil, "code": evil}})
	e.send("b", msg.SendMail{Kind: msg.MailOrderMember, To: []string{"b@x.example"}, MemberCode: evil, Order: o})
	e.awaitSent(2)

	for _, m := range sink.all() {
		if len(m.to) != 1 || m.header.Get("Bcc") != "" || strings.Contains(m.text, "\nBcc:") || strings.Contains(m.html, "<script>") ||
			strings.ContainsAny(m.text, "\u2028\u202e\x00") {
			t.Errorf("to %v:\n%s", m.to, m.raw)
		}
	}

	for i, to := range []string{"", "nobody", "a@b\r\nBcc: c@d.example", `"x> NOTIFY=NEVER"@d.example`, "a b@c.example", "<>@x.example",
		"@x.example", "a@", strings.Repeat("a", 250) + "@x.example", "a@x.example,b@x.example"} {
		e.send(fmt.Sprint("bad", i), welcome(to))
	}

	e.send("many", msg.SendMail{Kind: msg.MailWelcome, To: strings.Split(strings.Repeat("a@x.example ", 11), " ")})
	e.send("strange", msg.SendMail{Kind: "strange", To: []string{"a@x.example"}})
	e.send("no order", msg.SendMail{Kind: msg.MailOrderMember, To: []string{"a@x.example"}})
	e.enqueue(msg.Message{Key: "no command", Subject: msg.MailSubject(msg.MailWelcome), Payload: []int{1}})
	e.eventually("14 parked", func() bool { return e.Number(`SELECT count(*) FROM parked`) == 14 })
	e.send("good", welcome("c@x.example"))
	e.awaitSent(3)
}

func TestCleanMakesOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"": "", " a ": "a", "a\r\nb": "a  b", "\xff": "\ufffd", "ä€😀": "ä€😀", "a\u202eb": "a b"} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// Each kind has a template and each template a kind: mails of a kind without one would be parked,
// and no message could ask for a template without one.
func TestEachKindHasATemplate(t *testing.T) {
	t.Parallel()
	kinds := kindsOfMail(t)
	for _, kind := range kinds {
		if !canRender(kind) {
			t.Errorf("kind %s has no template", kind)
		}
	}
	for _, k := range mailKinds {
		if k.sample != nil && !slices.Contains(kinds, k.Kind) {
			t.Errorf("template %s belongs to no kind", k.Kind)
		}
	}
	for kind := range orderTemplates {
		if !slices.Contains(kinds, kind) {
			t.Errorf("the seeded template %s belongs to no kind", orderTemplates[kind])
		}
	}
}

// kindsOfMail are the constants Mail… of pkg/msg that are not subjects.
func kindsOfMail(t *testing.T) (kinds []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../pkg/msg/mail_kinds.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Mail") || strings.HasSuffix(spec.Names[0].Name, "Subject") {
			return true
		}
		kind, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kind)
		return true
	})
	if len(kinds) == 0 {
		t.Fatal("pkg/msg names no kind of mail")
	}
	return kinds
}
