package user

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// staffClient is the client of a person of the staff for user's pages.
func (e *env) staffClient(roles ...adminui.Role) *testenv.Client {
	e.t.Helper()
	server := httptest.NewServer(testenv.Mount(e.t, "user", e.server.staff(), e.server.routes()))
	e.t.Cleanup(server.Close)
	return (&testenv.Client{TB: e.t, URL: server.URL}).AsStaff("user", roles...)
}

// customers makes two members and two prospects.
func (e *env) customers() {
	e.t.Helper()
	e.DB.Exec(`INSERT INTO account (username, password, first_name, last_name, email, unsubscribe_token, mb_cd, joined)
		SELECT 'user' || n, 'x', '<b>Ann</b>', 'Lee' || n, 'ann' || n || '@mail.example.com', 't' || n, 'm' || n,
		  now() - n * interval '1 hour'
		FROM generate_series(1, 2) AS n`)
	e.DB.Exec(`INSERT INTO prospect (email, unsubscribe_token, pr_cd, created)
		SELECT 'pat' || n || '@mail.example.com', 'p' || n, 'c' || n, now() - n * interval '1 hour' - interval '30 minutes'
		FROM generate_series(1, 2) AS n`)
	e.DB.Exec(`INSERT INTO chat_message (member_id, name, email, message)
		SELECT id, 'Ann', email, '<script>hi' FROM account WHERE username = 'user1'`)
	e.DB.Exec(`INSERT INTO consent (member_id, what, given, at, source)
		SELECT id, 'newsletter', true, now(), 'checkout' FROM account WHERE username = 'user1'`)
}

// Staff find customers by the beginning of address or name, newest first, and see one with chat and
// consents. What a shopper typed is shown as text.
func TestStaffSeeCustomers(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.customers()
	id := e.DB.Text(`SELECT id::text FROM account WHERE username = 'user1'`)
	staff := e.staffClient(adminui.Support)
	staff.Get("/staff/customers/member-"+id).Has(200, "&lt;b&gt;Ann&lt;/b&gt; Lee1", "&lt;script&gt;hi", "newsletter: agreed",
		"/orders?q=ann1%40mail.example.com")

	staff.Header = http.Header{"Accept": {"application/json"}}
	a := staff.Get("/staff/customers")
	for i, want := range []string{"ann1", "pat1", "ann2", "pat2"} {
		a.Want(want+"@mail.example.com", "customers", string(rune('0'+i)), "email")
	}
	staff.Get("/staff/customers", "q", "PAT2@").Want("prospect", "customers", "0", "kind")
	staff.Get("/staff/customers", "q", "lee2").Want("user2", "customers", "0", "username")
	if a := staff.Get("/staff/customers", "q", "%"); a.At("customers", "0") != nil {
		t.Error("a sign of LIKE finds everyone")
	}

	for _, path := range []string{"/member-0", "/prospect-999", "/member", "/x-1", "/member-x"} {
		if a := staff.Get("/staff/customers" + path); a.Status != http.StatusNotFound {
			t.Errorf("%s: %s", path, a)
		}
	}
}

// A customer without an account is called by the name on the last order and found by it, through an
// index however many there are.
func TestVisitorsAreFoundByTheNameOnTheirOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	at := time.Now().UTC().Truncate(time.Second)
	e.guest("pat@mail.example.com")
	e.bought("a1", msg.OrderPlaced{Email: "Wolf@mail.example.com", CustomerName: " Wolfgang van  der Berg ", Newsletter: true})
	staff := e.staffClient(adminui.Support)
	staff.Header = http.Header{"Accept": {"application/json"}}

	find := func(search, want string) {
		t.Helper()
		a := staff.Get("/staff/customers", "q", search)
		a.Want(want, "customers", "0", "name")
		if a.At("customers", "1") != nil {
			t.Errorf("%s finds others, too: %s", search, a.Body)
		}
	}

	find("wolfgang van", "Wolfgang van der Berg")
	find("BERG", "Wolfgang van der Berg")
	e.receiveMoney(
		msg.OrderMoney{Identifier: "a0", Email: "wolf@mail.example.com", CustomerName: "W. Former", PlacedAt: at.Add(-time.Hour)},
		msg.OrderMoney{Identifier: "of pat@mail.example.com", Email: "pat@mail.example.com", CustomerName: "Pat Łukasz", PlacedAt: at})
	find("berg", "Wolfgang van der Berg")
	find("łuk", "Pat Łukasz")
	e.bought("a2", msg.OrderPlaced{Email: "wolf@mail.example.com", CustomerName: "Wolf Married"})
	find("married", "Wolf Married")
	e.DB.Exec(`UPDATE prospect SET first_name = 'Pat', last_name = 'Own' WHERE lower(email) LIKE 'pat@%'`)
	find("łuk", "Pat Own")
	staff.Get("/staff/customers", "q", "der b").Want(nil, "customers", "0")

	const rows = 3000
	e.DB.Exec(`INSERT INTO prospect (email, unsubscribe_token, pr_cd, order_name)
		SELECT 'many' || i || '@mail.example.com', 't' || i, 'p' || i, 'Ann Lee' || i FROM generate_series(1, $1::int) AS i`, rows)
	e.DB.Exec(`INSERT INTO account (username, password, first_name, last_name, email, unsubscribe_token, mb_cd)
		SELECT 'u' || i, 'x', 'Bob', 'Ray' || i, 'member' || i || '@mail.example.com', 'mt' || i, 'm' || i
		FROM generate_series(1, $1::int) AS i`, rows)
	e.DB.Exec(`ANALYZE`)

	whole := testenv.DB{TB: t, Conn: e.pool}.ReadsWhole(rows, func(tx pgx.Tx, _ testenv.DB) {
		for search, want := range map[string]string{"lee777": "Ann Lee777", "bob ray777": "Bob Ray777"} {
			list, err := listCustomers(t.Context(), tx, customerList{Search: search, Sort: "since", Down: true, Rows: 50})
			if err != nil || len(list) != 1 || list[0].Name != want {
				t.Errorf("%s: %v, %v", search, list, err)
			}
		}
	})

	if len(whole) != 0 {
		t.Errorf("read whole: %q", whole)
	}
}

// The list as a file is for those who may export customers, with a fresh second factor, and each
// export is on record.
func TestFileOfCustomersIsAnExport(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.customers()
	support := e.staffClient(adminui.Support)
	if a := support.Get("/staff/customers"); a.Status != 200 || strings.Contains(a.Body, "customers.csv") {
		t.Error("those who may not export are offered the file")
	}
	if a := support.Get("/staff/customers.csv"); a.Status != http.StatusForbidden {
		t.Error(a)
	}

	manager := e.staffClient(adminui.Manager)
	manager.Get("/staff/customers").Has(200, "/customers.csv")
	manager.Get("/staff/customers.csv").Has(200, "ann1@mail.example.com")
	if n := e.DB.Number(`SELECT count(*) FROM outbox WHERE convert_from(payload, 'UTF8') LIKE '%Exported 4 customers%'`); n != 1 {
		t.Errorf("%d acts on record", n)
	}

	manager.Staff.FreshUntil = time.Time{}
	manager.Get("/staff/customers.csv").Has(403, "confirm-it-is-you")
}

// A customer is erased by those who may, with a fresh second factor and the address typed again.
// The act is on record without the address.
func TestStaffEraseACustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.customers()
	path := "/staff/customers/member-" + e.DB.Text(`SELECT id::text FROM account WHERE username = 'user1'`) + "/erase"
	if a := e.staffClient(adminui.Support).Post(path, "confirm", "ann1@mail.example.com"); a.Status != http.StatusForbidden {
		t.Error(a)
	}

	staff := e.staffClient(adminui.Owner)
	staff.Garbage(e.server.staff(), map[string]string{"customer": strings.Split(path, "/")[3]}, "confirm")
	if a := staff.Post(path, "confirm", "ann2@mail.example.com"); a.Status != http.StatusUnprocessableEntity {
		t.Error(a)
	}
	if a := staff.Post(path, "confirm", "Ann1@mail.example.com"); a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}

	if n := e.DB.Number(`SELECT count(*) FROM account`); n != 1 {
		t.Errorf("%d accounts are left", n)
	}
	if n := e.DB.Number(`SELECT count(*) FROM outbox WHERE subject = 'user.erased'`); n == 0 {
		t.Error("the other services are not told")
	}
	if n := e.DB.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.user'
		AND NOT convert_from(payload, 'UTF8') LIKE '%ann1@%'`); n != 1 {
		t.Errorf("%d acts on record", n)
	}
}

// An order's page shows who bought it: a member, or the prospect of a code.
func TestStaffSeeTheCustomerOfAnOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.customers()
	e.DB.Exec(`INSERT INTO prospect_alias SELECT 'former', id FROM prospect WHERE pr_cd = 'c2'`)
	id := e.DB.Text(`SELECT id::text FROM account WHERE username = 'user1'`)
	prospect := e.DB.Text(`SELECT id::text FROM prospect WHERE pr_cd = 'c2'`)
	staff := e.staffClient(adminui.Support)
	for query, want := range map[string]string{"member=" + id: `href="/customers/member-` + id + `"`,
		"code=c2": `href="/customers/prospect-` + prospect + `"`, "code=former": `href="/customers/prospect-` + prospect + `"`,
		"code=none": "nothing more is known", "": "nothing more is known", "member=999": "nothing more is known"} {
		staff.Get("/staff/customers/panel?"+query).Has(200, want)
	}
	for _, bad := range []string{"member=x", "member=99999999999999999999", "code=%00", "code=%ff"} {
		if a := staff.Get("/staff/customers/panel?" + bad); a.Status != http.StatusBadRequest {
			t.Errorf("%s: %s", bad, a)
		}
	}
	if a := e.staffClient(adminui.Fulfilment).Get("/staff/customers/panel?member=" + id); a.Status != http.StatusForbidden {
		t.Error(a)
	}
}

// The step of the guide about terms is done once there are others than the sample shop's.
func TestTermsAreAStepOfTheGuide(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	staff := e.staffClient(adminui.Manager)
	staff.Header = http.Header{"Accept": {"application/json"}}
	staff.Get("/staff/home").Want(false, "steps", "0", "done")
	e.Exec(`INSERT INTO terms_version (version, note) VALUES (2, 'New')`)
	staff.Get("/staff/home").Want(true, "steps", "0", "done")
}
