package contract

import (
	"net/http"
	"strings"
	"testing"
)

var sessions = map[string]func(*testing.T, *world){
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

func sessionCookie(t *testing.T, a answer, maxAge int) {
	t.Helper()
	c := a.cookies["sessionid"]
	if c == nil {
		t.Fatalf("no session cookie: %v", a.header)
	}
	if c.Path != "/" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.MaxAge != maxAge || c.Domain != "" || c.Secure || maxAge == 0 && !c.Expires.IsZero() {
		t.Errorf("the cookie is %s", c.Raw)
	}
	plain(t, c.Value)
}

func testLogin(t *testing.T, w *world) {
	b := w.browser(t)
	m := b.register()
	other := w.browser(t)
	for _, wrong := range []member{
		{m.username, m.email, "wrong!Password"}, {strings.ToUpper(m.username), m.email, password}, {m.email, m.email, password},
		{"nobody_here", "", password}, {m.username, m.email, ""}, {"", "", ""}, {m.username[:3] + " " + m.username[3:], "", password}, {m.username, "", password + " "}, {m.username, "", strings.ToLower(password)},
	} {
		a := other.login(wrong, "true")
		other.is(a, loggedOut)
		if a.cookies["sessionid"] != nil {
			t.Error("a failed login hands out a session")
		}
	}
	blanks := w.browser(t) // as keyboards of phones put them around a name
	blanks.is(blanks.login(member{" " + m.username + " ", "", password}, "false"), loggedIn)
	a := other.login(m, "false")
	other.is(a, loggedIn)
	first := a.cookies["sessionid"].Value
	if c := a.cookies["an_ct"]; c == nil || c.MaxAge >= 0 {
		t.Errorf("an_ct is not deleted: %v", a.header["Set-Cookie"])
	}
	a = other.login(m, "false")
	other.is(a, loggedIn)
	if a.cookies["sessionid"].Value == first {
		t.Error("the session id stays at a second login")
	}
	old := w.browser(t)
	old.cookies["sessionid"] = first
	old.has(old.get("/user/logged-in"), false, "logged_in")
	other.has(other.get("/user/logged-in"), true, "logged_in")
	b.has(b.get("/user/logged-in"), true, "logged_in")
}

func testRemember(t *testing.T, w *world) {
	m := w.browser(t).register()
	for remember, maxAge := range map[string]int{"true": 1209600, "false": 0, "": 0, "True": 0, "1": 0} {
		b := w.browser(t)
		a := b.login(m, remember)
		b.is(a, loggedIn)
		sessionCookie(t, a, maxAge)
	}
	b := w.browser(t)
	b.is(b.login(member{m.username, "", "nope"}, "false"), loggedOut)
	sessionCookie(t, b.login(m, "true"), 1209600)
	b = w.browser(t)
	b.is(b.login(member{m.username, "", "nope"}, "true"), loggedOut)
	sessionCookie(t, b.login(m, "false"), 0)
	b = w.browser(t)
	sessionCookie(t, b.post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", name("member_"), "email_address", email(),
		"password", password, "confirm_password", password, "newsletter", "false", "remember_me", "true"), 1209600)
}

func testLogout(t *testing.T, w *world) {
	b := w.browser(t)
	b.is(b.get("/user/logout"), `{"logout":"user_not_authenticated","user-api-version":"0.0.1"}`)
	m := b.register()
	b.has(b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1"), "success", "cart_add_product_sku")
	session := b.cookies["sessionid"]
	a := b.get("/user/logout")
	b.is(a, `{"logout":"true","user-api-version":"0.0.1"}`)
	for _, deleted := range []string{"sessionid", "an_ct"} {
		if c := a.cookies[deleted]; c == nil || c.MaxAge >= 0 || c.Path != "/" {
			t.Errorf("%s is not deleted: %v", deleted, a.header["Set-Cookie"])
		}
	}
	if c := a.cookies["anonymousclientevent"]; c == nil || c.MaxAge != 31536000 || c.HttpOnly {
		t.Errorf("no fresh id for client events: %v", a.header["Set-Cookie"])
	}
	b.has(b.get("/order/cart-items"), false, "cart_found")
	b.has(b.get("/user/logged-in", cookie("sessionid", session)), false, "logged_in")
	b.has(b.get("/user/logout"), "user_not_authenticated", "logout")
	b.is(b.login(m, "false"), loggedIn)
	b.has(b.get("/order/cart-items"), 1, "item_data", "product_sku_data", "0", "quantity")
}

func testLoggedIn(t *testing.T, w *world) {
	b := w.browser(t)
	visitor := `{"logged_in":false,"log_client_events":true,"client_event_id":"null","cart_item_count":0,"user-api-version":"0.0.1"}`
	a := b.get("/user/logged-in")
	b.is(a, visitor)
	if a.cookies["csrftoken"] == nil || a.cookies["anonymousclientevent"] == nil {
		t.Errorf("the cookies are %v", a.header["Set-Cookie"])
	}
	b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "5")
	b.post("/order/cart-add-product-sku", "sku_id", "2", "quantity", "1")
	b.has(b.get("/user/logged-in"), 2, "cart_item_count")
	m := b.register()
	a = b.get("/user/logged-in")
	b.has(a, true, "logged_in")
	b.has(a, "AL", "member_initials")
	b.has(a, "Ann", "first_name")
	b.has(a, "Lee", "last_name")
	b.has(a, m.email, "email_address")
	b.has(a, 2, "cart_item_count")
	b.has(a, true, "log_client_events")
	if a.cookies["csrftoken"] == nil || a.cookies["anonymousclientevent"] != nil {
		t.Errorf("a member's cookies are %v", a.header["Set-Cookie"])
	}
}

func testForgedCookies(t *testing.T, w *world) {
	b := w.browser(t)
	b.cookies["sessionid"] = "forgedforgedforgedforgedforgedfo"
	a := b.get("/user/logged-in")
	b.has(a, false, "logged_in")
	if c := a.cookies["sessionid"]; c == nil || c.MaxAge >= 0 {
		t.Errorf("an unknown session is not deleted: %v", a.header["Set-Cookie"])
	}
	shopper := w.browser(t)
	shopper.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
	genuine := shopper.cookies["an_ct"]
	for _, forged := range []string{genuine + "x", genuine[:len(genuine)-2], "x", "1", "a:b:c", strings.Repeat("x", 3000)} {
		b := w.browser(t)
		b.cookies["an_ct"] = forged
		b.has(b.get("/order/cart-items"), false, "cart_found")
		b.has(b.get("/user/logged-in"), 0, "cart_item_count")
	}
	for _, odd := range []string{"sessionid=%00%ff; an_ct=\"a\"", "sessionid", ";;;=;", "csrftoken=é", "sessionid=" + strings.Repeat("a", 6000)} {
		if a := w.browser(t).send("GET", "/user/logged-in", "", header("Cookie", odd)); a.status != 200 && a.status != 400 && a.status != 431 {
			t.Errorf("cookies %.40q answered %d", odd, a.status)
		}
	}
}

func testRotation(t *testing.T, w *world) {
	b := w.browser(t)
	b.token()
	first := b.cookies["csrftoken"]
	m := b.register()
	second := b.cookies["csrftoken"]
	if first == second {
		t.Error("registration keeps the token")
	}
	b.get("/user/logout")
	b.is(b.login(m, "false"), loggedIn)
	third := b.cookies["csrftoken"]
	if third == second {
		t.Error("a login keeps the token")
	}
	if a := b.postWith("/order/cart-delete-cart", nil, header("X-CSRFToken", second)); a.status != 403 {
		t.Errorf("the token from before the login answered %d %s", a.status, a.body)
	}
	again := b.get("/user/token")
	want(t, "the token asked for after the login", again.cookies["csrftoken"].Value, third)
	want(t, "a POST after the login", b.post("/order/cart-delete-cart").status, 200)
}

func testChangePassword(t *testing.T, w *world) {
	b, other := w.browser(t), w.browser(t)
	m := b.register()
	w.mail(t, m.email, 1)
	visitor := w.browser(t)
	visitor.is(visitor.post("/user/change-my-password", "current_password", password, "new_password", "x", "confirm_new_password", "y"),
		`{"change_my_password":"user_not_authenticated","user-api-version":"0.0.1"}`)
	other.is(other.login(m, "true"), loggedIn)
	change := func(current, next, confirm string) answer {
		return b.post("/user/change-my-password", "current_password", current, "new_password", next, "confirm_new_password", confirm)
	}
	b.is(change("wrong", "x", "y"), `{"change_my_password":"errors","errors":{"current-password":[{"type":"current_password_invalid","description":"*"}]},"user-api-version":"0.0.1"}`)
	b.is(change(password, password, "y"), `{"change_my_password":"errors","errors":{"password":[{"type":"new_password_same_as_current_password","description":"*"}]},"user-api-version":"0.0.1"}`)
	b.is(change(password, "abc", "y"), `{"change_my_password":"errors","errors":{"password":[{"type":"too_short","description":"*"},{"type":"no_capital_letter","description":"*"},
		{"type":"no_special_character","description":"*"},{"type":"confirm_password_doesnt_match","description":"*"}]},"user-api-version":"0.0.1"}`)
	before, token := b.cookies["sessionid"], b.cookies["csrftoken"]
	a := change(password, "Another!word", "Another!word")
	b.is(a, `{"change_my_password":"success","user-api-version":"0.0.1"}`)
	sessionCookie(t, a, 0) // it was a browser session and stays one
	if b.cookies["sessionid"] == before || b.cookies["csrftoken"] == token {
		t.Error("session id or token stay")
	}
	b.has(b.get("/user/logged-in"), true, "logged_in")
	b.has(b.get("/user/logged-in", cookie("sessionid", before)), false, "logged_in")
	other.has(other.get("/user/logged-in"), false, "logged_in")
	mail := w.mail(t, m.email, 2)
	holds(t, mail.Text, "Ann", "Lee", m.username)
	other.is(other.login(m, "false"), loggedOut)
	m.password = "Another!word"
	other.is(other.login(m, "true"), loggedIn)
	a = other.post("/user/change-my-password", "current_password", m.password, "new_password", "Third!word", "confirm_new_password", "Third!word")
	sessionCookie(t, a, 1209600)
	b.has(b.get("/user/account-content"), "false", "account_content", "authenticated")
}

func testAnonymousEventID(t *testing.T, w *world) {
	b := w.browser(t)
	c := b.get("/user/logged-in").cookies["anonymousclientevent"]
	if c == nil || c.MaxAge != 31536000 || c.Path != "/" || c.HttpOnly {
		t.Fatalf("the cookie is %v", c)
	}
	plain(t, c.Value)
	if again := b.get("/user/logged-in").cookies["anonymousclientevent"]; again != nil {
		t.Errorf("a valid one is replaced by %v", again)
	}
	forged := b.get("/user/logged-in", cookie("anonymousclientevent", c.Value+"x")).cookies["anonymousclientevent"]
	if forged == nil || forged.Value == c.Value+"x" {
		t.Error("a forged one stays")
	}
}

func testCartCookie(t *testing.T, w *world) {
	b := w.browser(t)
	for _, refused := range [][]string{{"quantity", "1"}, {"sku_id", "1", "quantity", "x"}, {"sku_id", "3", "quantity", "1"}} {
		if a := b.post("/order/cart-add-product-sku", refused...); a.cookies["an_ct"] != nil {
			t.Errorf("a refused add hands out a cart: %s", a.body)
		}
	}
	for range 2 {
		a := b.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1")
		c := a.cookies["an_ct"]
		if c == nil || c.MaxAge != 31536000 || c.Path != "/" {
			t.Fatalf("the cookie is %v", c)
		}
		plain(t, c.Value)
	}
	b.has(b.get("/order/cart-items"), 2, "item_data", "product_sku_data", "0", "quantity")
	m := w.browser(t)
	m.register()
	if a := m.post("/order/cart-add-product-sku", "sku_id", "1", "quantity", "1"); a.cookies["an_ct"] != nil {
		t.Error("a member gets a visitor's cart cookie")
	}
	m.has(m.get("/order/cart-items", cookie("an_ct", b.cookies["an_ct"])), 1, "item_data", "product_sku_data", "0", "quantity")
}

func testGuessing(t *testing.T, w *world) {
	m := w.browser(t).register()
	limited := false
	b := w.browser(t)
	for i := range 50 {
		b.address = w.browser(t).address // from everywhere
		a := b.login(member{m.username, "", name("Guess!")}, "false")
		if a.status == 429 {
			limited = true
			if a.header.Get("Retry-After") == "" || a.str("error") == "" {
				t.Errorf("the refusal is %v %s", a.header, a.body)
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
	// Someone else, from a busy address, is not hit.
	busy := w.browser(t)
	others := busy.register()
	for range 12 {
		again := w.browser(t)
		again.address = busy.address
		again.is(again.login(others, "false"), loggedIn)
	}
}
