package order

import (
	"strings"
	"testing"
)

// Staff write infinity for a code that never ends. The cart and the quote read it as that.
func TestCodesWithoutAnEnd(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE discount_code SET start_date_time = '-infinity', end_date_time = 'infinity' WHERE code = 'WELCOME10'`)
	p := e.visitor()
	p.add("6", "1")
	a := p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	a.Want("success", "cart_apply_discount_code")
	p.Get("/order/cart-discount-codes").Want(true, "discount_code_data", "1", "discount_applied")
	c := p.quoted("pat@mail.example.com")
	e.mustHandle(event("evt_1", completed, c, nil))
	if n := e.Number(`SELECT count(*) FROM orders WHERE item_discount > 0`); n != 1 {
		t.Errorf("%d orders with the code, want 1", n)
	}
}

// A row with a timestamp that cannot be read would stop the sweep for all others, so the schema
// permits none.
func TestInfiniteTimesAreRefused(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.buy("pat@mail.example.com")
	for _, statement := range []string{
		`UPDATE checkout SET agreed_at = '-infinity'`, `UPDATE checkout SET expires_at = 'infinity'`,
		`UPDATE checkout SET asked_at = 'infinity'`,
		`UPDATE sweep SET listed_to = 'infinity'`, `UPDATE sweep SET finished_at = '-infinity'`,
	} {
		if _, err := e.Conn.Exec(t.Context(), statement); err == nil || !strings.Contains(err.Error(), "_finite") {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
