package order

// The reasons for which a payment is on the list for staff: docs/runbooks/payments-for-staff.md.
const (
	noQuote         = "no-quote"         // the shop has no quote for it
	unreadable      = "unreadable"       // Stripe describes it in a way that the shop cannot read
	amountDiffers   = "amount-differs"   // from the quote's
	currencyDiffers = "currency-differs" // from the quote's
	paidTwice       = "paid-twice"       // another payment for the same made an order
	paidAfterEnd    = "paid-after-end"   // its checkout had expired, been closed or failed
	// the order could not be stored; the sweep tries again as long as the entry is open
	orderRefused   = "order-refused"
	payerDiffers   = "payer-differs"       // a note about a payment that is an order
	otherAccount   = "other-account"       // the event names another account than ours
	unknownVersion = "unknown-api-version" // the event has an unknown form
	refundLost     = "refund-failed"       // a refund failed or was canceled; the entry is about the refund
	disputed       = "dispute"             // the bank waits for evidence; the entry is about the dispute
	disputeLost    = "dispute-lost"        // the bank has decided for the buyer
)

// finalReasons are the reasons of entries whose payments can no longer become orders once staff
// have resolved them: the payment was refunded, or served by hand. With the other reasons the event
// was wrong, and a correct one may still come.
var finalReasons = []string{orderRefused, paidAfterEnd, unreadable}

// paidReasons are the reasons of entries that are payments, and not notes about one.
var paidReasons = []string{noQuote, unreadable, amountDiffers, currencyDiffers, paidTwice, paidAfterEnd, orderRefused}
