package contract

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

var wire = map[string]func(*testing.T, *env){
	"roots":          testServiceRoots,
	"routes":         testRoutes,
	"methods":        testMethods,
	"headers":        testHeaders,
	"csrf":           testCSRF,
	"csrf form":      testCSRFForm,
	"origin":         testOrigin,
	"cors":           testCORS,
	"trailing slash": testTrailingSlash,
}

// The root of each service is a page that is not cached and names its version.
func testServiceRoots(t *testing.T, e *env) {
	b := e.browser(t)
	for _, root := range []string{"/user/", "/order/", "/clientevent/"} {
		a := b.get(root)
		if a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") || a.Body == "" {
			t.Errorf("%s answered %d %v %q", root, a.Status, a.Header, a.Body)
		}
		wantParts(t, a.Header.Get("Cache-Control"), "no-store", "no-cache")
		wantParts(t, a.Body, "0.0.1")
	}
}

// paths are all paths of the contract with their methods, where placeholders have values.
func (e *env) paths() map[string][]string {
	paths := map[string][]string{}
	for _, c := range []*testenv.Contract{e.edge, e.user, e.order} {
		for path, item := range c.Doc.Paths.Map() {
			for method := range item.Operations() {
				path := strings.NewReplacer("{product_identifier}", "bSusp6dBHm", "{order_identifier}", "zzzzzzzzzz").Replace(path)
				paths[path] = append(paths[path], method)
			}
		}
	}
	return paths
}

// A path with a slash too many is not found.
func testTrailingSlash(t *testing.T, e *env) {
	b := e.browser(t)
	for path, methods := range e.paths() {
		if strings.HasSuffix(path, "/") {
			continue
		}
		for _, method := range methods {
			b.token()
			if a := b.send(method, path+"/", ""); a.Status != 404 {
				t.Errorf("%s %s/ answered %d %s", method, path, a.Status, a.Body)
			}
		}
	}
}

// Paths outside of the contract are a 404 page. An unknown identifier is a refusal in JSON.
func testRoutes(t *testing.T, e *env) {
	b := e.browser(t)
	for _, path := range []string{"/user/nothing", "/order/not-there", "/order/product/", "/order/product/ab-c", "/order/product/caf%C3%A9",
		"/order/product/a/b",
		"/order/ab_c", "/order/a.b", "/order/a%0A", "/order/product/bSusp6dBHm%0A", "/clientevent/nothing", "/user/login/x",
		"/internal/account", "/order/internal/cart-count", "/user/internal/account"} {
		a := b.get(path)
		if a.Status != 404 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s answered %d %s %.100s, want a 404 page", path, a.Status, a.Header.Get("Content-Type"), a.Body)
		}
	}
	b.get("/order/Zz0").Is(`{"order_detail":"error","errors":{"error":"order-not-found"},"order_identifier":"Zz0",` +
		`"order-api-version":"0.0.1"}`)
	b.get("/order/product/Zz0").Is(`{"product":"error","errors":{"error":"product-identifier-not-found"},"product_identifier":"Zz0",` +
		`"order-api-version":"0.0.1"}`)
	b.wantRefusal(b.get("/order/"+strings.Repeat("a", 3000)), "order-not-found")
	b.wantRefusal(b.get("/order/product/"+strings.Repeat("a", 3000)), "product-identifier-not-found")
}

// A method that the contract does not have is refused, without a server error.
func testMethods(t *testing.T, e *env) {
	b := e.browser(t)
	b.token()
	for path, methods := range e.paths() {
		for _, method := range []string{"GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"} {
			if strings.Contains(strings.Join(methods, " "), method) {
				continue
			}
			b := e.browser(t) // a new one: some paths count tries
			b.token()
			a := b.send(method, path, "", header("X-CSRFToken", b.cookies["csrftoken"]))
			if a.Status >= 500 || a.Status == 404 {
				t.Errorf("%s %s answered %d %s", method, path, a.Status, a.Body)
			}
		}
	}
	a := b.get("/order/stripe-webhook")
	if a.Status != 405 || a.Text("error") != "method-not-allowed" {
		t.Errorf("GET of the webhook answered %d %s", a.Status, a.Body)
	}
	for _, method := range []string{"PUT", "DELETE"} {
		if a := b.send(method, "/order/stripe-webhook", "{}"); a.Status != 405 || a.Text("error") != "method-not-allowed" {
			t.Errorf("%s of the webhook answered %d %s", method, a.Status, a.Body)
		}
	}
}

// Every answer has the headers that protect pages.
func testHeaders(t *testing.T, e *env) {
	b := e.browser(t)
	for _, path := range []string{"/user/", "/user/token", "/order/products", "/user/nothing", "/clientevent/pageview"} {
		a := b.get(path)
		want(t, path, a.Header.Get("X-Content-Type-Options"), "nosniff")
		want(t, path, a.Header.Get("X-Frame-Options"), "DENY")
		if a.Header.Get("Referrer-Policy") == "" {
			t.Errorf("%s has no Referrer-Policy", path)
		}
	}
	want(t, "JSON", b.get("/order/products").Header.Get("Content-Type"), "application/json")
}

const tokenInput = `value="([^"]+)"`

// A POST needs the browser's own token, in the header or in the form. Only the webhook needs none.
func testCSRF(t *testing.T, e *env) {
	b := e.browser(t)
	a := b.get("/user/token")
	wantParts(t, a.Text("token"), `<input type="hidden" name="csrfmiddlewaretoken" value="`)
	c := a.Cookie("csrftoken")
	if c == nil || c.Path != "/" || c.MaxAge != 31449600 || c.SameSite != http.SameSiteLaxMode || c.HttpOnly || c.Quoted ||
		c.Domain != "" || c.Secure {
		t.Fatalf("the cookie is %+v", c)
	}
	wantPlain(t, c.Value)

	// The token stays, and a forged one is replaced.
	again := b.get("/user/token")
	want(t, "the token asked for again", again.Cookie("csrftoken").Value, c.Value)
	want(t, "the token of logged-in", b.get("/user/logged-in").Cookie("csrftoken").Value, c.Value)
	forged := e.browser(t)
	if v := forged.get("/user/token", cookie("csrftoken", "abc")).Cookie("csrftoken").Value; v == "" {
		t.Error("a browser with an odd token gets none")
	}

	inner := regexp.MustCompile(tokenInput).FindStringSubmatch(a.Text("token"))[1]
	other := e.browser(t)
	other.token()
	fine := `{"cart_delete_cart":"error","errors":{"error":"cart-not-found"},"order-api-version":"0.0.1"}`

	// The token of the cookie or of the form is accepted, in the header and in the body.
	b.postWith("/order/cart-delete-cart", nil).Is(fine)
	b.postWith("/order/cart-delete-cart", nil, header("X-CSRFToken", inner)).Is(fine)
	b.postWith("/order/cart-delete-cart", []string{"csrfmiddlewaretoken", inner}, header("X-CSRFToken", "")).Is(fine)
	b.postWith("/order/cart-delete-cart", []string{"csrfmiddlewaretoken", c.Value}, header("X-CSRFToken", "")).Is(fine)

	for what, options := range map[string][]option{
		"no token": {header("X-CSRFToken", "")}, "wrong": {header("X-CSRFToken", "x")},
		"another's": {header("X-CSRFToken", other.cookies["csrftoken"])},
		"no cookie": {cookie("csrftoken", "")}, "another's cookie": {cookie("csrftoken", other.cookies["csrftoken"])},
		"nothing": {cookie("csrftoken", ""), header("X-CSRFToken", "")}, "cut": {header("X-CSRFToken", c.Value[:len(c.Value)-1])},
		"undefined": {header("X-CSRFToken", "undefined")},
	} {
		t.Run(what, func(t *testing.T) {
			if a := b.postWith("/order/cart-delete-cart", nil, options...); a.Status != 403 {
				t.Errorf("answered %d %s", a.Status, a.Body)
			}
		})
	}

	// Every POST needs a token. The webhook needs a signature instead.
	for path, methods := range e.paths() {
		if methods[0] == "POST" && path != "/order/stripe-webhook" {
			if a := e.browser(t).send("POST", path, ""); a.Status != 403 {
				t.Errorf("POST %s without a token answered %d %s", path, a.Status, a.Body)
			}
		}
	}
	if a := e.browser(t).send("POST", "/order/stripe-webhook", "{}", header("Content-Type", "application/json")); a.Status != 400 ||
		a.Text("error") != "invalid-signature" {
		t.Errorf("the webhook answered %d %s", a.Status, a.Body)
	}
}

// A body of another type has no form fields, but the token in the header counts.
func testCSRFForm(t *testing.T, e *env) {
	b := e.browser(t)
	b.token()
	a := b.send("POST", "/order/cart-add-product-sku", `{"sku_id":1,"quantity":1}`, header("Content-Type", "application/json"))
	if a.Status != 400 && a.Text("errors", "error") != "sku-id-required" {
		t.Errorf("JSON instead of a form answered %d %s", a.Status, a.Body)
	}
	boundary := "--b\r\nContent-Disposition: form-data; name=\"sku_id\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; " +
		"name=\"quantity\"\r\n\r\n1\r\n--b--\r\n"
	if a := b.send("POST", "/order/cart-add-product-sku", boundary,
		header("Content-Type", "multipart/form-data; boundary=b")); a.Status >= 500 {
		t.Errorf("multipart answered %d", a.Status)
	}
}

// A POST from an origin that is not allowed is refused.
func testOrigin(t *testing.T, e *env) {
	b := e.browser(t)
	b.token()
	for origin, status := range map[string]int{
		"": 200, e.shop.URL: 200, origin: 200, "https://evil.example": 403, "null": 403, "https://www.shop.example.evil.example": 403,
		"http://www.shop.example": 403, "://": 403,
	} {
		if a := b.postWith("/order/cart-delete-cart", nil, header("Origin", origin)); a.Status != status {
			t.Errorf("a POST of origin %q answered %d %s", origin, a.Status, a.Body)
		}
	}
	if a := b.get("/user/logged-in", header("Origin", "https://evil.example")); a.Status != 200 {
		t.Errorf("a GET of a stranger answered %d", a.Status)
	}
}

// Allowed origins, and no others, may read answers, errors included.
func testCORS(t *testing.T, e *env) {
	b := e.browser(t)
	b.token()
	for _, path := range []string{"/user/logged-in", "/order/products", "/user/token", "/clientevent/pageview?url=x", "/order/nothing-here",
		"/order/"} {
		a := b.get(path, header("Origin", origin))
		want(t, path, a.Header.Get("Access-Control-Allow-Origin"), origin)
		want(t, path, a.Header.Get("Access-Control-Allow-Credentials"), "true")
		wantParts(t, strings.Join(a.Header.Values("Vary"), ","), "Origin")
		a = b.get(path, header("Origin", "https://evil.example"))
		want(t, path+" for a stranger", a.Header.Get("Access-Control-Allow-Origin"), "")
	}

	// A refusal can be read, too.
	a := b.postWith("/order/cart-delete-cart", nil, header("Origin", origin), header("X-CSRFToken", "wrong"))
	want(t, "status", a.Status, 403)
	want(t, "a refused POST", a.Header.Get("Access-Control-Allow-Origin"), origin)

	// Preflights.
	for _, path := range []string{"/user/login", "/order/cart-add-product-sku", "/user/token"} {
		ask := []option{header("Origin", origin), header("Access-Control-Request-Method", "POST"),
			header("Access-Control-Request-Headers", "content-type,x-csrftoken,traceparent")}
		a := e.browser(t).send("OPTIONS", path, "", ask...)
		want(t, "preflight", a.Status, 200)
		want(t, "preflight", a.Header.Get("Access-Control-Allow-Origin"), origin)
		want(t, "preflight", a.Header.Get("Access-Control-Allow-Credentials"), "true")
		wantParts(t, a.Header.Get("Access-Control-Allow-Methods"), "GET", "POST")
		wantParts(t, strings.ToLower(a.Header.Get("Access-Control-Allow-Headers")), "content-type", "x-csrftoken", "traceparent")
		wantParts(t, strings.Join(a.Header.Values("Vary"), ","), "Origin")
		a = e.browser(t).send("OPTIONS", path, "", append(ask, header("Origin", "https://evil.example"))...)
		want(t, "a stranger's preflight", a.Header.Get("Access-Control-Allow-Origin"), "")
	}
}

// wantPlain wants only characters that need no quoting in cookies and links.
func wantPlain(t *testing.T, value string) {
	t.Helper()
	if !regexp.MustCompile(`^[A-Za-z0-9\-_.:]+$`).MatchString(value) {
		t.Errorf("%q needs quoting", value)
	}
}
