// Package browser walks through the whole shop in headless Chromium: the real services, the payment
// page of the Stripe stand-in, the mails of the inbox.
package browser

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/browsertest"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// env is shared by the journeys: one shop, in which each journey is a shopper of its own.
type env struct {
	*testing.T

	shop *shoptest.Shop
	// frontend is the address of a page of another origin.
	frontend string
}

// journeys share a shop and run side by side.
var journeys = map[string]func(e *env){
	"a guest buys":                       guestBuys,
	"closing the browser after paying":   closesAfterPaying,
	"a declined card, then another":      declinedCardAndRetry,
	"a payment page that expired":        expiredSession,
	"a payment that comes later":         delayedPayment,
	"a debit that the bank refuses":      refusedDebit,
	"paying again while a bank is at it": paysAgain,
	"a cart that changed meanwhile":      changedMeanwhile,
	"paid in another tab":                paidElsewhere,
	"a line that is no longer sold":      noLongerSold,
	"back after paying":                  backAfterPaying,
	"two tabs":                           twoTabs,
	"registering and verifying":          registersAndVerifies,
	"a member buys":                      memberBuys,
	"a login merges carts":               loginMergesCarts,
	"a forgotten password":               resetsPassword,
	"editing the account, unsubscribing": editsAccount,
	"unsubscribing from a receipt":       unsubscribesByMail,
	"the keyboard alone":                 keyboardAlone,
	"chat":                               chats,
	"waiting list":                       waitingList,
	"stock states":                       stockStates,
	"no scripts":                         withoutScripts,
	"a slow network":                     slowNetwork,
	"a frontend of another origin":       otherOrigin,
	"looks, light":                       accessible(browsertest.Phone, "looks_light"),
	"looks, dark":                        accessible(browsertest.DesktopDark, "looks_dark"),
}

// Shoppers with different aims use one shop at the same time.
func TestJourneys(t *testing.T) {
	t.Parallel()
	frontend := serveFrontend(t)
	shop := shoptest.Start(t, shoptest.Options{Env: []string{"LOG_LEVEL=warn", "ALLOWED_ORIGINS=" + frontend}})
	for name, journey := range journeys {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			journey(&env{T: t, shop: shop.For(t), frontend: frontend})
		})
	}
}

// open opens a tab for a new shopper.
func (e *env) open(look browsertest.Look) *browsertest.Tab {
	e.Helper()
	return browsertest.Open(e, e.shop.URL, look)
}
