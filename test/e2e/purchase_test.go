// Package e2e tries the whole shop from outside, on real parts.
package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// A visitor buys, and payment, order and mail agree.
func TestAVisitorBuys(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	b := shop.Browser()
	session := b.Checkout("6", "5", "pat@mail.example.com")
	shop.Pay(session, nil)
	done := b.Success(session)
	b.Want(done, "success", "checkout_session_success")
	identifier := done.Text("order_identifier")
	order := b.Get("/order/" + identifier)
	b.Want(order, "29.51", "order_data", "order_totals", "order_total")
	mails := shop.WaitMails("pat@mail.example.com", 1, 30*time.Second)
	if !strings.Contains(mails[0].Text, identifier) || !strings.Contains(mails[0].Text, "$29.51") {
		t.Errorf("the mail says\n%s", mails[0].Text)
	}
	b.Want(b.Get("/order/cart-items"), false, "cart_found")
}
