package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// operation is a call of the contract, with the names of its parameters.
type operation struct {
	method, path string
	query, form  []string
}

// operations are all calls of the contract.
func operations(t *testing.T) []operation {
	t.Helper()
	var all []operation
	for _, service := range []string{"edge", "user", "order"} {
		doc := testenv.NewContract(t, "../../services/"+service+"/openapi.yaml").Doc
		for path, item := range doc.Paths.Map() {
			if strings.HasPrefix(path, "/internal") {
				continue
			}
			for method, op := range item.Operations() {
				o := operation{method: method, path: path}
				for _, p := range append(slices.Clone(item.Parameters), op.Parameters...) {
					if p.Value.In == openapi3.ParameterInQuery {
						o.query = append(o.query, p.Value.Name)
					}
				}
				if op.RequestBody != nil {
					for _, content := range op.RequestBody.Value.Content {
						for name := range content.Schema.Value.Properties {
							o.form = append(o.form, name)
						}
					}
				}
				slices.Sort(o.form)
				all = append(all, o)
			}
		}
	}

	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	if len(all) < 50 {
		t.Fatalf("the contract has only %d calls", len(all))
	}
	return all
}

// rubbish are values that people and machines send in place of proper ones.
var rubbish = []string{
	"", " ", "\x00", "a\x00b", "\xff\xfe", "\xed\xa0\x80", "\xc0\xaf", "-1", "0", "1", "6", "99999999999999999999", "9223372036854775808",
	"-9223372036854775809",
	"1e309", "NaN", "0x10", "١٢", "1.5", "+1", "true", "null", "undefined", "[]", "{}", `{"a":`, "' OR 1=1 --", `";DROP TABLE orders;--`,
	"<script>alert(1)</script>",
	"{{.}}", "${7*7}", "%00", "%zz", "../../etc/passwd", "\r\nSet-Cookie: a=b", "\u202e\u200f", "👩‍👩‍👧‍👦", "İıſK",
	strings.Repeat("A", 3000), strings.Repeat("é", 3000),
	"x@mail.example.com", "x@mail.example.com\r\nBcc: y@mail.example.com", "WELCOME10", "cs_test_" + strings.Repeat("a", 300),
}

// leaks are words that appear only in internal errors.
var leaks = []string{"goroutine ", "panic", ".go:", "SQLSTATE", "pgx", "postgres", "nats:", "dial tcp", "runtime error", "unexpected EOF",
	"strconv", "invalid UTF-8", "/internal/", "internal-error"}

// wantHarmless fails the test if an answer is a server error or shows internals.
func wantHarmless(t *testing.T, request string, status int, body []byte) {
	t.Helper()
	if status >= 500 {
		t.Errorf("%.300q is answered %d %.300s", request, status, body)
	}
	for _, word := range leaks {
		if bytes.Contains(body, []byte(word)) && !strings.Contains(request, word) {
			t.Errorf("%.300q shows the inside (%s): %d %.300s", request, word, status, body)
		}
	}
}

// No input to any call causes a server error, and the shop still sells afterwards.
func TestGarbageInAnyCall(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	const seed = 20261122
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // repeatable on purpose

	pick := func() string {
		if random.IntN(4) == 0 {
			b := make([]byte, random.IntN(60))
			for i := range b {
				b[i] = byte(random.UintN(256))
			}
			return string(b)
		}
		return rubbish[random.IntN(len(rubbish))]
	}
	fill := func(names []string) string {
		var pairs []string
		for _, name := range names {
			for range random.IntN(3) { // missing, once, twice
				value := url.QueryEscape(pick())
				if random.IntN(8) == 0 {
					value = strings.NewReplacer("\r", "", "\n", "", " ", "", "\x00", "").Replace(pick()) // the raw characters
				}
				pairs = append(pairs, url.QueryEscape(name)+"="+value)
			}
		}
		return strings.Join(pairs, []string{"&", "&", "&", ";"}[random.IntN(4)])
	}

	types := []string{"application/x-www-form-urlencoded", "application/x-www-form-urlencoded", "application/x-www-form-urlencoded",
		"application/x-www-form-urlencoded; charset=utf-16",
		"multipart/form-data", "multipart/form-data; boundary=x", "application/json", "text/plain", "\"", ""}
	shoppers := make([]*shoptest.Browser, 12)
	for i := range shoppers {
		shoppers[i] = shop.Browser()
		if i%2 == 0 {
			shoppers[i].Want(shoppers[i].Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "1"), "success",
				"cart_add_product_sku")
		}
	}

	all := operations(t)
	for n := range 8 * len(all) {
		o := all[n%len(all)]
		b := shoppers[random.IntN(len(shoppers))]
		path := o.path
		for strings.Contains(path, "{") {
			from, to := strings.Index(path, "{"), strings.Index(path, "}")
			path = path[:from] + url.PathEscape(pick()) + path[to+1:]
		}

		r, err := http.NewRequestWithContext(t.Context(), o.method, shop.URL+"/", strings.NewReader(fill(o.form)))
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Opaque = "//" + r.URL.Host + path
		r.URL.RawQuery = strings.Map(printable, fill(append(slices.Clone(o.query), "format")))
		r.Header.Set("Content-Type", types[random.IntN(len(types))])
		if random.IntN(4) > 0 {
			r.Header.Set("X-CSRFToken", b.Cookie("csrftoken"))
		}
		forge(t, r, random)

		a, err := b.Do(r)
		if err != nil {
			t.Fatalf("%s %s?%q: %v", r.Method, path, r.URL.RawQuery, err)
		}
		wantHarmless(t, r.Method+" "+path+"?"+r.URL.RawQuery, a.Status, a.Body)
	}

	if n := strings.Count(shop.Log(), `"panic"`); n > 0 {
		t.Errorf("%d panics in the log", n)
	}
	// The shop still sells.
	b := shop.Browser()
	session := b.Checkout("6", "1", "still@mail.example.com")
	shop.Pay(session, nil)
	b.Want(b.Success(session), "success", pageOfSuccess)
}

// printable keeps the characters that Go's client accepts in a query.
func printable(c rune) rune {
	if c <= ' ' || c == 0x7f {
		return -1
	}
	return c
}

// forge adds headers and fields that would give rights if the shop trusted them.
func forge(t *testing.T, r *http.Request, random *rand.Rand) {
	t.Helper()
	for _, c := range []string{"sessionid", "an_ct", "csrftoken"} {
		if random.IntN(5) == 0 {
			r.Header.Add("Cookie", c+"="+[]string{"x", "a.b", "abc:def:ghi", strings.Repeat("z", 4000), "%00", `"quoted"`,
				"AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}[random.IntN(7)])
		}
	}
	if random.IntN(3) == 0 {
		if err := web.SignIdentity(r, web.Key([]byte("development only: set SHOP_SECRET in production"), "identity"),
			web.Identity{MemberID: 1, Username: "root"}); err != nil {
			t.Fatal(err)
		}
		r.Header.Set(web.SetCartHeader, "1")
		r.Header.Set(web.SessionHeader, `{"open":true,"member":{"id":1}}`)
	}
}

// Forged headers and cookies give no one another identity.
func TestForgedIdentity(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	rich := shop.Browser()
	rich.Want(rich.Post("/order/cart-add-product-sku", "sku_id", "6", "quantity", "7"), "success", "cart_add_product_sku")
	cart := shop.Count("order", `SELECT id FROM cart`)

	for name, secret := range map[string]string{"the built-in secret": "development only: set SHOP_SECRET in production", "none": ""} {
		for _, path := range []string{"/order/cart-items", "/user/logged-in", "/user/account-content", "/internal/cart-count",
			"/internal/account", "/order/../internal/cart-count"} {
			b := shop.Browser()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := web.SignIdentity(r, web.Key([]byte(secret), "identity"),
				web.Identity{MemberID: 1, Username: "root", Cart: fmt.Sprint(cart)}); err != nil {
				t.Fatal(err)
			}
			r.Header.Set(web.SetCartHeader, fmt.Sprint(cart))
			r.Header.Set(web.SessionHeader, `{"open":true,"member":{"id":1,"username":"root"}}`)
			r.Header.Set("Cookie", fmt.Sprintf("an_ct=%d; sessionid=1", cart))
			a, err := b.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if a.Status >= 500 || b.Cookie("sessionid") != "" || b.Cookie("an_ct") != "" || a.At("cart_found") == true ||
				a.At("logged_in") == true || bytes.Contains(a.Body, []byte("root")) {
				t.Errorf("%s with %s: %d %s, cookies %q %q", path, name, a.Status, a.Body, b.Cookie("sessionid"), b.Cookie("an_ct"))
			}
			if strings.Contains(path, "internal") && a.Status != http.StatusNotFound {
				t.Errorf("%s answers %d %s", path, a.Status, a.Body)
			}
		}
	}
}

// Bytes that no client of Go would send get a refusal, or a closed connection.
func TestGarbageOnTheWire(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})

	address := strings.TrimPrefix(shop.URL, "http://")
	var requests []string
	for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW", "get", "G\x00T",
		"\xff"} {
		for _, path := range []string{"/", "/order/products", "/order/cart-items", "/user/login", "/order/stripe-webhook",
			"/clientevent/pageview", "/nothing/here"} {
			requests = append(requests, method+" "+path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
		}
	}
	for _, path := range []string{"/%", "/%zz", "/%00", "/%ff%fe", "/order/%00", "/order/%2e%2e/internal/cart-count",
		"/order/..%2finternal%2fcart-count", "//order//products", "/./order/products", "/order/product/%E2%82",
		"*", "http://evil.example/order/products", "/order/products?%", "/order/products?a=%zz&%=%", "/order/" + strings.Repeat("a", 8000),
		"/" + strings.Repeat("../", 500), "/order/products#x", "/\\..\\", "/order/products\x00", "/é"} {
		requests = append(requests, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for _, header := range []string{"X: " + strings.Repeat("a", 70<<10), strings.Repeat("X: a\r\n", 5000) + "Y: b",
		"Cookie: " + strings.Repeat("a=b; ", 10000), "Cookie: \x01\x02=\xff", "Content-Length: -1", "Content-Length: 99999999999999999999",
		"Transfer-Encoding: nonsense", "Transfer-Encoding: chunked\r\nContent-Length: 5", "Host: y", "Content-Type: \xff\xfe",
		"X-Forwarded-For: \x7f, ,;", "Origin: null", "Referer: ::::", "Expect: the impossible",
		"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings"} {
		requests = append(requests, "POST /user/login HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n",
			"GET /order/cart-items HTTP/1.1\r\nHost: x\r\n"+header+"\r\n\r\n")
	}
	requests = append(requests, "\x16\x03\x01\x00\xa5\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
		"\r\n\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET /\r\n\r\n")

	for _, request := range requests {
		status, body, err := exchange(t, address, request)
		if err != nil {
			continue // closed without an answer
		}
		if status == http.StatusNotImplemented || status == http.StatusHTTPVersionNotSupported {
			continue // HTTP's answer to an unknown transfer coding or version
		}
		wantHarmless(t, request, status, body)
	}
}

// exchange sends bytes and reads an answer, unless the shop hangs up before.
func exchange(t *testing.T, address, request string) (status int, body []byte, err error) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatalf("the shop is gone: %v", err)
	}
	defer conn.Close() //nolint:errcheck // either side may have closed it
	if err := conn.SetDeadline(time.Now().Add(3 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return 0, nil, err
	}
	if c, ok := conn.(*net.TCPConn); ok {
		if err := c.CloseWrite(); err != nil {
			return 0, nil, err
		}
	}
	method, _, _ := strings.Cut(request, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return 0, nil, err
	}
	body, err = io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// Bodies that are too large are refused with an answer.
func TestLargeBodiesThroughTheShop(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	for _, path := range []string{"/user/login", "/user/create-account", "/user/put-chat-message", "/order/cart-add-product-sku",
		pageOfCheckout, "/order/stripe-webhook", "/clientevent/pageview?url=x"} {
		for _, chunked := range []bool{false, true} {
			b := shop.Browser()
			b.Get("/user/token")
			body := io.Reader(strings.NewReader("a=" + strings.Repeat("b", 10<<20)))
			if chunked {
				body = io.MultiReader(body)
			}
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL+path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-CSRFToken", b.Cookie("csrftoken"))
			a, err := b.Do(r)
			if err != nil {
				t.Errorf("%s, chunked %t: %v", path, chunked, err)
				continue
			}
			if a.Status < 400 || a.Status >= 500 {
				t.Errorf("%s, chunked %t: %d %s", path, chunked, a.Status, a.Body)
			}
		}
	}
	// Signed rubbish is refused, too.
	for _, body := range []string{"", "{", "[]", "null", `{"id":1,"type":"checkout.session.completed"}`, `{"id":"evt_x","type":"../x"}`,
		`{"id":"evt_\u0000","type":"a"}`, "\xff\xfe", `{"id":"` + strings.Repeat("a", 1000) + `","type":"a"}`,
		strings.Repeat("a", 10<<20)} {
		status, err := shop.PostEvent([]byte(body))
		if err != nil || status < 400 || status >= 500 {
			t.Errorf("%.100q is answered %d %v", body, status, err)
		}
	}
	// A proper event without content is stored and makes nothing.
	for n, object := range []string{`null`, `{}`, `[]`, `"x"`, `{"id":"cs_test_x"}`,
		`{"id":"cs_test_x","payment_status":"paid","amount_total":-5}`, `{"id":7}`, `{"id":"cs_\u0000"}`} {
		event := fmt.Appendf(nil, `{"id":"evt_hollow_%d","type":"checkout.session.completed","created":1,"data":{"object":%s}}`, n, object)
		if status, err := shop.PostEvent(event); err != nil || status >= 500 {
			t.Errorf("%s is answered %d %v", event, status, err)
		}
	}

	shop.Quiet(60 * time.Second)
	if n := len(shop.Orders()); n != 0 {
		t.Errorf("%d orders", n)
	}
}
