package admin

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const rightPassword = "three green umbrellas"

// withPassword is a person with rightPassword and no second factor.
func (e *env) withPassword(username string, roles ...adminui.Role) int64 {
	e.t.Helper()
	stored, err := e.server.hasher.hash(e.t.Context(), rightPassword)
	if err != nil {
		e.t.Fatal(err)
	}
	person := e.person(username, roles...)
	e.Exec(`UPDATE person SET password = $2 WHERE id = $1`, person, stored)
	return person
}

// app is an authenticator app.
type app struct {
	secret string
	next   time.Time
}

// code is the app's code of a step that was not used before.
func (a *app) code() string {
	code, err := totp.GenerateCode(a.secret, a.next)
	if err != nil {
		panic(err)
	}
	a.next = a.next.Add(30 * time.Second)
	return code
}

// withApp gives a person an authenticator app that is one step behind, as clocks may be.
func (e *env) withApp(person int64) *app {
	e.t.Helper()
	key, err := newTOTP(issuer, "x")
	if err != nil {
		e.t.Fatal(err)
	}
	e.Exec(`UPDATE person SET totp_secret = $2 WHERE id = $1`, person, e.server.seal(person, key.Secret()))
	return &app{key.Secret(), time.Now().Add(-30 * time.Second)}
}

// signIn sends the password of a person.
func (b *browser) signIn(username, password string) testenv.Answer {
	b.TB.Helper()
	b.Get("/sign-in")
	return b.Post("/sign-in", "username", username, "password", password, "to", "/orders")
}

func leads(t *testing.T, a testenv.Answer, to string) {
	t.Helper()
	if got := a.Header.Get("Location"); a.Status != http.StatusSeeOther || got != to {
		t.Errorf("%s leads to %q, want %q", a, got, to)
	}
}

// A password alone opens nothing if there is a second factor; a code is valid once, on another path
// too.
func TestPasswordAndCode(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.withPassword("ann", adminui.Owner)
	phone := e.withApp(ann)
	b := e.browser()
	leads(t, b.signIn("Ann", rightPassword), "/sign-in/second?to=%2Forders")
	leads(t, b.Get("/orders"), "/sign-in/second")
	leads(t, b.Get("/sign-in/enrol"), "/sign-in/second")
	b.Header.Set("Accept", "application/json")
	b.Get("/orders").Has(401, "sign-in")
	b.Header.Set("Accept", "text/html")
	b.Get("/sign-in/second?to=/orders").Has(200, "Signing in as Ann")
	code := phone.code()
	b.Post("/sign-in/second", "code", "000000").Has(422, "That did not match")
	half := b.Jar.Cookies(mustURL(e.url))
	leads(t, b.Post("/sign-in/second", "code", code[:3]+" "+code[3:], "to", "/orders"), "/orders")
	b.Get("/orders").Has(200, "Ann")
	if c := b.Jar.Cookies(mustURL(e.url)); len(c) != 1 || c[0].Value == half[0].Value {
		t.Error("the full session is the half one")
	}

	other := e.browser()
	other.signIn("ann", rightPassword)
	other.Get("/sign-in/second")
	other.Post("/sign-in/second", "code", code).Has(422, "That did not match")
	leads(t, other.Post("/sign-in/second", "code", phone.code(), "to", "https://evil.example"), "/")
	if n := e.Number(`SELECT count(*) FROM audit WHERE action = 'sign-in' AND person_id = $1`, ann); n != 2 {
		t.Errorf("%d sign-ins in the log", n)
	}
}

// A recovery code stands for the second factor once.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.withPassword("ann", adminui.Owner)
	e.withApp(ann)
	if err := setRecoveryCodes(t.Context(), e.pool, ann, [][]byte{e.server.recoveryHash(ann, "ABCDE-FGHIJ")}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{http.StatusSeeOther, http.StatusUnprocessableEntity} {
		b := e.browser()
		b.signIn("ann", rightPassword)
		b.Get("/sign-in/second")
		if a := b.Post("/sign-in/second", "code", "abcde fghij"); a.Status != want {
			t.Error(a)
		}
	}
	if text := e.Text(`SELECT text FROM audit WHERE action = 'sign-in'`); text != "Signed in with password and recovery code" {
		t.Error(text)
	}
}

// Unknown names get the same answer as known ones, after the same time.
func TestUnknownNamesAnswerAlike(t *testing.T) {
	t.Parallel()
	e := newEnv(t, func(c *Config) { c.PasswordCost = nil }) // the cost of a hash matters here
	e.withPassword("ann", adminui.Owner)
	e.person("invited", adminui.Owner)
	e.Exec(`UPDATE person SET disabled_at = now() WHERE id = $1`, e.withPassword("gone", adminui.Owner))

	names := []string{"ann", "nobody", "invited", "gone"}
	bodies, quickest := map[string]string{}, map[string]time.Duration{}
	for range 5 { // in turn, so that a busy machine slows all of them down
		for _, name := range names {
			began := time.Now()
			a := e.browser().signIn(name, "not the password")
			if took := time.Since(began); quickest[name] == 0 || took < quickest[name] {
				quickest[name] = took
			}
			a.Has(http.StatusUnprocessableEntity)
			bodies[name] = strings.ReplaceAll(a.Body, name, "")
		}
	}

	for _, name := range names[1:] {
		if bodies[name] != bodies["ann"] {
			t.Errorf("%s is answered another page", name)
		}
		if quickest[name] < quickest["ann"]/3 {
			t.Errorf("%s is answered in %s, ann in %s: no hash was made", name, quickest[name], quickest["ann"])
		}
	}

	if a := e.browser().signIn("gone", rightPassword); a.Status != http.StatusUnprocessableEntity {
		t.Errorf("disabled, with the right password: %s", a)
	}
}

// Guessing passwords and codes is stopped soon, even if many guesses come at once.
func TestGuessingIsStopped(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.withPassword("ann", adminui.Owner)
	phone := e.withApp(ann)

	statuses := func(n int, guess func() testenv.Answer) map[int]int {
		found := make(chan int, n)
		for range n {
			go func() { found <- guess().Status }()
		}
		all := map[int]int{}
		for range n {
			all[<-found]++
		}
		return all
	}

	in := e.browser()
	in.signIn("ann", rightPassword)
	in.Get("/sign-in/second")
	if got := statuses(12, func() testenv.Answer { return in.Post("/sign-in/second", "code", "000000") }); got[422] > 6 || got[429] < 6 {
		t.Errorf("codes: %v", got)
	}

	in.Post("/sign-in/second", "code", phone.code()).Has(429, "Too many attempts")
	if got := statuses(12, func() testenv.Answer { return e.browser().signIn("ann", "wrong") }); got[422] > 6 || got[429] < 6 {
		t.Errorf("passwords: %v", got)
	}
	e.browser().signIn("ann", rightPassword).Has(429, "Too many attempts")
	elsewhere := e.browser() // the account is not locked for its owner, who comes from another network
	elsewhere.Header.Set("X-Forwarded-For", "198.51.100.7")
	leads(t, elsewhere.signIn("ann", rightPassword), "/sign-in/second?to=%2Forders")
}

// Refused sign-ins are in the log of acts, one entry for each person and minute, so that many tries
// do not fill it. An unknown name is not stored.
func TestLogOfRefusedSignIns(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.withPassword("ann", adminui.Owner)
	phone := e.withApp(ann)
	for range 7 {
		e.browser().signIn("ann", "wrong")
	}
	for _, name := range []string{"Quirina", "Zeltbaum"} {
		e.browser().signIn(name, "wrong")
	}
	in := e.browser()
	in.Header.Set("X-Forwarded-For", "198.51.100.7")
	in.signIn("ann", rightPassword)
	in.Get("/sign-in/second")
	in.Post("/sign-in/second", "code", "000000").Has(422)
	in.Post("/sign-in/second", "code", phone.code())
	if got := e.Text(`SELECT string_agg(text || ' ' || n, ', ' ORDER BY text)
		FROM (SELECT text, sum(n) AS n FROM refused_sign_in GROUP BY text) AS t`); got != lockedOut+" 1, "+wrongName+" 2, "+wrongPassword+
		" 6, "+wrongFactor+" 1" {
		t.Errorf("counted: %s", got)
	}

	e.Exec(`INSERT INTO refused_sign_in (person_id, text, n, address) VALUES ($1, 'Refused: often', 4000, '192.0.2.1')`, ann)
	e.Exec(`UPDATE refused_sign_in SET minute = minute - interval '1 hour'`)

	for range 2 {
		for _, task := range e.server.housekeeping() {
			if _, err := task.Do(t.Context(), e.pool); err != nil {
				t.Error(err)
			}
		}
	}

	in.Get("/audit").Has(200, wrongName, wrongPassword, wrongFactor, lockedOut, "Refused: often, 4000 times within a minute",
		"192.0.2.1", "198.51.100.7", "No one")
	if n := e.Number(`SELECT count(*) FROM audit WHERE text LIKE 'Refused: often%'`); n != 1 {
		t.Errorf("%d entries of 4000 attempts", n)
	}
	if n := e.Number(`SELECT count(*) FROM audit AS a WHERE a::text ~* 'quirina|zeltbaum' OR person_id = 0 AND address <> ''`); n != 0 {
		t.Errorf("%d entries tell what no one's name is", n)
	}
}

var secretShown = regexp.MustCompile(`<code class="secret">([A-Z2-7]+)</code>`)

// Outside development signing in requires a second factor: the first sign-in sets one up.
func TestSecondFactorIsRequired(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	link, err := FirstLink(t.Context(), e.databaseURL, testenv.ShopName, e.url)
	if err != nil {
		t.Fatal(err)
	}
	b := e.browser()
	leads(t, b.Post(strings.TrimPrefix(link, e.url)), "/sign-in/enrol")
	leads(t, b.Get("/people"), "/sign-in/enrol")
	page := b.Get("/sign-in/enrol")
	page.Has(200, "data:image/png;base64,", "New password"[4:])
	secret := secretShown.FindStringSubmatch(page.Body)
	if secret == nil {
		t.Fatal(page)
	}
	phone := &app{secret[1], time.Now()}
	b.Post("/sign-in/enrol", "code", "000000", "password", rightPassword).Has(422, "not the code", "data:image/png")
	b.Post("/sign-in/enrol", "code", phone.code(), "password", "short").Has(422, "at least 12")
	phone.next = time.Now()
	code := phone.code()
	done := b.Post("/sign-in/enrol", "code", code, "password", rightPassword)
	done.Has(200, "Recovery codes")
	codes := regexp.MustCompile(`<li>([A-Z2-7]{5}-[A-Z2-7]{5})</li>`).FindAllStringSubmatch(done.Body, -1)
	if len(codes) != recoveryCodes {
		t.Fatalf("%d codes: %s", len(codes), done.Body)
	}
	b.Get("/people").Has(200, "Owner")
	if l, err := FirstLink(t.Context(), e.databaseURL, testenv.ShopName, e.url); err != nil || l != "" {
		t.Errorf("there is an owner, and another link: %q, %v", l, err)
	}

	again := e.browser()
	leads(t, again.signIn("owner", rightPassword), "/sign-in/second?to=%2Forders")
	again.Get("/sign-in/second")
	again.Post("/sign-in/second", "code", code).Has(422) // this code set up the app
	leads(t, again.Post("/sign-in/second", "code", codes[3][1]), "/")
	if n := e.Number(`SELECT count(*) FROM person WHERE totp_secret::text LIKE '%' || encode($1, 'hex') || '%'`,
		[]byte(secret[1])); n != 0 {
		t.Error("the secret of the app is stored as it is")
	}
}

// An act that requires a fresh second factor asks for it, and then goes on with the form's input.
func TestConfirming(t *testing.T) {
	t.Parallel()
	e := newEnv(t, inProduction)
	ann := e.person("ann", adminui.Manager)
	b := e.in(ann) // by a link, with no factor set up
	e.Exec(`UPDATE session SET stage = 'full'`)
	phone := e.withApp(ann)
	b.Get("/orders")
	asked := b.Post("/orders/refund", "amount", `12.00"<b>`)
	asked.Has(403, "Confirm that it is you", `name="amount" value="12.00&#34;&lt;b&gt;"`, `action="/orders/refund"`)
	asked.Has(403, "Give money back", "<code class=\"break\">/orders/refund</code>", `href="/">Back`, `inputmode="text"`)

	// It leads back to the page that the person came from, if that was of the back office.
	for from, back := range map[string]string{e.server.addresses.origin() + "/orders/7?x=1": "/orders/7?x=1", "https://evil.example.com/x": "/",
		e.server.addresses.origin() + "//evil.example.com": "/evil.example.com", "%": "/"} {
		b.Header.Set("Referer", from)
		b.Post("/orders/refund", "amount", "1").Has(403, `href="`+back+`">Back`)
	}

	b.Header.Del("Referer")
	again := func(code string) testenv.Answer {
		return b.Post("/orders/refund", "amount", "12.00", confirmCode, code, confirmAct, "orders.refund", confirmBack, "//orders/7")
	}
	again("000000").Has(422, "That did not match", `value="12.00"`, "Give money back", `href="/orders/7">Back`)
	code := phone.code()
	leads(t, again(code), "/orders")
	b.Get("/orders").Has(200, "Refunded 12.00")
	leads(t, b.Post("/orders/refund", "amount", "3.00"), "/orders") // for five minutes
	e.Exec(`UPDATE session SET fresh_until = now()`)
	again(code).Has(422)
	b.Header.Set("Accept", "application/json")
	b.Post("/orders/refund", "amount", "3.00").Has(403, "confirm-it-is-you")
	b.Header.Set("Accept", "text/html")
	b.Get("/orders/people").Has(200, "Orders")
	b.Get("/orders/people.csv?q=x").Has(403, "Confirm that it is you", confirmGet, `action="/orders/people.csv?q=x"`)
	b.Header.Set("Accept", "*/*")
	b.Get("/orders/people.csv").Has(403, "confirm-it-is-you")
	b.Header.Set("Accept", "text/html")
	e.Exec(`UPDATE session SET fresh_until = now() + interval '5 minutes'`)
	b.Get("/orders/people.csv").Has(200, "Order\n")
	e.Exec(`UPDATE session SET fresh_until = now()`)
	b.Get("/account/app").Has(403, "Confirm that it is you", confirmGet)
	leads(t, b.Post("/account/app", confirmGet, "1", confirmCode, phone.code()), "/account/app")
	b.Get("/account/app").Has(200, "Set up a second factor")
}

// An API token may do what its scopes and its person's current roles allow, as long as it is valid.
func TestTokens(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.person("ann", adminui.Manager)
	b := e.in(ann)
	b.Get("/account")
	b.Post("/account/tokens", "name", "", "days", "400", "scope", "orders.refund").Has(422, "Give it a name", "From 1 to 366",
		"A token cannot have this: orders.refund.")
	b.Post("/account/tokens", "name", "x", "days", "30").Has(422, "at least one")
	b.Post("/account/tokens", "name", "x", "days", "30", "scope", "orders.view", "scope", "people.manage").Has(422, "people.manage")
	made := b.Post("/account/tokens", "name", "Reports", "days", "30", "scope", "orders.view")
	token := regexp.MustCompile(tokenPrefix + `[A-Z2-7]+`).FindString(made.Body)
	if token == "" {
		t.Fatal(made)
	}
	b.Get("/account").Has(200, "Tokens cannot do")
	if n := e.Number(`SELECT count(*) FROM api_token WHERE scopes = '{orders.view}' AND expires_at > now() + interval '29 days'`); n != 1 {
		t.Error("the token has other scopes or another end")
	}

	program := &testenv.Client{TB: t, URL: e.url, Header: http.Header{"Authorization": {"Bearer " + token}}}
	program.Get("/orders").Want(true, "token")
	if a := program.Get("/orders.csv"); a.Status != 200 || !strings.HasPrefix(a.Body, "Order\n") {
		t.Error(a)
	}

	for _, c := range []struct {
		method, path string
	}{{"POST", "/orders/ship"}, {"POST", "/orders/refund"}, {"GET", "/"}, {"GET", "/account"}, {"POST", "/account/tokens"},
		{"GET", "/people"}} {
		if a := program.Ask(c.method, c.path); a.Status != 403 {
			t.Errorf("%s %s: %s", c.method, c.path, a)
		}
	}

	e.Exec(`UPDATE api_token SET scopes = '{orders.view,orders.refund}'`) // as if the act had not required a factor once
	program.Post("/orders/refund").Has(403, "people-only")
	works := func(want bool) {
		t.Helper()
		if a := program.Get("/orders"); (a.Status == 200) != want {
			t.Error(a)
		}
	}
	e.Exec(`UPDATE person SET roles = '{marketing}'`)
	works(false)
	e.Exec(`UPDATE person SET roles = '{manager}', disabled_at = now()`)
	works(false)
	e.Exec(`UPDATE person SET disabled_at = NULL`)
	e.Exec(`UPDATE api_token SET expires_at = now()`)
	works(false)
	e.Exec(`UPDATE api_token SET expires_at = now() + interval '1 day'`)
	works(true)
	b.Get("/account").Has(200, "Reports")
	leads(t, b.Post(fmt.Sprintf("/account/tokens/%d/revoke", e.Number(`SELECT id FROM api_token`))), "/account")
	works(false)

	for _, bad := range []string{"Bearer x", "Basic x", "Bearer " + tokenPrefix} {
		program.Header.Set("Authorization", bad)
		program.Get("/orders").Has(401, "sign-in")
	}
}

// A person changes their password with the old one, which ends the other sessions; a weak one is
// refused.
func TestChangingThePassword(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.withPassword("ann-lee", adminui.Support)
	b, other := e.in(ann), e.in(ann)
	b.Get("/account")
	change := func(old, fresh string) testenv.Answer { return b.Post("/account/password", "old", old, "new", fresh) }
	change("wrong", "four yellow bicycles").Has(422, "not your password")
	for _, easy := range []string{"short", "aaaaaaaaaaaaa", "my ann-lee password", strings.Repeat("long", 60)} {
		change(rightPassword, easy).Has(422)
	}
	leads(t, change(rightPassword, "four yellow bicycles"), "/account")
	b.Get("/account").Has(200, "Password changed")
	leads(t, other.Get("/account"), "/sign-in?to=%2Faccount")
	e.browser().signIn("ann-lee", rightPassword).Has(422)
	leads(t, e.browser().signIn("ann-lee", "four yellow bicycles"), "/orders")
}

func mustURL(address string) *url.URL {
	u, err := url.Parse(address)
	if err != nil {
		panic(err)
	}
	return u
}
