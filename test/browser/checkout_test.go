package browser

import (
	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// debit pays the open payment page by bank debit and returns the session.
func debit(b *browsertest.Tab) string {
	id := session(b)
	b.Click("#method_delayed")
	fillAddress(b)
	b.Click("#pay")
	b.At("/checkout/success")
	b.Says("#waiting-title", "We are waiting for your bank")
	return id
}

// A debit that the bank refuses is reported at once on the open page, and by mail. The cart can be
// paid in another way.
func refusedDebit(e *env) {
	const email = "refused@mail.example.com"
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	confirmAsGuest(b, email)
	id := debit(b)
	e.shop.StripeDo("/_/sessions/"+id+"/async?outcome=fail", "")
	b.Visible("#refused")
	b.Says("#refused", "Your bank refused the payment")
	b.Axe("success, refused")

	b.Visit("/checkout/success?session_id=" + id)
	b.Visible("#refused")
	b.Gone("#waiting")
	b.Click(`#refused a[href="/cart"]`)
	b.Says("#lines", "Rubber Bands")
	b.Gone("#pending")

	e.shop.Eventually(browsertest.Timeout, "both mails", func() bool { return len(e.shop.Mails(email)) == 2 })
	subjects := map[string]int{}
	for _, m := range e.shop.Mails(email) {
		subjects[m.Subject]++
	}
	if subjects["We are waiting for your bank"] != 1 || subjects["Your bank refused the payment"] != 1 {
		e.Errorf("mails: %v", subjects)
	}

	// Another payment.
	b.Visit("/checkout/confirm")
	b.Click("#agree")
	b.Click("#pay")
	payOnPage(b, goodCard)
	orderShown(b)
}

// While a debit is pending the cart says so, and the checkout asks before it takes a second
// payment.
func paysAgain(e *env) {
	b := e.open(browsertest.Desktop)
	put(b, rubberBands, "1")
	confirmAsGuest(b, "again@mail.example.com")
	debit(b)
	b.Visit("/cart")
	b.Says("#pending", "by bank debit")
	b.Axe("cart, a debit under way")
	b.Visit("/checkout/confirm")
	b.Says("#pending", "by bank debit")
	b.Click("#agree")
	b.Click("#pay")
	b.Says("#pending-dialog", "Your bank is still at it")
	b.Axe("confirm, a debit under way")
	b.Click("#pending-no")
	b.Gone("#pending-dialog")
	b.At("/checkout/confirm")
	b.Click("#pay")
	b.Click("#pending-yes")
	payOnPage(b, goodCard)
	orderShown(b)
}

// A price that changed since the page showed it is shown, old and new, and paid by a second click.
func changedMeanwhile(e *env) {
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	b.Visit("/checkout/confirm")
	b.Enter("#guest-email", "changed@mail.example.com")
	b.Click("#guest-form button")
	b.Says("[data-total=total]", "$24.55")
	b.Click("#agree")
	// Another device of the same shopper would change it like this, unseen by this page.
	e.shop.Exec("order", `UPDATE cart SET shipping_method_id = (SELECT id FROM shipping_method WHERE identifier = 'UPSGround') WHERE `+
		`receipt_email = 'changed@mail.example.com'`)
	b.Click("#pay")
	b.Says("#changed", "The total was $24.55 and is $26.33 now. The shipping was USPS Retail Ground and is UPS Ground now.")
	b.Says("[data-total=total]", "$26.33")
	b.Says("#method", "UPS")
	b.Axe("confirm, changed")
	b.Click("#pay")
	b.At("/c/pay/")
	b.Says("#total", "$26.33")
}

// A cart that was paid in another tab is not paid twice: the page links to the order.
func paidElsewhere(e *env) {
	first := e.open(browsertest.Desktop)
	put(first, rubberBands, "1")
	other := first.Another()
	confirmAsGuest(first, "elsewhere@mail.example.com")
	other.Visit("/checkout/confirm")
	other.Enter("#guest-email", "elsewhere@mail.example.com")
	other.Click("#guest-form button")
	other.Click("#agree")
	payOnPage(first, goodCard)
	order := orderShown(first)
	other.Eval(`document.querySelector('#pay-form').requestSubmit()`)
	other.Says("#paid-already", order)
	other.Gone("#empty")
	other.Axe("confirm, paid in another tab")
	other.Click("#paid-already-order")
	if again := orderShown(other); again != order {
		e.Errorf("the page leads to order %s, want %s", again, order)
	}
}

// An item that was taken off sale stays in the cart, marked as such and counted, and can be
// removed.
func noLongerSold(e *env) {
	e.shop.Exec("order", `INSERT INTO product (id, identifier, title, title_url) VALUES (900, 'OldThing1', 'Old Thing', 'OldThing')`)
	e.shop.Exec("order", `INSERT INTO sku (id, product_id, inventory_id, color) VALUES (900, 900, 1, 'Brown')`)
	e.shop.Exec("order", `INSERT INTO sku_price (sku_id, price_cents) VALUES (900, 1000)`)

	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	reader := e.shop.Browser()
	e.shop.Eventually(browsertest.Timeout, "the new item is in the shop",
		func() bool { return reader.Get("/order/product/OldThing1").At("product_data") != nil })
	put(b, "OldThing1", "1")

	// Taken off sale.
	e.shop.Exec("order", `DELETE FROM sku_price WHERE sku_id = 900`)
	b.Visit("/cart")
	b.Says("#cart-count", "2")
	b.Says("#lines", "No longer sold")
	b.Says("#lines", "Old Thing")
	b.Visible("#blocked")
	b.Gone("#checkout")
	b.Says("[data-total=item_subtotal]", "$14.99")
	b.Axe("cart with a line that is no longer sold")

	b.Visit("/checkout/confirm")
	b.Visible("#blocked")

	b.Visit("/cart")
	b.Click(`[aria-label="Remove Old Thing Brown"]`)
	b.Says("#cart-count", "1")
	b.Visible("#checkout")
	b.Gone("#blocked")
}
