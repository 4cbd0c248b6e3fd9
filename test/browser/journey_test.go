package browser

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
)

// authenticator is an app that shows codes (RFC 6238, steps of 30 seconds).
type authenticator struct {
	secret string
	last   int64 // step of the last code: no code is accepted twice
}

// code returns a code that was not used before. The back office also accepts the codes of the step
// before and after. The one before is used only while its step has some time left, in which a
// loaded machine manages to send it.
func (a *authenticator) code(t *testing.T) string {
	t.Helper()
	a.last = max((time.Now().Unix()-12)/30, a.last+1)
	code, err := totp.GenerateCode(a.secret, time.Unix(a.last*30, 0))
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// enrols opens the first link, and sets up a password and an authenticator app.
func (o *office) enrols() {
	o.Helper()
	o.tab.Go(o.shop.AdminLink)
	o.tab.Click("main button")
	o.tab.At("/account")
	o.tab.Fill("#password-new", officePassword)
	o.tab.Click("#password button")
	o.tab.Says(".notice", "Password changed")
	o.tab.Go(o.shop.Admin + "/account/app")
	o.app.secret = o.tab.Text(".secret")
	o.tab.Fill("#form-code", o.app.code(o.T))
	o.tab.Click("#form button")
	o.tab.Says("h1", "Recovery codes")
	o.tab.Click(".me button")
	o.tab.At("/sign-in")
}

// signsIn signs in with both factors.
func (o *office) signsIn() {
	o.Helper()
	o.tab.Go(o.shop.Admin + "/sign-in")
	o.tab.Fill("#form-username", "owner", "#form-password", officePassword)
	o.tab.Click("#form button")
	o.tab.Says("h1", "Second factor")
	o.tab.Fill("#form-code", o.app.code(o.T))
	o.tab.Click("#form button")
	o.tab.Says("h1", "Home")
}

// servesAPurchase follows an order through the back office: it appears while the list is open, its
// page has the panels of all services, it is sent, a piece is refunded, the customer is mailed
// about both, and the trail shows it all.
func (o *office) servesAPurchase() {
	o.Helper()
	const buyer = "pat@mail.example.com"

	// The order appears in the open list.
	o.tab.Go(o.shop.Admin + "/orders")
	o.tab.Visible("tbody tr")
	o.tab.Eval("window.same = true")
	guest := o.shop.For(o.T).Browser()
	o.shop.Pay(guest.Checkout("6", "5", buyer), nil)
	o.tab.Until("the order is there", `[...document.querySelectorAll('tbody tr')][0].textContent.includes('`+buyer+`')`)
	o.tab.Until("the page is the same", "window.same")
	o.tab.Until("the navigation counts it", `document.querySelector('[data-count="/orders"] .count')`)

	o.shop.WaitMails(buyer, 1, 20*time.Second)
	identifier := o.tab.Text("tbody tr td a")

	// Its page has the panels of all services.
	o.tab.Press("j")
	o.tab.Press("\r")
	o.tab.At("/orders/" + identifier)
	o.tab.Until("each service has shown its part", `document.querySelectorAll('.panel, .part').length === 4 &&
		![...document.querySelectorAll('[hx-get]')].some((part) => part.querySelector('a[href="' + part.getAttribute('hx-get') + '"]'))`)
	for _, part := range []string{"Order confirmation", "prospect", "checkout.session.completed"} {
		o.tab.Until("a part says "+part, `[...document.querySelectorAll('.panel, .part')].some((p) => p.textContent.includes('`+part+`'))`)
	}

	// It is sent.
	o.tab.Press("s")
	o.tab.At("/orders/" + identifier + "/ship")
	o.tab.Fill("#form-tracking", "1Z9")
	o.tab.Click("#form button")
	o.tab.Says(".notice", "The customer is told")
	o.hears(buyer, 2, "1Z9")
	o.shows("/orders/"+identifier, "order-parts")

	// A piece is refunded.
	o.tab.Press("r")
	o.tab.At("/orders/" + identifier + "/refund")
	o.tab.Fill("#form-line-0", "1")
	o.tab.Click("#form button.primary")
	o.tab.Says(".notice", "The refund is on its way to Stripe")
	o.hears(buyer, 3, "3.99")

	// The trail shows it all.
	o.tab.Go(o.shop.Admin + "/trail?key=" + identifier)
	for _, hop := range []string{"The shopper went to pay", "Stripe told of checkout.session.completed", "The payment became order",
		"Sent parcel", "Refunded 3.99", "Mail sent: Order on its way", "Mail sent: Refund"} {
		o.tab.Says(".timeline", hop)
	}
	if trail := o.tab.Text(".timeline"); strings.Contains(trail, "An order without a mail") || strings.Contains(trail, "no order") {
		o.Errorf("the trail has a gap:\n%s", trail)
	}
}

// hears waits for the nth mail to a buyer, and wants a text in it.
func (o *office) hears(buyer string, n int, text string) {
	o.Helper()
	mails := o.shop.WaitMails(buyer, n, 20*time.Second) // newest first
	if len(mails) != n || !strings.Contains(mails[0].Text, text) {
		o.Errorf("want mail %d to say %s: %+v", n, text, mails)
	}
}

// anEvent is the path of an event from Stripe.
func (o *office) anEvent() (path string) {
	o.Helper()
	if err := o.shop.Database("webhook").QueryRow(o.Context(),
		`SELECT '/stripe/events/' || id FROM event ORDER BY received, id LIMIT 1`).Scan(&path); err != nil {
		o.Fatal(err)
	}
	return path
}
