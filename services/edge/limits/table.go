package limits

import (
	"slices"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Rule is one row of the table. A request is counted when it comes, so that many at once cannot
// slip through, and taken back if its answer shows that there was nothing to count.
type Rule struct {
	// Name is the name of the counter.
	Name string
	// By is the subject that has a counter of its own.
	By Subject
	// Limit is how many requests Window allows. Further ones are refused with 429.
	Limit  int64
	Window time.Duration
	// Free, if set, makes the window slide: the first Free requests need no pause, and each later
	// one a pause that is longer than the last by Step.
	Free int64
	Step time.Duration
	// Keep are the outcomes that stay counted; if it is empty, all do.
	Keep []web.Outcome
	// NoMail lets a request beyond the limit pass; its owner answers as always and leaves the mail
	// out.
	NoMail bool
	// Why is for docs/limits.md.
	Why string
}

// pauses reports whether the window slides and pauses grow. Such counters are in the database.
func (r Rule) pauses() bool { return r.Free > 0 }

// stays reports whether an outcome stays counted.
func (r Rule) stays(o web.Outcome) bool { return len(r.Keep) == 0 || slices.Contains(r.Keep, o) }

// Route is a method and a path with its rules, in the order in which they are checked.
type Route struct {
	Route string
	Rules []Rule
}

// OrderLookup is the route of one order.
const OrderLookup = "GET /order/{order_identifier}"

const day = 24 * time.Hour

var (
	wrong   = []web.Outcome{web.OutcomeWrong}
	reveals = []web.Outcome{web.OutcomeReveals}
	done    = []web.Outcome{web.OutcomeDone}
	asked   = []web.Outcome{web.OutcomeAsked}
)

// currentPassword is one counter for all requests that ask for the password of the session's
// member.
var currentPassword = Rule{
	Name:   "password",
	By:     Member,
	Limit:  100,
	Window: day,
	Free:   10,
	Step:   30 * time.Second,
	Keep:   wrong,
	Why:    "a stolen session guesses at the password",
}

// Table holds all limits of the shop. docs/adr/0016 explains the figures for logins. A series of
// tries may fall into two windows, so limits that a person must notice in time are below half of
// what the contract asks.
var Table = []Route{
	{"POST /user/login", []Rule{
		{Name: "login-browser", By: KnownBrowser, Limit: 100, Window: day, Free: 10, Step: 30 * time.Second,
			Keep: wrong,
			Why:  "a browser that has logged in to the account before is not stopped by the guesses of others"},
		{Name: "login-account-client", By: AccountAndClient, Limit: 30, Window: day, Free: 10, Step: 30 * time.Second,
			Keep: wrong,
			Why:  "one address guesses at one account; it stops itself long before it slows down anybody else"},
		{Name: "login-client", By: StrangeClient, Limit: 24, Window: time.Minute, Keep: wrong,
			Why: "one address guesses at many accounts"},
		{Name: "login-account", By: Account, Limit: 200, Window: day, Free: 30, Step: 6 * time.Second, Keep: wrong,
			Why: "many addresses guess at one account; the free ones are as many as one address has, so that one " +
				"alone is no one else's pause"},
	}},
	{"POST /user/create-account", []Rule{
		{Name: "register", By: Client, Limit: 40, Window: time.Hour, Keep: done, Why: "accounts made in bulk"},
		{Name: "register-taken", By: Client, Limit: 40, Window: time.Hour, Keep: reveals,
			Why: "which user names exist"},
		{Name: "register-try", By: Client, Limit: 400, Window: time.Hour, Why: "flooding"},
	}},
	{"POST /user/reset-password", []Rule{
		{Name: "reset-browser", By: KnownBrowser, Limit: 10, Window: time.Hour, NoMail: true,
			Why: "the owner's browser has mails of its own, whatever others ask for"},
		{Name: "reset", By: AccountAndClient, Limit: 10, Window: time.Hour, NoMail: true, Why: "mails to one person"},
		{Name: "reset-client", By: StrangeClient, Limit: 40, Window: time.Hour, NoMail: true, Why: "mails to many"},
	}},
	{"POST /user/set-new-password", []Rule{
		{Name: "set-password", By: Client, Limit: 60, Window: time.Hour,
			Keep: []web.Outcome{web.OutcomeWrong, web.OutcomeReveals},
			Why: "which user names exist; codes cannot be guessed, so no account needs a counter that others could " +
				"fill"},
		{Name: "set-password-try", By: Client, Limit: 400, Window: time.Hour, Why: "flooding"},
	}},
	{"POST /user/forgot-username", []Rule{
		{Name: "forgot", By: AddressAndClient("email_address"), Limit: 25, Window: 10 * time.Minute,
			Why: "mails to one person"},
		{Name: "forgot-client", By: Client, Limit: 40, Window: time.Hour, Why: "mails to many"},
	}},
	{"GET /user/verify-email-address", []Rule{{Name: "verify", By: Member, Limit: 10, Window: 10 * time.Minute,
		Why: "mails"}}},
	{"POST /user/verify-email-address-response",
		[]Rule{{Name: "verify-code", By: Member, Limit: 30, Window: 10 * time.Minute, Why: "guessed codes"}}},
	{"POST /user/change-my-password", []Rule{currentPassword}},
	{"POST /user/update-my-information", []Rule{
		currentPassword,
		{Name: "information", By: Member, Limit: 20, Window: time.Hour, Keep: done,
			Why: "mails to addresses old and new"},
	}},
	{"POST /user/undo-address-change", []Rule{{Name: "undo-client", By: Client, Limit: 100, Window: time.Hour,
		Why: "guessed codes"}}},
	{"POST /user/put-chat-message", []Rule{
		{Name: "chat", By: Client, Limit: 40, Window: time.Hour, Keep: done, Why: "mails to staff"},
		{Name: "chat-try", By: Client, Limit: 300, Window: time.Hour, Why: "flooding"},
	}},
	{"POST /user/pythonabot-notify-me", []Rule{
		{Name: "waiting-list", By: Client, Limit: 40, Window: time.Hour, Keep: done, Why: "addresses entered in bulk"},
		{Name: "waiting-list-known", By: Client, Limit: 40, Window: time.Hour, Keep: reveals,
			Why: "which addresses the shop knows"},
		{Name: "waiting-list-try", By: Client, Limit: 300, Window: time.Hour, Why: "flooding"},
	}},
	{"POST /order/anonymous-email-address-payment-lookup", []Rule{
		{Name: "address", By: Client, Limit: 60, Window: time.Hour, Keep: reveals, Why: "whose address is a member's"},
		{Name: "address-again", By: AddressAndClient("anonymous_email_address"), Limit: 60, Window: time.Hour,
			Why: "one address hammered"},
		{Name: "address-try", By: Client, Limit: 3000, Window: time.Hour,
			Why: "flooding; 500 guests an hour behind one address are far below it"},
	}},
	{"POST /order/back-in-stock", []Rule{
		{Name: "restock", By: AddressAndClient("email_address"), Limit: 25, Window: 10 * time.Minute,
			Why: "one address hammered"},
		{Name: "restock-client", By: Client, Limit: 40, Window: time.Hour, Why: "mails to many"},
	}},
	{"POST /order/cart-add-product-sku", []Rule{
		{Name: "cart", By: NewShopper, Limit: 3000, Window: time.Hour,
			Why: "carts made in bulk; 500 guests an hour behind one address are far below it"},
	}},
	{"POST /order/cart-apply-discount-code",
		[]Rule{{Name: "code", By: Client, Limit: 100, Window: time.Hour, Keep: wrong, Why: "guessed codes"}}},
	{"POST /order/create-checkout-session", []Rule{
		{Name: "checkout", By: Shopper, Limit: 60, Window: time.Minute, Why: "one cart hammered"},
		{Name: "checkout-client", By: Client, Limit: 3000, Window: time.Hour, Keep: asked,
			Why: "payment pages made in bulk from one address"},
	}},
	{"GET /order/checkout-session-success", []Rule{
		{Name: "paid-unknown", By: Client, Limit: 60, Window: time.Hour, Keep: wrong, Why: "made-up payment sessions"},
		{Name: "paid-client", By: Client, Limit: 3000, Window: time.Hour, Keep: asked,
			Why: "look-ups at Stripe made in bulk from one address"},
	}},
	{OrderLookup, []Rule{{Name: "order", By: Visitor, Limit: 60, Window: time.Hour, Keep: wrong,
		Why: "guessed identifiers; members see their own orders only, whatever they guess"}}},
}

// rules finds the rules of a route.
var rules = func() map[string][]Rule {
	m := map[string][]Rule{}
	for _, r := range Table {
		m[r.Route] = r.Rules
	}
	return m
}()

// Limited reports whether a route has limits.
func Limited(route string) bool { return rules[route] != nil }
