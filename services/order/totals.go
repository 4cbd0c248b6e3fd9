package order

import (
	"slices"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// groundShipping is the only method that a free-shipping code pays for.
const groundShipping = "USPSRetailGround"

// pricedLine is what a line of a cart adds to the total.
type pricedLine struct {
	SKU      int64
	Price    money.Cents
	Quantity int
	Grams    int // grams of one piece
}

// codeTerms are the effects of a discount code.
type codeTerms struct {
	ID           int64
	AppliesTo    string      // item_total, shipping, subscription
	Action       string      // percent-off, dollar-amt-off, …
	Amount       money.Cents // hundredths of a per cent, or cents
	OrderMinimum money.Cents
	Combinable   bool
	// Only are the SKUs of the cart that the code is for; nil if it is for everything.
	Only []int64
	// Counts says that the code is now within its time and its limits of uses.
	Counts bool
}

// active reports whether a code is inside its window at a moment, both ends included.
func active(start, end, now time.Time) bool { return !now.Before(start) && !now.After(end) }

// totals are the amounts of a cart, each rounded once; Total is their sum.
type totals struct {
	ItemSubtotal, ItemDiscount, ShippingSubtotal, ShippingDiscount, Total money.Cents
	// DiscountOn are the SKUs that ItemDiscount was taken off; nil for all of them.
	DiscountOn []int64
	// Applied says for each code whether it had an effect. It is the flag that clients get.
	Applied map[int64]bool
}

// computeTotals is the only function that computes amounts: cart, quote, Stripe's session, order
// and mail all use its result. codes are in the order in which they were applied. Rules (contract,
// section 10): the first code for items that is not combinable decides the discount, even if its
// minimum is not met; any code for shipping whose minimum is met takes the price of USPS Retail
// Ground off, once; a code that no longer counts is ignored. A code for some SKUs only works like
// any other, on the lines that it is for: its minimum applies to the whole order, and an order
// without such a line does not meet it. shipping is nil if none is chosen.
func computeTotals(lines []pricedLine, codes []codeTerms, shipping *shippingMethod) totals {
	t := totals{Applied: make(map[int64]bool, len(codes))}
	for _, l := range lines {
		t.ItemSubtotal += l.Price.Times(l.Quantity)
	}
	if shipping != nil {
		t.ShippingSubtotal = shipping.price(lines)
	}

	var itemDecided, shippingFree, exclusiveSeen bool
	for _, c := range codes {
		if !c.Counts {
			continue
		}
		off := c.subtotal(lines)
		met := t.ItemSubtotal >= c.OrderMinimum && (c.Only == nil || off > 0)
		switch c.AppliesTo {
		case "item_total":
			if c.Combinable || itemDecided {
				break
			}
			itemDecided = true
			if met {
				t.ItemDiscount, t.DiscountOn = itemDiscount(c, off), c.Only
				t.Applied[c.ID] = true
			}
		case "shipping":
			if met && !shippingFree && shipping != nil && shipping.Identifier == groundShipping {
				shippingFree = true
				t.ShippingDiscount = t.ShippingSubtotal
				t.Applied[c.ID] = true
			}
		default: // subscriptions change no amount
			t.Applied[c.ID] = met && (c.Combinable || !exclusiveSeen)
		}
		exclusiveSeen = exclusiveSeen || !c.Combinable
	}
	t.Total = t.ItemSubtotal - t.ItemDiscount + t.ShippingSubtotal - t.ShippingDiscount
	return t
}

// subtotal is the price of the lines that a code is for.
func (c codeTerms) subtotal(lines []pricedLine) (sum money.Cents) {
	for _, l := range lines {
		if c.Only == nil || slices.Contains(c.Only, l.SKU) {
			sum += l.Price.Times(l.Quantity)
		}
	}
	return sum
}

// itemDiscount never takes off more than the subtotal.
func itemDiscount(c codeTerms, subtotal money.Cents) money.Cents {
	switch c.Action {
	case "percent-off":
		return min(subtotal.Percent(c.Amount), subtotal)
	case "dollar-amt-off":
		return min(c.Amount, subtotal)
	}
	return 0
}
