package contract

import (
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var sessions = map[string]func(*testing.T, *env){
	"login":               testLogin,
	"remember":            testRemember,
	"logout":              testLogout,
	"logged-in":           testLoggedIn,
	"forged cookies":      testForgedCookies,
	"csrf rotation":       testRotation,
	"change password":     testChangePassword,
	"anonymous event id":  testAnonymousEventID,
	"visitor cart cookie": testCartCookie,
	"guessing passwords":  testGuessing,
}

const (
	loggedIn  = `{"login":"true","user-api-version":"0.0.1"}`
	loggedOut = `{"login":"false","user-api-version":"0.0.1"}`
)

func sessionCookie(t *testing.T, a testenv.Answer, maxAge int) {
	t.Helper()
	c := a.Cookie("sessionid")
	if c == nil {
		t.Fatalf("no session cookie: %v", a.Header)
	}
	if c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != maxAge || c.Domain != "" || c.Secure ||
		maxAge == 0 && !c.Expires.IsZero() {
		t.Errorf("the cookie is %s", c.Raw)
	}
	wantPlain(t, c.Value)
}

// A login needs the exact username and password, and gives a new session each time.
func testLogin(t *testing.T, e *env) {
	b := e.browser(t)
	m := b.register()
	other := e.browser(t)
	for _, wrong := range []member{
		{m.username, m.email, "wrong!Password"}, {strings.ToUpper(m.username), m.email, password}, {m.email, m.email, password},
		{"nobody_here", "", password}, {m.username, m.email, ""}, {"", "", ""}, {m.username[:3] + " " + m.username[3:], "", password},
		{m.username, "", password + " "}, {m.username, "", strings.ToLower(password)},
	} {
		a := other.login(wrong, "true")
		a.Is(loggedOut)
		if a.Cookie("sessionid") != nil {
			t.Error("a failed login hands out a session")
		}
	}

	blanks := e.browser(t) // phone keyboards add spaces around a name
	blanks.login(member{" " + m.username + " ", "", password}, "false").Is(loggedIn)

	a := other.login(m, "false")
	a.Is(loggedIn)
	first := a.Cookie("sessionid").Value
	if c := a.Cookie("an_ct"); c == nil || c.MaxAge >= 0 {
		t.Errorf("an_ct is not deleted: %v", a.Header["Set-Cookie"])
	}

	// A second login ends the first session.
	a = other.login(m, "false")
	a.Is(loggedIn)
	if a.Cookie("sessionid").Value == first {
		t.Error("the session id stays at a second login")
	}

	old := e.browser(t)
	old.cookies["sessionid"] = first
	old.get("/user/logged-in").Want(false, "logged_in")
	other.get("/user/logged-in").Want(true, "logged_in")
	b.get("/user/logged-in").Want(true, "logged_in")
}

// Only a remembered session outlives the browser.
func testRemember(t *testing.T, e *env) {
	m := e.browser(t).register()
	for remember, maxAge := range map[string]int{"true": 1209600, "false": 0, "": 0, "True": 0, "1": 0} {
		b := e.browser(t)
		a := b.login(m, remember)
		a.Is(loggedIn)
		sessionCookie(t, a, maxAge)
	}
	b := e.browser(t)
	b.login(member{m.username, "", "nope"}, "false").Is(loggedOut)
	sessionCookie(t, b.login(m, "true"), 1209600)
	b = e.browser(t)
	b.login(member{m.username, "", "nope"}, "true").Is(loggedOut)
	sessionCookie(t, b.login(m, "false"), 0)
	b = e.browser(t)
	sessionCookie(t, b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address",
		email(),
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "true"), 1209600)
}

// Logging out ends the session and leaves the cart with the member.
func testLogout(t *testing.T, e *env) {
	b := e.browser(t)
	b.get("/user/logout").Is(`{"logout":"user_not_authenticated","user-api-version":"0.0.1"}`)
	m := b.register()
	b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1").Want("success", "cart_add_product_sku")
	session := b.cookies["sessionid"]
	a := b.get("/user/logout")
	a.Is(`{"logout":"true","user-api-version":"0.0.1"}`)
	for _, deleted := range []string{"sessionid", "an_ct"} {
		if c := a.Cookie(deleted); c == nil || c.MaxAge >= 0 || c.Path != "/" {
			t.Errorf("%s is not deleted: %v", deleted, a.Header["Set-Cookie"])
		}
	}
	if c := a.Cookie("anonymousclientevent"); c == nil || c.MaxAge != 31536000 || c.HttpOnly {
		t.Errorf("no fresh id for client events: %v", a.Header["Set-Cookie"])
	}
	b.get("/order/cart-items").Want(false, "cart_found")
	b.get("/user/logged-in", cookie("sessionid", session)).Want(false, "logged_in")
	b.get("/user/logout").Want("user_not_authenticated", "logout")
	b.login(m, "false").Is(loggedIn)
	b.get("/order/cart-items").Want(1, "item_data", "product_sku_data", "0", "quantity")
}

// The call logged-in tells a page who the visitor is.
func testLoggedIn(t *testing.T, e *env) {
	b := e.browser(t)
	visitor := `{"logged_in":false,"log_client_events":true,"client_event_id":"null","cart_item_count":0,"user-api-version":"0.0.1"}`
	a := b.get("/user/logged-in")
	a.Is(visitor)
	if a.Cookie("csrftoken") == nil || a.Cookie("anonymousclientevent") == nil {
		t.Errorf("the cookies are %v", a.Header["Set-Cookie"])
	}
	b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "5")
	b.post("/order/cart-add-product-sku", "sku_id", "2", "quantity", "1")
	b.get("/user/logged-in").Want(2, "cart_item_count")
	m := b.register()
	a = b.get("/user/logged-in")
	a.Want(true, "logged_in")
	a.Want("AL", "member_initials")
	a.Want("Ann", "first_name")
	a.Want("Lee", "last_name")
	a.Want(m.email, "email_address")
	a.Want(2, "cart_item_count")
	a.Want(true, "log_client_events")
	if a.Cookie("csrftoken") == nil || a.Cookie("anonymousclientevent") != nil {
		t.Errorf("a member's cookies are %v", a.Header["Set-Cookie"])
	}
}

// Forged cookies give no session and no cart.
func testForgedCookies(t *testing.T, e *env) {
	b := e.browser(t)
	b.cookies["sessionid"] = "forgedforgedforgedforgedforgedfo"
	a := b.get("/user/logged-in")
	a.Want(false, "logged_in")
	if c := a.Cookie("sessionid"); c == nil || c.MaxAge >= 0 {
		t.Errorf("an unknown session is not deleted: %v", a.Header["Set-Cookie"])
	}
	shopper := e.browser(t)
	shopper.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
	genuine := shopper.cookies["an_ct"]
	for _, forged := range []string{genuine + "x", genuine[:len(genuine)-2], "x", "1", "a:b:c", strings.Repeat("x", 3000)} {
		b := e.browser(t)
		b.cookies["an_ct"] = forged
		b.get("/order/cart-items").Want(false, "cart_found")
		b.get("/user/logged-in").Want(0, "cart_item_count")
	}
	for _, odd := range []string{"sessionid=%00%ff; an_ct=\"a\"", "sessionid", ";;;=;", "csrftoken=é",
		"sessionid=" + strings.Repeat("a", 6000)} {
		if a := e.browser(t).send("GET", "/user/logged-in", "", header("Cookie", odd)); a.Status != 200 && a.Status != 400 &&
			a.Status != 431 {
			t.Errorf("cookies %.40q answered %d", odd, a.Status)
		}
	}
}

// Registration and login give a new CSRF token, and the old one is refused.
func testRotation(t *testing.T, e *env) {
	b := e.browser(t)
	b.token()
	first := b.cookies["csrftoken"]
	m := b.register()
	second := b.cookies["csrftoken"]
	if first == second {
		t.Error("registration keeps the token")
	}
	b.get("/user/logout")
	b.login(m, "false").Is(loggedIn)
	third := b.cookies["csrftoken"]
	if third == second {
		t.Error("a login keeps the token")
	}
	if a := b.postWith("/order/cart-delete-cart", nil, header("X-CSRFToken", second)); a.Status != 403 {
		t.Errorf("the token from before the login answered %d %s", a.Status, a.Body)
	}
	again := b.get("/user/token")
	want(t, "the token asked for after the login", again.Cookie("csrftoken").Value, third)
	want(t, "a POST after the login", b.post("/order/cart-delete-cart").Status, 200)
}

// A changed password ends all other sessions, and is mailed.
func testChangePassword(t *testing.T, e *env) {
	b, other := e.browser(t), e.browser(t)
	m := b.register()
	e.awaitMail(t, m.email, 1)

	visitor := e.browser(t)
	visitor.post("/user/change-my-password", "current_password", password, "new_password", "x", "confirm_new_password",
		"y").Is(`{"change_my_password":"user_not_authenticated","user-api-version":"0.0.1"}`)
	other.login(m, "true").Is(loggedIn)
	change := func(current, next, confirm string) testenv.Answer {
		return b.post("/user/change-my-password", "current_password", current, "new_password", next, "confirm_new_password", confirm)
	}

	// Refused.
	change("wrong", "x", "y").Is(`{"change_my_password":"errors","errors":{"current-password":[{"type":"current_password_invalid",` +
		`"description":"*"}]},"user-api-version":"0.0.1"}`)
	change(password, password, "y").Is(`{"change_my_password":"errors",` +
		`"errors":{"password":[{"type":"new_password_same_as_current_password","description":"*"}]},"user-api-version":"0.0.1"}`)
	change(password, "abc", "y").Golden("testdata/change_my_password_weak.json")

	// Changed.
	before, token := b.cookies["sessionid"], b.cookies["csrftoken"]
	a := change(password, "Another!word", "Another!word")
	a.Is(`{"change_my_password":"success","user-api-version":"0.0.1"}`)
	sessionCookie(t, a, 0) // a browser session stays one
	if b.cookies["sessionid"] == before || b.cookies["csrftoken"] == token {
		t.Error("session id or token stay")
	}

	b.get("/user/logged-in").Want(true, "logged_in")
	b.get("/user/logged-in", cookie("sessionid", before)).Want(false, "logged_in")
	other.get("/user/logged-in").Want(false, "logged_in")

	mail := e.awaitMail(t, m.email, 2)
	wantParts(t, mail.Text, "Ann", "Lee", m.username)
	other.login(m, "false").Is(loggedOut)
	m.password = "Another!word"
	other.login(m, "true").Is(loggedIn)

	// A remembered session stays one.
	a = other.post("/user/change-my-password", "current_password", m.password, "new_password", "Third!word", "confirm_new_password",
		"Third!word")
	sessionCookie(t, a, 1209600)
	b.get("/user/account-content").Want("false", "account_content", "authenticated")
}

// A visitor's id for client events is signed and stays.
func testAnonymousEventID(t *testing.T, e *env) {
	b := e.browser(t)
	c := b.get("/user/logged-in").Cookie("anonymousclientevent")
	if c == nil || c.MaxAge != 31536000 || c.Path != "/" || c.HttpOnly {
		t.Fatalf("the cookie is %v", c)
	}
	wantPlain(t, c.Value)
	if again := b.get("/user/logged-in").Cookie("anonymousclientevent"); again != nil {
		t.Errorf("a valid one is replaced by %v", again)
	}
	forged := b.get("/user/logged-in", cookie("anonymousclientevent", c.Value+"x")).Cookie("anonymousclientevent")
	if forged == nil || forged.Value == c.Value+"x" {
		t.Error("a forged one stays")
	}
}

// The first successful add gives a visitor the cart's cookie. A member gets none.
func testCartCookie(t *testing.T, e *env) {
	b := e.browser(t)
	for _, refused := range [][]string{{"quantity", "1"}, {"sku_id", "1", "quantity", "x"}, {"sku_id", "3", "quantity", "1"}} {
		if a := b.post("/order/cart-add-product-sku", refused...); a.Cookie("an_ct") != nil {
			t.Errorf("a refused add hands out a cart: %s", a.Body)
		}
	}
	for range 2 {
		a := b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
		c := a.Cookie("an_ct")
		if c == nil || c.MaxAge != 31536000 || c.Path != "/" {
			t.Fatalf("the cookie is %v", c)
		}
		wantPlain(t, c.Value)
	}
	b.get("/order/cart-items").Want(2, "item_data", "product_sku_data", "0", "quantity")
	m := e.browser(t)
	m.register()
	if a := m.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1"); a.Cookie("an_ct") != nil {
		t.Error("a member gets a visitor's cart cookie")
	}
	m.get("/order/cart-items", cookie("an_ct", b.cookies["an_ct"])).Want(1, "item_data", "product_sku_data", "0", "quantity")
}

// Guessing one member's password is limited, from however many addresses.
func testGuessing(t *testing.T, e *env) {
	m := e.browser(t).register()
	limited := false
	b := e.browser(t)
	for i := range 50 {
		b.address = e.browser(t).address // each guess from another address
		a := b.login(member{m.username, "", name("Guess!")}, "false")
		if a.Status == 429 {
			limited = true
			if a.Header.Get("Retry-After") == "" || a.Text("error") == "" {
				t.Errorf("the refusal is %v %s", a.Header, a.Body)
			}
			if i > 42 {
				t.Errorf("%d tries before the refusal", i)
			}
			if i < 5 {
				t.Errorf("only %d tries before the refusal", i)
			}
			break
		}
	}

	if !limited {
		t.Error("50 tries at one account")
	}

	// Another member, behind a busy address, is not affected.
	busy := e.browser(t)
	others := busy.register()
	for range 12 {
		again := e.browser(t)
		again.address = busy.address
		again.login(others, "false").Is(loggedIn)
	}
}
