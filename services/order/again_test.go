package order

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
)

// clicked is a shopper's next click; sent a second time, it is the same click.
func (p *shopper) clicked(key string) *shopper {
	q := *p
	q.Click = key
	return &q
}

// again is a shopper whose request another process has already received.
func (p *shopper) again() *shopper {
	q := *p
	q.Header = http.Header{"X-Shop-Again": {"1"}}
	return &q
}

// A click is sent again when the process that received it died before it could answer. It adds
// nothing, and the answer is the same.
func TestAClickAddsItsPiecesOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, p := range []*shopper{e.member(5), e.visitor()} {
		first, second := p.clicked("FIRSTCLICK"), p.clicked("FIRSTCLICK")
		for _, q := range []*shopper{first, second} {
			b := q.add("6", "2")
			b.Want("success", "cart_add_product_sku")
			b.Want(1, "cart_item_count")
		}
		if p.Cart = second.Cart; first.Cart != second.Cart {
			t.Errorf("a visitor without a cart got the carts %q and %q", first.Cart, second.Cart)
		}

		quantity := func(want int) {
			t.Helper()
			p.Get("/order/cart-items").Want(want, "item_data", "product_sku_data", "0", "quantity")
		}
		quantity(2)
		for i := range clicksKept - 1 {
			p.clicked("CLICK"+strconv.Itoa(i)).add("6", "1")
		}
		p.clicked("FIRSTCLICK").again().add("6", "2")

		quantity(clicksKept + 1)
		p.clicked("FIRSTCLICK").add("7", "1").Want(2, "cart_item_count") // a line has its own keys
		p.clicked("LAST").add("6", "95").Want("error", "cart_add_product_sku")
		p.clicked("LAST").add("6", "95").Want("error", "cart_add_product_sku") // not taken for a repetition
		p.clicked("REST").add("6", strconv.Itoa(maxPieces-clicksKept-1))
		p.clicked("REST").add("6", strconv.Itoa(maxPieces-clicksKept-1)).Want("success", "cart_add_product_sku")
		p.add("7", "1")
		p.add("7", "1") // without a key, as an older edge sends it
		p.Get("/order/cart-items").Want(3, "item_data", "product_sku_data", "1", "quantity")
	}
	if n := e.Number(`SELECT max(cardinality(clicks)) FROM cart_line`); n != clicksKept {
		t.Errorf("a line keeps %d keys, want %d", n, clicksKept)
	}
}

// The process that died may have left its statement running in the database.
func TestParallelRepetitionsOfAClickAddOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i := range 20 {
		var both sync.WaitGroup
		carts := make([]string, 3)
		for try := range carts {
			both.Go(func() {
				p := e.visitor().clicked(fmt.Sprint("CLICK", i))
				p.add("6", "2").Want(1, "cart_item_count")
				carts[try] = p.Cart
			})
		}
		both.Wait()
		p := e.visitor()
		p.Cart = carts[0]
		p.Get("/order/cart-items").Want(2, "item_data", "product_sku_data", "0", "quantity")
	}
	if n := e.Number(`SELECT count(*) FROM cart`); n != 20 {
		t.Errorf("%d carts of 20 visitors, want 20", n)
	}
}

// A repeated request whose work is done already succeeds.
func TestRepeatedRequestsSucceed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "2")
	p.add("7", "1")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10").Want("success", "cart_apply_discount_code")
	b := p.again().Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	b.Want("success", "cart_apply_discount_code")
	b.Want("WELCOME10", "discount_code_data", "1", "code")
	p.again().Post("/order/cart-apply-discount-code", "discount_code_id", "GUESS").Want("cart-discount-code-not-found", "errors", "error")

	p.Post("/order/cart-remove-sku", "sku_id", "7").Want(1, "cart_item_count")
	b = p.again().Post("/order/cart-remove-sku", "sku_id", "7")
	b.Want("success", "cart_remove_sku")
	b.Want(1, "cart_item_count")

	p.Post("/order/cart-delete-cart").Want("success", "cart_delete_cart")
	p.again().Post("/order/cart-delete-cart").Want("success", "cart_delete_cart")
	p.Get("/order/cart-items").Want(false, "cart_found")
	p.Post("/order/cart-delete-cart").Want("cart-not-found", "errors", "error")
}
