package browser

import (
	"github.com/chromedp/cdproto/network"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

const (
	rubberBands = "v26ujdy3N1"
	binderClips = "ITHJW3mytn"
	paperClips  = "bSusp6dBHm"

	goodCard     = "4242 4242 4242 4242"
	declinedCard = "4000 0000 0000 0002"
)

// session is the payment session whose page is open.
func session(b *browsertest.Tab) string {
	b.At("/c/pay/")
	return b.Read(`location.pathname.split('/').pop()`)
}

// If the browser never comes back from the payment, the order is made and mailed all the same.
func closesAfterPaying(e *env) {
	const email = "closes@mail.example.com"
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	confirmAsGuest(b, email)
	// From here on the browser cannot reach the shop when the payment page sends it back.
	b.Expect("ERR_BLOCKED_BY_CLIENT", "ERR_BLOCKED_BY_RESPONSE")
	away := network.SetBlockedURLsParams{URLPatterns: []*network.BlockPattern{{URLPattern: e.shop.URL + "/checkout/success?*",
		Block: true}}}
	browsertest.Call(b, network.SetBlockedURLs, away)
	payOnPage(b, goodCard)
	b.Until("the payment page is left", `!location.href.includes('/c/pay/')`)
	b.Close()

	other := e.open(browsertest.Desktop)
	other.Visit(e.mailed(email, orderLink))
	orderShown(other)
	other.Says("#lines", "Rubber Bands")
	if n := len(e.shop.Mails(email)); n != 1 {
		e.Errorf("%d mails, want 1", n)
	}
}

// A declined card keeps the shopper on the payment page with the form as filled in, and another
// card pays.
func declinedCardAndRetry(e *env) {
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	confirmAsGuest(b, "declined@mail.example.com")
	b.Expect("402") // the answer to a declined card
	payOnPage(b, declinedCard)
	b.Says("#problem", "declined")
	if line := b.Read(`document.querySelector('#shipping_line1').value`); line != "1 Clip Lane" {
		e.Errorf("the address was lost: %q", line)
	}
	payWith(b, goodCard)
	orderShown(b)
}

// A payment page that stays open for too long expires. The cart is still there and can be paid.
func expiredSession(e *env) {
	b := e.open(browsertest.Desktop)
	put(b, rubberBands, "2")
	confirmAsGuest(b, "expired@mail.example.com")
	old := session(b)
	e.shop.StripeDo("/_/sessions/"+old+"/expire", "")
	payOnPage(b, goodCard)
	b.Says("#state", "expired")
	b.Click("#cancel")
	b.Ready()
	b.Says("#lines", "Rubber Bands")
	b.Says("#receipt-address", "expired@mail.example.com")
	b.Click("#agree")
	b.Click("#pay")
	if fresh := session(b); fresh == old {
		e.Error("the expired session is offered again")
	}
	payOnPage(b, goodCard)
	orderShown(b)
}

// A bank debit is paid days later. The success page says that the payment is pending, and shows the
// order as soon as the money has come.
func delayedPayment(e *env) {
	b := e.open(browsertest.Phone)
	put(b, rubberBands, "1")
	confirmAsGuest(b, "debit@mail.example.com")
	id := session(b)
	b.Click("#method_delayed")
	fillAddress(b)
	b.Click("#pay")
	b.At("/checkout/success")
	b.Says("#waiting-text", "Payment pending")
	b.Axe("success, pending")
	b.Until("nothing moves for those who asked for that",
		`getComputedStyle(document.querySelector('.progress span')).animationIterationCount === '1'`)
	e.shop.StripeDo("/_/sessions/"+id+"/async?outcome=succeed", "")
	orderShown(b)
	e.mailed("debit@mail.example.com", orderLink)
}

// Going back after paying does not pay again, nor does it show a cart that was bought.
func backAfterPaying(e *env) {
	const email = "back@mail.example.com"
	b := e.open(browsertest.Desktop)
	put(b, rubberBands, "1")
	confirmAsGuest(b, email)
	payOnPage(b, goodCard)
	order := orderShown(b)
	b.Eval(`history.back()`)
	b.Says("#state", "paid already")
	b.Click("#continue")
	if again := orderShown(b); again != order {
		e.Errorf("the payment page leads to order %s, want %s", again, order)
	}
	b.Visit("/checkout/confirm")
	b.Visible("#empty")
	e.mailed(email, orderLink)
	if n := len(e.shop.Mails(email)); n != 1 {
		e.Errorf("%d mails, want 1", n)
	}
}

// Changes to the cart in one tab show in the other, up to the payment.
func twoTabs(e *env) {
	cart := e.open(browsertest.Desktop)
	cart.Visit("/cart")
	cart.Visible("#empty")
	shelf := cart.Another()
	put(shelf, rubberBands, "1")
	cart.Says("#lines", "Rubber Bands")
	cart.Says("#cart-count", "1")
	cart.Click(`[aria-label^="One more"]`)
	cart.Says("[data-total=item_subtotal]", "$29.98")
	confirmAsGuest(shelf, "tabs@mail.example.com")
	shelf.Says("#total", cart.Read(`document.querySelector('[data-total=total]').textContent`))
	payOnPage(shelf, goodCard)
	orderShown(shelf)
	cart.Visible("#empty")
}
