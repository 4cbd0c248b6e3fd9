package order

import (
	"slices"
	"strings"
	"unicode"

	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// The keys of the configuration. Each is read when it is needed, so a change takes effect at once;
// what money depends on is frozen with a quote.
const (
	settingMembers         = "usernames_allowed_to_checkout"    // comma list of user names; * is all, null none
	settingVisitors        = "an_ct_values_allowed_to_checkout" // the same for the cart ids of visitors
	settingDefaultShipping = "default_shipping_method"
	settingFirstStatus     = "initial_order_status"
	settingMemberMail      = "order_confirmation_em_cd_member"   // code of the mail template
	settingVisitorMail     = "order_confirmation_em_cd_prospect" // the same for visitors
	settingCountries       = "shipping_countries"                // comma list of ISO codes
	settingShopName        = "shop_name"
	settingShopEmail       = "shop_email"
	settingShopPhone       = "shop_phone"
	settingShopAddress     = "shop_address"      // lines
	settingTaxMode         = "tax_mode"          // none, included or stripe
	settingTaxRates        = "tax_rates"         // lines such as US-NY 8.875
	settingReminder        = "checkout_reminder" // on, like the other switches
	settingReminderHours   = "checkout_reminder_hours"
	settingBackInStock     = "shop_back_in_stock" // the feed gives the storefront all keys that begin with shop_
	settingReview          = "review_request"
	settingReviewDays      = "review_request_days"
)

// checkoutSettings are the settings that a quote depends on.
func checkoutSettings() []string { return []string{settingCountries, settingTaxMode, settingTaxRates} }

// countryList reads a list of countries; those that Stripe does not know are left out. It is nil
// for the countries that a page has by default, so that carts older than the setting have the same
// quote.
func countryList(text string) (codes []string) {
	for _, code := range wordsOf(strings.ToUpper(text)) {
		if slices.Contains(stripe.ShipTo, code) {
			codes = append(codes, code)
		}
	}
	if slices.Equal(codes, stripe.Page{}.ShipsTo()) {
		return nil
	}
	return codes
}

// wordsOf are the words of a list that is separated by commas, spaces or lines, each once.
func wordsOf(text string) (words []string) {
	between := func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) }
	for word := range strings.FieldsFuncSeq(text, between) {
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}
