package adminui_test

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// matrix is who may do what, in the order of adminui.Roles: owner, manager, fulfilment, marketing,
// support, read-only. f asks for a fresh second factor, too.
var matrix = map[adminui.Action]string{
	adminui.HomeView:   "xxxxxx",
	adminui.OrdersView: "xxx-xx", adminui.OrdersFulfil: "xxx---", adminui.OrdersEdit: "xxx-x-", adminui.OrdersCancel: "ff----",
	adminui.OrdersRefund: "ff----",
	adminui.WorkView:     "xxx-xx", adminui.WorkAct: "xx----",
	adminui.CustomersView: "xx--xx", adminui.CustomersEdit: "xx--x-", adminui.CustomersExport: "ff----", adminui.CustomersErase: "ff----",
	adminui.CustomersImport: "xx----", adminui.TermsPublish: "ff----",
	adminui.ChatView: "xx--xx", adminui.ChatAnswer: "xx--x-",
	adminui.CatalogView: "xxxxxx", adminui.CatalogEdit: "xx-x--", adminui.CatalogPrice: "ff----",
	adminui.DiscountsView: "xx-xxx", adminui.DiscountsEdit: "ff-f--",
	adminui.CampaignsView: "xx-x-x", adminui.CampaignsEdit: "xx-x--", adminui.CampaignsSend: "ff-f--",
	adminui.MailsView: "xx--xx", adminui.MailsAct: "xx--x-", adminui.TemplatesEdit: "ff----",
	adminui.ReportsView: "xx-x-x", adminui.StripeView: "xx--xx",
	adminui.ReportsEdit: "xx----", adminui.AdsEdit: "xx-x--",
	adminui.SettingsView: "xx---x", adminui.SettingsEdit: "ff----",
	adminui.PeopleManage: "f-----", adminui.TokensManage: "ff----", adminui.AuditView: "xx---x",
}

// pages has a command for each action.
func pages() adminui.Pages {
	p := adminui.Pages{}
	for _, a := range adminui.Actions() {
		p.Routes = append(p.Routes, adminui.Route{Method: "POST", Path: "/do/" + string(a), Action: a,
			Handle: func(*http.Request) (adminui.Answer, error) { return adminui.Done{To: "/", Text: "done"}, nil }})
	}
	return p
}

func newClient(t *testing.T) *testenv.Client {
	t.Helper()
	h := testenv.Mount(t, "order", pages(), http.NotFoundHandler())
	return &testenv.Client{TB: t, Handler: h, Header: http.Header{"Accept": {"application/json"}}}
}

// Each action is open to exactly the roles of the matrix, and with an old second factor only where
// that is enough.
func TestRights(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if got, want := len(adminui.Actions()), len(matrix); got != want {
		t.Fatalf("%d actions, %d in the matrix", got, want)
	}

	for action, row := range matrix {
		for i, role := range adminui.Roles {
			may, fresh := row[i] != '-', row[i] == 'f'
			who := c.AsStaff("order", role)
			if got := who.Post("/staff/do/" + string(action)).Status; (got == 200) != may || !may && got != 403 {
				t.Errorf("%s, %s: %d", role, action, got)
			}

			who.Staff.FreshUntil = time.Now().Add(-time.Second)
			got := who.Post("/staff/do/" + string(action))
			if (got.Status == 200) != (may && !fresh) {
				t.Errorf("%s, %s with an old second factor: %s", role, action, got)
			}
			if confirm := got.Header.Get(adminui.ConfirmHeader); confirm != map[bool]string{true: string(action)}[may && fresh] {
				t.Errorf("%s, %s: asked to confirm %q", role, action, confirm)
			}
			if fresh != (adminui.FreshTexts[action] != "") && may {
				t.Errorf("%s is told as %q when it is to be confirmed", action, adminui.FreshTexts[action])
			}

			// A token does what its scopes say, and never what needs a person.
			who.Staff.FreshUntil = time.Now().Add(time.Hour)
			who.Staff.Token, who.Staff.Scopes = true, []adminui.Action{action}
			if got := who.Post("/staff/do/" + string(action)).Status; (got == 200) != (may && !fresh) {
				t.Errorf("%s, %s with a token: %d", role, action, got)
			}

			who.Staff.Scopes = slices.DeleteFunc(adminui.Actions(), func(a adminui.Action) bool { return a == action })
			if got := who.Post("/staff/do/" + string(action)).Status; got != 403 {
				t.Errorf("%s, %s with a token for other things: %d", role, action, got)
			}
		}

		if got := c.AsStaff("order").Post("/staff/do/" + string(action)).Status; got != 403 {
			t.Errorf("without a role, %s: %d", action, got)
		}
		if got := c.AsStaff("order", "Owner ", "admin").Post("/staff/do/" + string(action)).Status; got != 403 {
			t.Errorf("with unknown roles, %s: %d", action, got)
		}
	}

	if adminui.Allowed([]adminui.Role{adminui.Owner}, "anything") {
		t.Error("an owner may do what is not in the table")
	}
}

// Only admin can sign an identity, and each is valid once, for one request.
func TestOnlyAdminSignsIdentities(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	owner := c.AsStaff("order", adminui.Owner)
	const path = "/staff/do/orders.view"
	if a := owner.Post(path, "a", "1"); a.Status != 200 {
		t.Fatal(a)
	}

	refused := func(what string, a testenv.Answer) {
		t.Helper()
		if a.Status != 401 || strings.Contains(a.Body, "identity for") {
			t.Errorf("%s: %s", what, a)
		}
	}

	refused("no identity", c.Post(path))
	for _, service := range []string{"edge", "user", "order", "events", "mailer", "webhook"} {
		forger := c.AsStaff("order", adminui.Owner)
		forger.Staff.Key = ed25519.NewKeyFromSeed(boot.KeysFor(service, strings.Repeat("a secret ", 5)).Key("staff seed"))
		refused("forged by "+service, forger.Post(path))
	}
	elsewhere := c.AsStaff("user", adminui.Owner)
	refused("for another service", elsewhere.Post(path))

	signed := func() *http.Request { // what a service on the way could have seen
		r := owner.Request("POST", path, "a", "1")
		if a := owner.Do(r); a.Status != 200 {
			t.Fatal(a)
		}
		return r
	}
	send := func(method, path, body string, change func(*http.Request), from *http.Request) testenv.Answer {
		r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
		r.Header = from.Header.Clone()
		change(r)
		return c.Do(r)
	}
	none := func(*http.Request) {}

	refused("a second time", send("POST", path, "a=1", none, signed()))

	fresh := func() *http.Request { // signed, and never sent
		r := owner.Request("POST", path, "a", "1")
		if err := adminui.Sign(r, testenv.StaffKey(), "order", []byte("a=1"), owner.Staff.Identity); err != nil {
			t.Fatal(err)
		}
		return r
	}

	if a := send("POST", path, "a=1", none, fresh()); a.Status != 200 {
		t.Errorf("as it was signed: %s", a)
	}
	refused("with another body", send("POST", path, "a=2", none, fresh()))
	refused("for another path", send("POST", "/staff/do/orders.refund", "a=1", none, fresh()))
	refused("with another query", send("POST", path+"?x=1", "a=1", none, fresh()))
	refused("with another method", send("GET", path, "a=1", none, fresh()))
	for _, spoil := range []func(string) string{
		func(h string) string { return h[1:] }, func(h string) string { return h + "A" }, func(string) string { return "." },
		func(h string) string { return strings.SplitN(h, ".", 2)[0] + "." },
	} {
		refused("spoilt", send("POST", path, "a=1", func(r *http.Request) {
			r.Header.Set(adminui.IdentityHeader, spoil(r.Header.Get(adminui.IdentityHeader)))
		}, fresh()))
	}

	// A service without the public key believes no one, least of all an empty key's signature.
	h, err := adminui.Mount(testenv.Log(t), "order", nil, pages())
	if err != nil {
		t.Fatal(err)
	}
	deaf := *owner
	deaf.Handler = h
	refused("without a public key", deaf.Post(path))
}

// An answer to a browser has no identity in it, and errors are pages that reveal nothing internal.
func TestAnswersRevealNothingInternal(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.Header = http.Header{"Accept": {"text/html,application/xhtml+xml"}}
	who := c.AsStaff("order", adminui.Support)
	done := who.Post("/staff/do/orders.view")
	if done.Status != http.StatusSeeOther || done.Header.Get("Location") != "/" ||
		adminui.DecodeNotice(done.Header.Get(adminui.NoticeHeader)) != "done" {
		t.Errorf("%s: %v", done, done.Header)
	}
	refused := who.Post("/staff/do/people.manage")
	refused.Has(403, "You may not do this", `aria-label="Pages"`)
	if strings.Contains(refused.Body, "people.manage") || strings.Contains(refused.Body, "/people") {
		t.Errorf("the page shows what the person may not see: %s", refused.Body)
	}
	who.Get("/staff/nothing").Has(404, "not-found")
	var body map[string]string
	who.Header = http.Header{"Accept": {"application/json"}}
	if err := json.Unmarshal([]byte(who.Post("/staff/do/orders.view").Body), &body); err != nil || body["done"] != "done" {
		t.Errorf("%v, %v", body, err)
	}
}
