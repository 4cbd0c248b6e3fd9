package admin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

var linkShown = regexp.MustCompile(`/sign-in/link/[A-Z2-7]+`)

// An owner invites, changes, disables and resets people; each act is in the log, with what changed.
func TestPeople(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.in(e.person("ann", adminui.Owner))
	b.Get("/people/invite").Has(200, "Sign-in name")
	b.Post("/people/invite", "name", "", "username", "B en").Has(422, "Give a name", "Lowercase letters", "at least one", `value="B en"`)
	b.Post("/people/invite", "name", "Ann", "username", "ann", "role", "owner").Has(422, "This name is taken")
	invited := b.Post("/people/invite", "name", "Ben <b>", "username", "ben", "role", "fulfilment", "role", "emperor")
	link := linkShown.FindString(invited.Body)
	if link == "" || !strings.Contains(invited.Body, "Ben &lt;b&gt;") {
		t.Fatal(invited)
	}
	ben := e.browser()
	leads(t, ben.Post(link), "/account")
	ben.Get("/account").Has(200, "works only once")
	ben.Get("/people").Has(403)
	id := e.Number(`SELECT id FROM person WHERE username = 'ben'`)
	page := fmt.Sprint("/people/", id)
	b.Get("/people").Has(200, "Ben &lt;b&gt;", "Invited", page)
	b.Get(page).Has(200, "Fulfilment", `name="version" value="1"`)
	leads(t, ben.Post("/orders/ship", "id", "1"), "/orders")
	leads(t, b.Post(page, "version", "1", "name", "Ben", "role", "support"), "/people")
	ben.Post("/orders/ship", "id", "2").Has(403, "You may not do this") // at the very next request
	conflict := b.Post(page, "version", "1", "name", "Benjamin", "role", "marketing")
	conflict.Has(409, "Ann changed this at", `value="Benjamin"`, "Now: <strong>Ben</strong>", "Now: <strong>support</strong>",
		`name="version" value="2"`)
	for _, version := range []string{"", "0", "77777", "99999999999999999999"} { // it never had these versions, so this is no conflict
		b.Post(page, "version", version, "name", "Benjamin", "role", "marketing").Has(400, "Open the page again")
	}
	leads(t, b.Post(page+"/disable"), page)
	leads(t, ben.Get("/account"), "/sign-in?to=%2Faccount")
	b.Get(page).Has(200, "Disabled", "/enable")
	leads(t, b.Post(page+"/enable"), page)
	reset := b.Post(page + "/reset")
	if again := linkShown.FindString(reset.Body); again == "" || again == link {
		t.Error(reset)
	}

	for _, nowhere := range []string{"/people/x", "/people/999", "/people/99999999999999999999"} {
		b.Get(nowhere).Has(404)
	}
	log := b.Get("/audit?kind=person&key=" + fmt.Sprint(id))
	log.Has(200, "Invited Ben", "Changed Ben", "Disabled Ben", "Enabled Ben", "Reset how Ben", "fulfilment")
	b.Get("/audit?q=invited").Has(200, "Invited Ben")
	b.Get(page + "/log").Has(404)
	if a := b.Get("/audit.csv?q=disabled"); strings.Count(a.Body, "\n") != 2 || !strings.Contains(a.Body, "Disabled Ben") {
		t.Error(a)
	}

	b.Get("/audit?from=2001-01-01&to=2001-01-02").Has(200, "No matching entries")
	b.Get("/audit?from=2001-01-02&to=2001-01-01").Has(200, "the range was reversed", `name="from" value="2001-01-01"`)
	b.Get("/audit?service=none&q=invited").Has(200, "Unknown service", "Invited Ben")
	b.Get("/audit?from=yesterday").Has(400, "The value of “from” makes no sense here")
	panel := b.Request("GET", "/audit/person/"+fmt.Sprint(id))
	panel.Header.Set("HX-Request", "true")
	if a := b.Do(panel); !strings.Contains(a.Body, `class="timeline"`) || strings.Contains(a.Body, "<html") {
		t.Error(a)
	}
}

// The last owner remains one.
func TestTheLastOwnerStays(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann, ben := e.person("ann", adminui.Owner), e.person("ben", adminui.Owner)
	b := e.in(ann)
	page := fmt.Sprint("/people/", ann)
	b.Get(page)
	leads(t, b.Post(fmt.Sprint("/people/", ben, "/disable")), fmt.Sprint("/people/", ben))
	b.Post(page, "version", "1", "name", "Ann", "role", "manager").Has(422, "There must be an owner")
	leads(t, b.Post(page+"/disable"), page)
	b.Get(page).Has(200, "Nothing was changed")
	if n := e.Number(`SELECT count(*) FROM person WHERE 'owner' = ANY(roles) AND disabled_at IS NULL`); n != 1 {
		t.Errorf("%d owners are left", n)
	}
	leads(t, b.Post(page+"/reset"), page)
}

// A person without the right to manage people cannot do anything to them.
func TestOnlyOwnersManagePeople(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.person("ann", adminui.Owner)
	b := e.as(adminui.Manager)
	for _, path := range []string{"/people/invite", fmt.Sprint("/people/", ann), fmt.Sprint("/people/", ann, "/disable"),
		fmt.Sprint("/people/", ann, "/reset")} {
		if a := b.Post(path, "name", "x", "username", "x", "role", "owner", "version", "1"); a.Status != http.StatusForbidden {
			t.Errorf("%s: %s", path, a)
		}
	}
	b.Get("/audit").Has(200)
	e.in(e.person("mia", adminui.Marketing)).Get("/audit").Has(403)
}
