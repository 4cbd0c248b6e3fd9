package browser

import (
	"regexp"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

// payOnPage fills the payment page with an address and a card, and pays.
func payOnPage(b *browsertest.Tab, card string) {
	fillAddress(b)
	payWith(b, card)
}

func fillAddress(b *browsertest.Tab) {
	b.Visible("#pay")
	b.Fill("#phone", "+1 512 555 0100", "#shipping_name", "Pat Doe", "#shipping_line1", "1 Clip Lane", "#shipping_city", "Austin",
		"#shipping_state", "TX", "#shipping_postal_code", "78701")
	b.Eval(`if (!document.querySelector('#billing_same').checked) document.querySelector('#billing_same').click()`)
}

func payWith(b *browsertest.Tab, card string) {
	b.Fill("#card_number", card, "#card_expiry", "12/40", "#card_cvc", "123")
	b.Click("#pay")
}

// put puts pieces of a product's first SKU into the cart.
func put(b *browsertest.Tab, product, quantity string) {
	b.Visit("/product/" + product)
	agreeToBanner(b)
	b.Enter("#quantity", quantity)
	b.Click("#add")
	b.Visible("#added")
}

// agreeToBanner closes the banner that may cover a phone's lower edge.
func agreeToBanner(b *browsertest.Tab) {
	b.Until("it is known who is there", `!document.querySelector('#terms-banner').hidden || `+
		`document.cookie.includes('termsofserviceagreed') || document.querySelector('#account-link').pathname === '/account'`)
	b.Eval(`if (!document.querySelector('#terms-banner').hidden) document.querySelector('#terms-banner-agree').click()`)
}

// confirmAsGuest goes from the cart to the payment page, and ticks further boxes.
func confirmAsGuest(b *browsertest.Tab, email string, ticks ...string) {
	b.Visit("/checkout/confirm")
	b.Enter("#guest-email", email)
	b.Click("#guest-form button")
	b.Says("#receipt-address", email)
	for _, box := range append(ticks, "#agree") {
		b.Click(box)
	}
	b.Click("#pay")
	b.At("/c/pay/")
}

// orderShown waits for the order's page after a payment and returns the order's identifier.
func orderShown(b *browsertest.Tab) string {
	b.Until("the order is shown", `location.pathname === '/account/order' && document.querySelector('#order')?.checkVisibility()`)
	return b.Read(`document.querySelector('#number').textContent`)
}

var orderLink = regexp.MustCompile(`http://\S+/account/order\?\S+`)

// mailed waits for a mail with a link of a kind, and returns the link.
func (e *env) mailed(to string, link *regexp.Regexp) string {
	e.Helper()
	var found string
	e.shop.Eventually(browsertest.Timeout, "a mail for "+to+" with "+link.String(), func() bool {
		for _, m := range e.shop.Mails(to) {
			if found = link.FindString(m.Text); found != "" {
				return true
			}
		}
		return false
	})
	return found
}

// A shopper on a phone buys, with every choice there is on the way, and opens the order from the
// mail.
func guestBuys(e *env) {
	const email = "guest@mail.example.com"
	b := e.open(browsertest.Phone)
	b.Visit("/")
	agreeToBanner(b)
	b.Visit("/products")
	b.Click(`main a[href*="ITHJW3mytn"]`)
	b.Ready()
	b.Click(`.option:has(input[value="6"])`)
	b.Says("#price", "$3.99")
	b.Click(`[data-step="1"]`)
	b.Click("#add")
	b.Says("#added-text", "2 × Binder Clips")
	b.Says("#cart-count", "1")
	b.Click(`#added a[href="/cart"]`)
	b.Ready()
	b.Says("[data-total=item_subtotal]", "$7.98")
	b.Click(`[aria-label^="One more"]`)
	b.Says("[data-total=item_subtotal]", "$11.97")
	b.Click(".choice:has(input[value=FedExGround])")
	b.Says("[data-total=shipping_subtotal]", "$10.85")
	before := b.Read(`document.querySelector('[data-total=total]').textContent`)
	b.Enter("#code", "nothing")
	b.Click("#code-form button[type=submit]")
	b.Visible("#code-error")
	e.shop.Exec("order", `INSERT INTO discount_code (
		  code, description, start_date_time, end_date_time, type_id, amount, order_minimum_cents)
		VALUES ('BIGCART', '{}% off large orders', now(), now() + interval '1 day', 1, 5, 5000)`)
	b.Enter("#code", "BIGCART")
	b.Click("#code-form button[type=submit]")
	b.Says("#codes", "not applied")
	b.Says("#codes", "5% off large orders Applies from $50.00 worth of items")
	b.Says("[data-total=total]", before)
	b.Axe("cart with a code that does not apply")
	b.Click("#codes button")
	b.Until("the code is gone", `document.querySelector('#codes').children.length === 0`)
	b.Enter("#code", "WELCOME10")
	b.Click("#code-form button[type=submit]")
	b.Says("#codes .tag", "applied")
	b.Visible("[data-total=item_discount]")
	b.Click("#codes button")
	b.Until("the code is gone", `document.querySelector('#codes').children.length === 0`)
	b.Says("[data-total=total]", before)
	b.Click("#checkout")
	b.Ready()
	b.Enter("#guest-email", email)
	b.Click("#guest-form button")
	b.Says("#receipt-address", email)
	b.Click("#pay")
	b.Visible("#agree-error")
	b.Click("#agree")
	b.Click("#newsletter")
	b.Click("#pay")
	b.At("/c/pay/")
	b.Says("#email", email)
	b.Says("#total", before)
	payOnPage(b, goodCard)
	order := orderShown(b)
	b.Visible("#thanks")
	b.Says("[data-total=total]", before)
	b.Says("#shipping-address", "1 Clip Lane")
	b.Visit("/cart")
	b.Visible("#empty")

	e.mailed(email, orderLink)
	other := e.open(browsertest.Desktop)
	other.Go(e.shop.Inbox + "/?q=" + email)
	other.Click(".mails a")
	other.Says("h1", order)
	other.Until("the mail is shown as HTML", `document.querySelector('iframe')?.src`)
	other.Click(`.tabs a[href$="text"]`)
	other.Says("pre", "Binder Clips")
	other.Click(`pre a[href*="/account/order"]`)
	if shown := orderShown(other); shown != order {
		e.Errorf("the mail's link shows order %s, want %s", shown, order)
	}
	if n := len(e.shop.Mails(email)); n != 1 {
		e.Errorf("%d mails, want 1", n)
	}
	e.shop.Eventually(browsertest.Timeout, "the consent to the newsletter is kept", func() bool {
		return e.shop.Count("user", `SELECT count(*) FROM consent JOIN prospect p ON p.id = prospect_id
			WHERE p.email = $1 AND what = 'newsletter' AND given AND NOT p.unsubscribed`, email) == 1
	})
}
