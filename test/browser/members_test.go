package browser

import (
	"regexp"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
)

const password = "Secret!pass"

var (
	verifyLink = regexp.MustCompile(`http://\S+/account\S*email_verification_code=\S+`)
	resetLink  = regexp.MustCompile(`http://\S+/set-new-password\S*password_reset_code=\S+`)
	stopLink   = regexp.MustCompile(`http://\S+/account/email-unsubscribe\?\S+`)
)

// register makes a new member in an open tab.
func register(b *browsertest.Tab, username string) {
	b.Visit("/create-account")
	agreeToBanner(b)
	b.Fill("#firstname", "Ann", "#lastname", "Lee", "#email", username+"@mail.example.com", "#username", username,
		"#password", password, "#confirm-password", password)
	b.Click("#form button[type=submit]")
	b.At("/account")
	b.Ready()
	b.Says("#account-initials", "AL")
}

// logIn fills the login page that is open.
func logIn(b *browsertest.Tab, username, password string) {
	b.Fill("#username", username, "#password", password)
	b.Click("#form button[type=submit]")
}

// A new member sees mistakes, registers, and confirms the address by the mailed link.
func registersAndVerifies(e *env) {
	const email = "verify_ann@mail.example.com"
	b := e.open(browsertest.Phone)
	b.Visit("/create-account")
	agreeToBanner(b)
	b.Click("#form button[type=submit]")
	b.Visible("#username-error")
	b.Axe("create an account, refused")
	register(b, "verify_ann")
	b.Says("#email-state", "not confirmed")
	link := e.mailed(email, verifyLink)
	b.Visit(link)
	b.Says("#message", "your e-mail address is confirmed")
	b.Says("#email-state", "confirmed")
	b.Gone("#verify")
	b.Axe("account, verified")

	stranger := e.open(browsertest.Desktop)
	stranger.Go(link)
	stranger.Says("#message", "Please log in first")
	stranger.Ready()
	logIn(stranger, "verify_ann", password)
	stranger.Says("#message", "used already")
}

// A member buys. The order is in the account, and the mail's link asks strangers to log in.
func memberBuys(e *env) {
	const email = "buyer_ann@mail.example.com"
	b := e.open(browsertest.Desktop)
	register(b, "buyer_ann")
	put(b, rubberBands, "1")
	b.Visit("/cart")
	b.Enter("[aria-label^=Quantity]", "x")
	b.Click("#checkout")
	b.Until("what is wrong has the focus", `document.activeElement.matches('[aria-label^=Quantity][aria-invalid]')`)
	b.Enter("[aria-label^=Quantity]", "3")
	b.Click("#checkout") // immediately, and still the checkout has all three
	b.At("/checkout/confirm")
	b.Ready()
	b.Says("[data-total=item_subtotal]", "$44.97")
	b.Says("#receipt-address", email)
	b.Gone("#newsletter-row")
	b.Click("#agree")
	b.Click("#pay")
	b.At("/c/pay/")
	b.Says("#email", email)
	payOnPage(b, goodCard)
	order := orderShown(b)
	b.Gone("#tracking")
	e.shop.Exec("order", "UPDATE orders SET tracking_number = '94001' WHERE identifier = $1", order) // as the staff's command does
	b.Visit("/account")
	b.Says("#orders", order)
	b.Click("#orders a")
	orderShown(b)
	b.Until("the parcel can be followed", `document.querySelector('#tracking a').href.endsWith('&tLabels=94001')`)

	mail := e.mailed(email, orderLink)
	stranger := e.open(browsertest.Phone)
	stranger.Visit(mail)
	stranger.Says("#refused-title", "Please log in")
	agreeToBanner(stranger)
	stranger.Click("#refused-action")
	stranger.Ready()
	logIn(stranger, "buyer_ann", password)
	if shown := orderShown(stranger); shown != order {
		e.Errorf("the mail's link shows order %s, want %s", shown, order)
	}
}

// The carts of a visitor and of the member whom they log in as become one.
func loginMergesCarts(e *env) {
	home := e.open(browsertest.Desktop)
	register(home, "merge_ann")
	put(home, rubberBands, "1")

	away := e.open(browsertest.Phone)
	put(away, paperClips, "3")
	away.Visit("/checkout/confirm")
	away.Click("#way-login")
	away.Ready()
	logIn(away, "merge_ann", "Wrong!pass")
	away.Says("[data-form-error]", "do not match")
	logIn(away, "merge_ann", password)
	away.At("/checkout/confirm")
	away.Ready()
	away.Says("#lines", "Rubber Bands")
	away.Says("#lines", "Paper Clips")
	away.Says("#cart-count", "2")
	away.Says("#receipt-address", "merge_ann@mail.example.com")

	home.Visit("/cart")
	home.Says("#lines", "Paper Clips")
}

// A forgotten password is replaced once by the mailed link. Open sessions end: the next click in
// one leads to the login, and back to the page where the member was.
func resetsPassword(e *env) {
	const email, fresh = "reset_ann@mail.example.com", "Another!pass"
	member := e.open(browsertest.Desktop)
	register(member, "reset_ann")
	member.Visit("/account/edit-my-information")
	member.Until("the form is filled", `document.querySelector('#lastname').value === 'Lee'`)

	b := e.open(browsertest.Phone)
	b.Visit("/reset-password")
	agreeToBanner(b)
	b.Fill("#username", "reset_ann", "#email", email)
	b.Click("#form button[type=submit]")
	b.Visible("#done")
	link := e.mailed(email, resetLink)
	b.Visit(link)
	b.Fill("#username", "reset_ann", "#new-password", "short", "#confirm-new-password", "short")
	b.Click("#form button[type=submit]")
	b.Visible("#new-password-error")
	b.Fill("#new-password", fresh, "#confirm-new-password", fresh)
	b.Click("#form button[type=submit]")
	b.Visible("#done")
	b.Visit("/login")
	logIn(b, "reset_ann", password)
	b.Says("[data-form-error]", "do not match")
	logIn(b, "reset_ann", fresh)
	b.At("/account")
	b.Says("#account-initials", "AL")

	member.Enter("#firstname", "Amy")
	member.Click("#form button[type=submit]")
	member.At("/login?")
	member.Says("#message", "Please log in first")
	member.Ready()
	logIn(member, "reset_ann", fresh)
	member.At("/account/edit-my-information")
	member.Until("Nothing was changed", `document.querySelector('#firstname').value === 'Ann'`)
	member.Visit(link)
	member.Fill("#username", "reset_ann", "#new-password", "Third!pass", "#confirm-new-password", "Third!pass")
	member.Click("#form button[type=submit]")
	member.Says("[data-form-error]", "used already")
}

// A member changes name, address, password and mail preferences, and unsubscribes by the link of a
// newsletter.
func editsAccount(e *env) {
	b := e.open(browsertest.Phone)
	register(b, "edit_ann")
	b.Visit("/account/edit-my-information")
	b.Fill("#firstname", "Zoe", "#email", "edit_zoe@mail.example.com", "#current-password", password) // a new address requires it
	b.Click("#form button[type=submit]")
	b.Says("#message", "mailed a link")
	b.Says("#account-initials", "ZL")
	b.Says("[data-fact=name]", "Zoe Lee")
	e.mailed("edit_zoe@mail.example.com", verifyLink)

	b.Visit("/account/change-password")
	b.Fill("#current-password", password, "#new-password", "Fourth!pass", "#confirm-new-password", "Fourth!pass")
	b.Click("#form button[type=submit]")
	b.Says("#message", "password is changed")

	b.Visit("/account/edit-communication-preferences")
	b.Click("#newsletter")
	b.Click("#form button[type=submit]")
	b.Says("#message", "choice is saved")
	b.Says("[data-fact=preferences]", "You receive our news")

	// The link of a newsletter, as its template builds it.
	var token, code string
	row := e.shop.Database("user").QueryRow(e.Context(), "SELECT unsubscribe_token, mb_cd FROM account WHERE username = 'edit_ann'")
	if err := row.Scan(&token, &code); err != nil {
		e.Fatal(err)
	}
	reader := e.open(browsertest.Desktop)
	link := "/account/email-unsubscribe?em_cd=" + strings.Repeat("N", 20) + "&mb_cd=" + code + "&token=" + token
	reader.Visit(link)
	reader.Says("#address", "edit****@mail.example.com")
	reader.Click("#confirm-form button")
	reader.Visible("#why-form")
	reader.Click("#spam")
	reader.Click("#why-form button")
	reader.Visible("#thanks")
	reader.Visit(link)
	reader.Says("#refused-text", "used already")
	b.Visit("/account")
	b.Says("[data-fact=preferences]", "nothing but receipts")

	b.Click("#logout")
	b.Says("#message", "logged out")
}

// A guest who once subscribed to news unsubscribes by the link in the next receipt and gives a
// reason. The records show who came by which mail, without the token.
func unsubscribesByMail(e *env) {
	const email = "unsub@mail.example.com"
	b := e.open(browsertest.PhoneDark)
	put(b, rubberBands, "1")
	confirmAsGuest(b, email, "#newsletter")
	e.shop.Pay(session(b), nil)
	e.shop.Eventually(browsertest.Timeout, "the mailer knows the reader", func() bool {
		return e.shop.Count("mailer", "SELECT count(*) FROM recipient WHERE email = $1 AND NOT unsubscribed", email) == 1
	})
	e.shop.Pay(e.shop.Browser().Checkout("7", "1", email), nil)
	link := e.mailed(email, stopLink)

	b.Visit(link)
	b.Says("#address", "unsu*@mail.example.com")
	b.Axe("unsubscribe")
	b.Click("#confirm-form button")
	b.Visible("#why-form")
	b.Enter("#other", "Too many clips")
	b.Click("#why-form button")
	b.Visible("#thanks")
	if n := e.shop.Count("user", "SELECT count(*) FROM prospect WHERE email = $1 AND unsubscribed", email); n != 1 {
		e.Errorf("%d readers are unsubscribed, want 1", n)
	}
	e.shop.Eventually(browsertest.Timeout, "the visit by the link is recorded", func() bool {
		return e.shop.Count("events", `SELECT count(*) FROM arrival WHERE prospect_id IS NOT NULL AND email_id IS NOT NULL
			AND url LIKE '%/account/email-unsubscribe?%pr_token=-'`) == 1
	})
	b.Visit(link)
	b.Says("#refused-text", "used already")
}
