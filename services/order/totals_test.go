package order

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// reference computes the contract's section 10 again, in rational arithmetic: the sums, the
// discount by the rule of the first not-combinable item code, rounded half up to cents and kept
// between nothing and the subtotal, and the free shipping.
func reference(lines []pricedLine, codes []codeTerms, shipping *shippingMethod) (sub, discount, ship, shipOff, total *big.Rat) {
	hundred := big.NewRat(100, 1)
	amount := func(c money.Cents) *big.Rat { return new(big.Rat).Quo(new(big.Rat).SetInt64(int64(c)), hundred) }
	sub, discount, ship, shipOff = new(big.Rat), new(big.Rat), new(big.Rat), new(big.Rat)
	for _, l := range lines {
		sub.Add(sub, new(big.Rat).Mul(amount(l.Price), new(big.Rat).SetInt64(int64(l.Quantity))))
	}

	if shipping != nil {
		ship = amount(shipping.Cost)
	}
	var live []codeTerms
	for _, c := range codes {
		if c.Counts {
			live = append(live, c)
		}
	}

	for _, c := range live {
		if c.AppliesTo != "item_total" || c.Combinable {
			continue
		}
		of := eligible(lines, c)
		if sub.Cmp(amount(c.OrderMinimum)) >= 0 {
			switch c.Action {
			case "percent-off":
				discount = new(big.Rat).Quo(new(big.Rat).Mul(of, amount(c.Amount)), hundred)
			case "dollar-amt-off":
				discount = amount(c.Amount)
			}
		}
		if discount = halfUp(discount); discount.Cmp(of) > 0 {
			discount = of
		}
		break
	}

	for _, c := range live {
		if c.AppliesTo == "shipping" && shipping != nil && shipping.Identifier == groundShipping && sub.Cmp(amount(c.OrderMinimum)) >= 0 &&
			(c.Only == nil || eligible(lines, c).Sign() > 0) {
			shipOff = ship
		}
	}
	total = new(big.Rat).Sub(sub, discount)
	total.Add(total, ship).Sub(total, shipOff)
	return sub, discount, ship, shipOff, total
}

// eligible is the price of the lines that a code is for, in dollars.
func eligible(lines []pricedLine, c codeTerms) *big.Rat {
	sum := new(big.Int)
	for _, l := range lines {
		if c.Only == nil || slices.Contains(c.Only, l.SKU) {
			sum.Add(sum, new(big.Int).Mul(big.NewInt(int64(l.Price)), big.NewInt(int64(l.Quantity))))
		}
	}
	return new(big.Rat).SetFrac(sum, big.NewInt(100))
}

// halfUp rounds to cents: floor(x * 100 + 1/2) / 100.
func halfUp(x *big.Rat) *big.Rat {
	n := new(big.Rat).Add(new(big.Rat).Mul(x, big.NewRat(100, 1)), big.NewRat(1, 2))
	floor := new(big.Int).Div(n.Num(), n.Denom())
	return new(big.Rat).SetFrac(floor, big.NewInt(100))
}

// Totals of random carts equal the contract's rules computed with fractions.
func TestTotalsAgreeWithRationalArithmetic(t *testing.T) {
	t.Parallel()
	const carts = 100_000
	r := rand.New(rand.NewPCG(20190420, 7))
	for n := range carts {
		lines, codes, shipping := randomCart(r)
		got := computeTotals(lines, codes, shipping)
		sub, discount, ship, shipOff, total := reference(lines, codes, shipping)
		for _, c := range []struct {
			what string
			got  money.Cents
			want *big.Rat
		}{{"subtotal", got.ItemSubtotal, sub}, {"discount", got.ItemDiscount, discount}, {"shipping", got.ShippingSubtotal, ship},
			{"shipping discount", got.ShippingDiscount, shipOff}, {"total", got.Total, total}} {
			if new(big.Rat).SetFrac64(int64(c.got), 100).Cmp(c.want) != 0 {
				t.Fatalf("cart %d: %s is %s, want %s\n%+v\n%+v\n%+v", n, c.what, c.got, c.want.FloatString(4), lines, codes, shipping)
			}
		}
		checkFlags(t, codes, got)
	}
	t.Logf("%d carts", carts)
}

// checkFlags compares the flags with the money: a discount has exactly one flag, and without a
// discount of items or shipping no such code has one.
func checkFlags(t *testing.T, codes []codeTerms, got totals) {
	t.Helper()
	flags := map[string]int{}
	for _, c := range codes {
		if got.Applied[c.ID] {
			flags[c.AppliesTo]++
			if !c.Counts || got.ItemSubtotal < c.OrderMinimum {
				t.Fatalf("code %+v is flagged", c)
			}
		}
	}
	if flags["item_total"] > 1 || flags["shipping"] > 1 || (got.ItemDiscount > 0) && flags["item_total"] != 1 ||
		(got.ShippingDiscount > 0) && flags["shipping"] != 1 {
		t.Fatalf("flags %v for %+v", flags, got)
	}
}

func randomCart(r *rand.Rand) ([]pricedLine, []codeTerms, *shippingMethod) {
	price := func() money.Cents {
		switch r.IntN(4) {
		case 0:
			return money.Cents(1 + r.IntN(100))
		case 1:
			return money.Cents(1 + r.IntN(100_000))
		case 2:
			return money.Max - money.Cents(r.IntN(100))
		}
		return money.Cents(1 + r.Int64N(int64(money.Max)))
	}

	var lines []pricedLine
	for range r.IntN(5) {
		lines = append(lines, pricedLine{SKU: int64(len(lines)), Price: price(), Quantity: 1 + r.IntN(99)})
	}
	var sub money.Cents
	for _, l := range lines {
		sub += l.Price.Times(l.Quantity)
	}
	kinds := [][2]string{{"item_total", "percent-off"}, {"item_total", "dollar-amt-off"}, {"shipping", "free-usps-ground-shipping"},
		{"subscription", "free-digital-months"}}

	var codes []codeTerms
	for i := range r.IntN(5) {
		k := kinds[r.IntN(len(kinds))]
		c := codeTerms{ID: int64(i + 1), AppliesTo: k[0], Action: k[1], Amount: price(), Combinable: r.IntN(3) == 0, Counts: r.IntN(5) > 0}
		if k[1] == "percent-off" {
			c.Amount = money.Cents(r.IntN(10_001))
		}
		if r.IntN(4) == 0 { // for some of the lines, all, or none
			c.Only = []int64{}
			for sku := range int64(5) {
				if r.IntN(2) == 0 {
					c.Only = append(c.Only, sku)
				}
			}
		}

		switch r.IntN(4) { // at the edges of the minimum
		case 0:
			c.OrderMinimum = max(sub, 0)
		case 1:
			c.OrderMinimum = sub + 1
		case 2:
			c.OrderMinimum = max(sub-1, 0)
		}
		codes = append(codes, c)
	}
	methods := []*shippingMethod{nil, {Identifier: groundShipping, Cost: 956}, {Identifier: "UPSGround", Cost: 1134},
		{Identifier: "Free", Cost: 0}}
	return lines, codes, methods[r.IntN(len(methods))]
}
