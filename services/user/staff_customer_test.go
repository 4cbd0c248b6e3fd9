package user

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// bought hands an order to the consumer, by whichever of its two ways it takes.
func (e *env) bought(key string, o msg.OrderPlaced) {
	e.t.Helper()
	o.Identifier, o.PlacedAt, o.ProspectKnown = key, time.Now(), true
	group := []*bus.Delivery{delivery(e.t, msg.OrderPlacedSubject, "order-placed:"+key, o)}
	effect, err := e.onKnownOrder(group)
	if err != nil {
		e.t.Fatal(err)
	}
	e.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if effect == nil {
			return e.onOrder(ctx, tx, group)
		}
		return effect.Apply(ctx, tx, bus.Keys(group)...)
	})
}

func memberPath(id int64, parts ...string) string {
	return "/staff/customers/member-" + web.ID(id) + strings.Join(append([]string{""}, parts...), "/")
}

// countActs counts entries of the log, none of which may have a customer's data.
func (e *env) countActs(text string) int {
	e.t.Helper()
	if n := e.DB.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.user'
		AND convert_from(payload, 'UTF8') ~ '@mail|secret'`); n != 0 {
		e.t.Error("the log of acts holds a customer's data")
	}
	return e.DB.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.user'
		AND convert_from(payload, 'UTF8') LIKE '%"text":"' || $1 || '%'`, text)
}

// An order counts for the member who placed it or has proved its address, otherwise for the
// prospect, until the address is proved. Staff filter and sort by orders, newsletter, source and
// tag, page by page.
func TestStaffFilterCustomersByWhatTheyBought(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com", "newsletter", "true")
	e.bought("A1", msg.OrderPlaced{MemberID: ann, Email: "other@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 1000}})
	e.bought("A2", msg.OrderPlaced{Email: "ANN@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 500}})
	e.bought("B1", msg.OrderPlaced{Email: "bob@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 700},
		Newsletter: true}) // adds a prospect
	e.bought("B2", msg.OrderPlaced{Email: "bob@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 1300}})
	e.bought("C1", msg.OrderPlaced{Email: "cy@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 100}, Newsletter: true})
	e.register("dan_roe", "dan@mail.example.com")
	e.DB.Exec(`UPDATE account SET tags = '{press}' WHERE id = $1`, ann)

	// Filters and sorting.
	staff := e.staffClient(adminui.Support)
	staff.Header = http.Header{"Accept": {"application/json"}}
	for query, want := range map[string]string{
		"sort=-spent":                      "bob 20.00, ann 15.00, cy 1.00, dan 0.00",
		"sort=spent":                       "dan 0.00, cy 1.00, ann 15.00, bob 20.00",
		"sort=-orders&orders=2&kind=":      "bob 20.00, ann 15.00",
		"spent=15.00&sort=-spent":          "bob 20.00, ann 15.00",
		"kind=member&sort=-spent":          "ann 15.00, dan 0.00",
		"newsletter=yes&sort=-spent":       "bob 20.00, ann 15.00, cy 1.00",
		"source=order&sort=-spent":         "bob 20.00, cy 1.00",
		"source=registration&sort=-orders": "ann 15.00, dan 0.00",
		"tag=press":                        "ann 15.00",
	} {
		if got := listedCustomers(staff, query); got != want {
			t.Errorf("%s lists %s, want %s", query, got, want)
		}
	}
	for _, query := range []string{"spent=x", "orders=x", "orders=99999999999999999999", "kind=x", "newsletter=x", "sort=name", "after=x"} {
		if a := staff.Get("/staff/customers?" + query); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", query, a)
		}
	}

	// A proof hands the orders over.
	bob := e.verified("bob_ray", "Bob@mail.example.com")
	staff.Get(memberPath(bob)).Want("20.00", "customer", "spent")
	if n := e.DB.Number(`SELECT sum(orders) FROM account`) + 10*e.DB.Number(`SELECT sum(orders) FROM prospect`); n != 14 {
		t.Errorf("orders of members and, times ten, of prospects: %d", n)
	}

	// All pages of a long list have each prospect once.
	e.DB.Exec(`INSERT INTO prospect (email, unsubscribe_token, pr_cd, spent)
		SELECT n || '@mail.example.com', 'p' || n, 'c' || n, n FROM generate_series(1, 120) AS n`)
	seen, path := map[string]bool{}, "/staff/customers?sort=-spent&kind=prospect"
	for path != "" {
		a := staff.Get(path)
		for i := range 50 {
			if email, ok := a.At("customers", strconv.Itoa(i), "email").(string); ok {
				seen[email] = true
			}
		}
		next, _ := a.At("next").(string)
		if path = next; path != "" {
			path = "/staff" + path
		}
	}
	if len(seen) != 121 {
		t.Errorf("%d prospects on all pages", len(seen))
	}
}

// listedCustomers are the customers of a list, and what they bought for.
func listedCustomers(staff *testenv.Client, query string) string {
	a := staff.Get("/staff/customers?" + query)
	var list []string
	for i := range 10 {
		if email, ok := a.At("customers", strconv.Itoa(i), "email").(string); ok {
			name, _, _ := strings.Cut(email, "@")
			list = append(list, fmt.Sprintf("%s %v", strings.ToLower(name), a.At("customers", strconv.Itoa(i), "spent")))
		}
	}
	return strings.Join(list, ", ")
}

// Staff change names, address and tags of a member, with the mails of a change of address, and what
// is known about a prospect. Of two people who change a customer at once the second is asked again,
// with what was typed.
func TestStaffEditACustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com")
	staff := e.staffClient(adminui.Support)
	version := web.ID(e.account(ann).Version)
	form := []string{"version", version, "first_name", "Zoë", "last_name", "Lee", "email", "zoe@mail.example.com",
		"tags", "Press,  wholesale , press"}

	// A member.
	staff.Get(memberPath(ann, "edit")).Has(200, `value="ann@mail.example.com"`)
	if a := staff.Post(memberPath(ann, "edit"), form...); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	a := e.account(ann)
	if a.FirstName != "Zoë" || a.Email != "zoe@mail.example.com" || a.EmailVerified || strings.Join(a.Tags, ",") != "press,wholesale" {
		t.Errorf("%+v", a)
	}
	if to := e.lastMail(msg.MailAddressChanged).To; strings.Join(to, " ") != "zoe@mail.example.com ann@mail.example.com" {
		t.Errorf("the mail goes to %v", to)
	}
	told := outboxPayloads[msg.Member](e, msg.UserProfileChanged)
	if len(told) != 1 || told[0].Version != a.Version || strings.Join(told[0].Tags, ",") != "press,wholesale" {
		t.Errorf("told %+v", told)
	}

	// A second person, and a form that breaks the rules.
	form[3] = "Zara"
	conflict := staff.Post(memberPath(ann, "edit"), form...)
	conflict.Has(409, `value="Zara"`, "<strong>Zoë</strong>", `name="version" value="`+web.ID(a.Version)+`"`)
	staff.Post(memberPath(ann, "edit"), "version", web.ID(a.Version), "first_name", "", "email", "x", "tags",
		strings.Repeat("x", 41)).Has(422, "Fill this in.", "email address", "At most 20 tags")
	if n := e.countActs("Changed member-"); n != 1 {
		t.Errorf("%d acts on record", n)
	}

	// A prospect.
	e.is(e.Post("/user/put-chat-message", "name", "Pat", "email_address", "pat@mail.example.com", "message", "<i>hello"),
		`{"put_chat_message":"true"}`)
	pat, _ := e.prospect("pat@mail.example.com")
	path := "/staff/customers/prospect-" + web.ID(pat.ID)
	if a := staff.Post(path+"/edit", "version", "1", "first_name", "Pat", "phone", "+1 <b>", "remark", "Met at a fair.", "tags", "fair"); a.
		Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	page := staff.Get(path)
	page.Has(200, "&lt;b&gt;", "Met at a fair.", "fair", "&lt;i&gt;hello", pat.Code)
	staff.Get("/staff/customers?tag=fair").Has(200, "pat@mail.example.com", `<option value="press"`)
}

// Staff write a note, mail the link that proves the address again, log a member out, and
// unsubscribe one. Each is done once, however often the form is sent, and is on record without what
// was written.
func TestStaffHelpACustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.register("ann_lee", "ann@mail.example.com", "newsletter", "true")
	e.is(e.As(member(ann)).Post("/user/update-communication-preferences",
		why("newsletter", "true", "email_unsubscribe", "false", "other", "<b>too many")...), `{"update_communication_preferences":"success"}`)

	// Each form is sent twice.
	staff := e.staffClient(adminui.Support)
	staff.Post(memberPath(ann, "notes"), "text", " ").Has(422, "Write something")
	for range 2 {
		for _, command := range []string{"notes", "sessions", "unsubscribe"} {
			if a := staff.Post(memberPath(ann, command), "text", "secret <i>word"); a.Status != http.StatusSeeOther {
				t.Fatal(a)
			}
		}
	}
	staff.Post(memberPath(ann, "verify"))

	page := staff.Get(memberPath(ann))
	page.Has(200, "secret &lt;i&gt;word", "Ada", "&lt;b&gt;too many", "marketing-mail: taken back", "Mail the link again",
		"/sessions/"+web.ID(ann), "Terms")
	if n := strings.Count(page.Body, "secret &lt;i&gt;word"); n != 1 {
		t.Errorf("the note is there %d times", n)
	}
	if a := e.account(ann); !a.Unsubscribed || a.Newsletter || e.countActs("Unsubscribed member-") != 1 || e.countActs("Noted ") != 1 {
		t.Errorf("%+v", a)
	}

	ended := outboxPayloads[msg.CredentialsChanged](e, msg.UserCredentialsChanged)
	if len(ended) != 2 || ended[0].MemberID != ann || ended[0].KeepSession != "" || time.Since(ended[0].At) > time.Minute {
		t.Errorf("sessions that end: %+v", ended)
	}

	// An address that is proved needs no link.
	code := e.lastMail(msg.MailVerify).Data["code"]
	e.is(e.As(member(ann)).Post("/user/verify-email-address-response", "email_verification_code", code),
		`{"verify_email_address_response":"success"}`)
	staff.Post(memberPath(ann, "verify"))
	if n := len(e.mails(msg.MailVerify)); n != 1 {
		t.Errorf("%d mails to prove an address that is proved", n)
	}

	staff.Get("/staff/customers/reasons").Has(200, "&lt;b&gt;too many", "ann@mail.example.com")
	if a := staff.Post("/staff/customers/prospect-1/sessions"); a.Status != http.StatusNotFound {
		t.Error(a)
	}
	if a := e.staffClient(adminui.ReadOnly).Post(memberPath(ann, "notes"), "text", "x"); a.Status != http.StatusForbidden {
		t.Error(a)
	}

	// Forms without a version, or with garbage.
	parts := map[string]string{"customer": "member-" + web.ID(ann), "thread": "1", "id": "1"}
	e.Exec(`INSERT INTO chat_thread (id, email, name, state, last_at) VALUES (1, 'cy@mail.example.com', 'Cy', 'open', now());
		INSERT INTO canned_answer (id, title, text) VALUES (1, 'Hello', 'Hello.')`)
	e.staffClient(adminui.Owner).Versions(memberPath(ann, "edit"), "/staff/chat/1/answer", "/staff/chat/1/state", "/staff/chat/answers/1",
		"/staff/terms")
	e.staffClient(adminui.Owner).Garbage(e.server.staff(), parts, "text", "version", "other", "first_name", "tags", "state",
		"note", "title")
}

// A prospect's record becomes part of another customer's: figures, notes and tags move, one
// newsletter is enough, the addresses stay. An erasure of either takes both.
func TestStaffMergeTwoRecords(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	// A member, and a record that is the same person's.
	ann := e.verified("ann_lee", "ann@mail.example.com", "newsletter", "true")
	e.bought("A1", msg.OrderPlaced{MemberID: ann, OrderAmounts: msg.OrderAmounts{Total: 1000}})
	e.bought("B1", msg.OrderPlaced{Email: "work@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 700}, Newsletter: true})
	work, _ := e.prospect("work@mail.example.com")
	staff := e.staffClient(adminui.Owner)
	staff.Post("/staff/customers/prospect-"+web.ID(work.ID)+"/notes", "text", "Buys for the office.")
	e.DB.Exec(`UPDATE prospect SET tags = '{office}'`)

	// What cannot be merged, and the merge.
	for other, want := range map[string]string{"ann@mail.example.com": "This is a member.", "no@mail.example.com": "No prospect",
		"": "No prospect"} {
		staff.Post(memberPath(ann, "merge"), "other", other).Has(422, want)
	}
	e.mergeRecord(staff, memberPath(ann), "WORK@mail.example.com")
	staff.Post(memberPath(ann, "merge"), "other", "work@mail.example.com").Has(422, "already been merged")

	page := staff.Get(memberPath(ann))
	page.Has(200, "17.00", "office", "Buys for the office.", "Orders of work@mail.example.com")
	staff.Get("/staff/customers/prospect-"+web.ID(work.ID)).Has(200, "merged into", memberPath(ann)[len("/staff"):])
	if got := strings.Count(staff.Get("/staff/customers").Body, `<td role="cell"><a href="/customers/`); got != 1 {
		t.Errorf("%d customers are listed", got)
	}

	told := outboxPayloads[msg.Prospect](e, msg.ProspectChanged)
	if last := told[len(told)-1]; last.ID != work.ID || !last.Unsubscribed || *last.Refused {
		t.Errorf("told %+v", last)
	}

	// Later orders are the member's.
	e.bought("B2", msg.OrderPlaced{Email: "work@mail.example.com", OrderAmounts: msg.OrderAmounts{Total: 300}})
	if a := e.DB.Number(`SELECT spent FROM account`); a != 2000 {
		t.Errorf("bought for %d", a)
	}

	for _, named := range []erasure.Person{{MemberIDs: []int64{ann}}, {Emails: []string{"Work@mail.example.com"}}} {
		p, err := FindPerson(t.Context(), e.pool, named)
		if err != nil || len(p.MemberIDs) != 1 || len(p.ProspectIDs) != 1 || len(p.Emails) != 2 {
			t.Errorf("%+v is %+v, %v", named, p, err)
		}
	}

	if a := staff.Post(memberPath(ann, "erase"), "confirm", "ann@mail.example.com"); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
	if n := e.DB.Number(`SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM prospect)
		  + (SELECT count(*) FROM customer_note)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}
