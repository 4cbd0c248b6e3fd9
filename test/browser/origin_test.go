package browser

import (
	_ "embed"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

//go:embed testdata/frontend.html
var frontend string

// serveFrontend serves a page that calls the API from another origin, as frontends on another host
// do.
func serveFrontend(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, frontend) //nolint:errcheck // a failed write shows in the browser
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// From another origin the API works with cookies and tokens, refusals can be read, and the totals
// of a cart page that requests everything at once include the shipping that it shows.
func otherOrigin(e *env) {
	b := browsertest.Open(e, e.frontend, browsertest.Desktop)
	b.Expect("/favicon.ico", "403", "404", "405", "413")
	b.Go("/cart#" + e.shop.URL)
	call := func(expression, want string) {
		e.Helper()
		b.Eval(`(async () => { window.got = JSON.stringify(await ` + expression + `); })()`)
		if got := b.Read(`window.got`); got != want {
			e.Errorf("%s gives %s, want %s", expression, got, want)
		}
	}
	call(`get('/user/logged-in').then((a) => [a.status, a.json.logged_in, a.json.cart_item_count])`, `[200,false,0]`)
	call(`[cookie('csrftoken').length > 20, cookie('anonymousclientevent').length > 20, cookie('sessionid'), cookie('an_ct')]`,
		`[true,true,"",""]`)
	call(`send('GET', '/clientevent/pageview', { client_event_id: 'null', anonymous_id: cookie('anonymousclientevent'), url: `+
		`location.href, pageWidth: 800 }, false).then((a) => a.json)`, `"thank you"`)

	call(`post('/order/cart-add-product-sku', { sku_id: 1, quantity: 2 }).then((a) => a.json.cart_item_count)`, `1`)
	// The totals wait for the method about as long as a busy machine needs, so this is tried
	// several times.
	call(`(async () => {
		for (let n = 0; n < 10; n++) {
			const [, shipping, , totals] = await Promise.all(['items', 'shipping-methods', 'discount-codes',
				'totals'].map((part) => get('/order/cart-' + part)));
			if (shipping.json.shipping_method_selected === 'USPSRetailGround' &&
				totals.json.cart_totals_data.cart_total === '16.56') return true;
			await post('/order/cart-delete-cart', {});
			await post('/order/cart-add-product-sku', { sku_id: 1, quantity: 2 });
		}
		return false;
	})()`, `true`)

	call(`send('POST', '/order/cart-delete-cart', {}, true, 'stale').then((a) => [a.status, a.json.error])`, `[403,"csrf-failed"]`)
	call(`get('/order/no-such-thing').then((a) => a.status)`, `404`)
	call(`get('/order/cart-delete-cart').then((a) => [a.status, a.json.error])`, `[405,"method-not-allowed"]`)
	call(`post('/user/put-chat-message', { message: 'x'.repeat(100000) }).then((a) => [a.status, a.json.error])`, `[413,"body-too-large"]`)

	const person = `{ firstname: 'Ann', lastname: 'Lee', username: 'other_origin', email_address: 'other-origin@mail.example.com',
		password: 'Secret!word',
		confirm_password: 'Secret!word', newsletter: false, remember_me: true }`
	call(`post('/user/create-account', `+person+`).then((a) => a.json.create_account)`, `"true"`)
	call(`get('/user/logged-in').then((a) => [a.json.member_initials, a.json.cart_item_count])`, `["AL",1]`)
	call(`get('/user/logout').then((a) => a.json.logout)`, `"true"`)
	call(`post('/user/login', `+person+`).then((a) => a.json.login)`, `"true"`)
	call(`get('/user/logged-in').then((a) => [a.json.member_initials, a.json.cart_item_count])`, `["AL",1]`)
}
