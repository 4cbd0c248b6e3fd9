package stripestandin

import (
	"net/http"
	"strconv"
	"strings"
)

// readLines takes line_items, each with a price of its own (price_data).
func (rec *sessionRecord) readLines(p reader, now int64) {
	items := p.list("line_items", maxLines)
	if len(items) == 0 {
		p.fail(missing("line_items"))
	}

	for _, item := range items {
		quantity, given := item.integer("quantity", 1, maxQuantity)
		if !given {
			p.fail(missing(item.path("quantity")))
		}
		if v := item.str("price", 200); v != "" {
			p.fail(noSuch(http.StatusBadRequest, "price", item.path("price"), v))
		}

		item.unsupported("adjustable_quantity", "dynamic_tax_rates", "tax_rates")
		if !item.has("price_data") {
			p.fail(missing(item.path("price_data")))
		}

		unit, prod := readPrice(item.object("price_data"), now)
		switch {
		case rec.Session.Currency == "":
			rec.Session.Currency = unit.Currency
		case unit.Currency != rec.Session.Currency:
			p.fail(refuse("", item.path("price_data")+"[currency]",
				"All prices on a Checkout session must have the same currency: %s, not %s.", rec.Session.Currency,
				unit.Currency))
		}

		rec.Products = append(rec.Products, prod)
		rec.Lines = append(rec.Lines, lineItem{
			ID:             newID("li_1", 23),
			Object:         "item",
			Currency:       unit.Currency,
			Description:    prod.Name,
			Price:          unit,
			Quantity:       quantity,
			AmountSubtotal: unit.UnitAmount * quantity,
		})
	}
}

func readPrice(p reader, now int64) (price, product) {
	currency := strings.ToLower(p.required("currency", 3))
	if _, known := currencies[currency]; currency != "" && !known {
		p.fail(invalidCurrency(p.path("currency"), currency))
	}
	amount, given := p.integer("unit_amount", 0, maxAmount)
	if !given {
		p.fail(missing(p.path("unit_amount")))
	}
	if v := p.str("product", 200); v != "" {
		p.fail(noSuch(http.StatusBadRequest, "product", p.path("product"), v))
	}

	taxBehavior := p.enum("tax_behavior", "exclusive", "inclusive", "unspecified")
	if taxBehavior == "" {
		taxBehavior = "unspecified"
	}
	p.unsupported("recurring", "unit_amount_decimal")
	if !p.has("product_data") {
		p.fail(missing(p.path("product_data")))
	}

	prod := readProduct(p.object("product_data"), now)
	return price{
		ID:                newID("price_1", 23),
		Object:            "price",
		BillingScheme:     "per_unit",
		Created:           now,
		Currency:          currency,
		Metadata:          map[string]string{},
		Product:           ref{id: prod.ID},
		TaxBehavior:       taxBehavior,
		Type:              "one_time",
		UnitAmount:        amount,
		UnitAmountDecimal: strconv.FormatInt(amount, 10),
	}, prod
}

func readProduct(p reader, now int64) product {
	prod := product{
		ID:          newID("prod_", 14),
		Object:      "product",
		Created:     now,
		Updated:     now,
		Type:        "service",
		Name:        p.required("name", 1500),
		Description: text(p.str("description", 5000)),
		Images:      p.strings("images", 8, 2048),
		Metadata:    p.metadata("metadata"),
	}
	p.str("tax_code", 40)
	for i, image := range prod.Images {
		if e := urlFault(p.path("images")+"["+strconv.Itoa(i)+"]", image); e != nil {
			p.fail(e)
		}
	}
	if prod.Images == nil {
		prod.Images = []string{}
	}
	return prod
}

// readShipping reads shipping_options, of which the shopper picks one on the page; the first is
// preselected.
func (rec *sessionRecord) readShipping(p reader) {
	for _, option := range p.list("shipping_options", 5) {
		if v := option.str("shipping_rate", 200); v != "" {
			p.fail(noSuch(http.StatusBadRequest, "shipping rate", option.path("shipping_rate"), v))
		}
		if !option.has("shipping_rate_data") {
			p.fail(missing(option.path("shipping_rate_data")))
		}

		at := option.object("shipping_rate_data")
		rate := shippingRate{ID: newID("shr_1", 23), Name: at.required("display_name", 100)}
		at.enum("type", "fixed_amount")
		at.enum("tax_behavior", "exclusive", "inclusive", "unspecified")
		at.str("tax_code", 40)
		at.metadata("metadata")
		readEstimate(at.object("delivery_estimate"))
		if !at.has("fixed_amount") {
			p.fail(missing(at.path("fixed_amount")))
		}

		fixed := at.object("fixed_amount")
		fixed.unsupported("currency_options")
		var given bool
		if rate.Amount, given = fixed.integer("amount", 0, maxAmount); !given {
			p.fail(missing(fixed.path("amount")))
		}
		if c := strings.ToLower(fixed.required("currency", 3)); c != rec.Session.Currency {
			p.fail(refuse("", fixed.path("currency"), "The shipping rate's currency must be that of the session, %s.",
				rec.Session.Currency))
		}
		rec.Rates = append(rec.Rates, rate)
		rec.Session.ShippingOptions = append(rec.Session.ShippingOptions, shippingOption{rate.Amount, rate.ID})
	}
}

// readEstimate checks a delivery estimate; only Stripe's own page would show it.
func readEstimate(p reader) {
	for _, end := range []string{"minimum", "maximum"} {
		at := p.object(end)
		at.enum("unit", "hour", "day", "business_day", "week", "month")
		at.integer("value", 1, 1000)
	}
}

// readDiscount looks up the session's coupon; Stripe allows at most one.
func (rec *sessionRecord) readDiscount(t *tx, p reader) *coupon {
	all := p.list("discounts", 1)
	if len(all) == 0 {
		return nil
	}
	if v := all[0].str("promotion_code", 200); v != "" {
		p.fail(noSuch(http.StatusBadRequest, "promotion code", all[0].path("promotion_code"), v))
	}

	param := all[0].path("coupon")
	id := all[0].required("coupon", 200)
	c, ok := t.coupons.get(id)
	switch {
	case id == "":
		return nil
	case !ok || c.Deleted:
		p.fail(noSuch(http.StatusBadRequest, "coupon", param, id))
		return nil
	case !c.usable(t.now.Unix()):
		p.fail(refuse("coupon_expired", param, "Coupon %s is used up or expired.", id))
		return nil
	case c.AmountOff != nil && string(c.Currency) != rec.Session.Currency:
		p.fail(refuse("", param, "The coupon's currency %s is not that of the session, %s.", c.Currency,
			rec.Session.Currency))
		return nil
	}

	rec.Coupon = id
	rec.Session.Discounts = []discount{{Coupon: id}}
	return c
}

// total computes the amounts from lines, coupon and the first shipping option.
func (rec *sessionRecord) total(c *coupon) {
	s := rec.Session
	amounts := make([]int64, len(rec.Lines))
	s.AmountSubtotal = 0
	for i, l := range rec.Lines {
		amounts[i] = l.AmountSubtotal
		s.AmountSubtotal += l.AmountSubtotal
	}
	if c != nil {
		s.TotalDetails.AmountDiscount = c.off(s.AmountSubtotal)
	}
	for i, part := range spread(s.TotalDetails.AmountDiscount, amounts) {
		rec.Lines[i].AmountDiscount = part
		rec.Lines[i].AmountTotal = amounts[i] - part
	}
	s.AmountTotal = s.AmountSubtotal - s.TotalDetails.AmountDiscount
	rec.ship(0)
}

// ship picks a shipping option; an unknown one leaves the choice as it is.
func (rec *sessionRecord) ship(option int) {
	if option < 0 || option >= len(rec.Rates) {
		return
	}
	s, rate := rec.Session, rec.Rates[option]
	s.ShippingCost = &shippingCost{AmountSubtotal: rate.Amount, AmountTotal: rate.Amount, ShippingRate: rate.ID}
	s.TotalDetails.AmountShipping = rate.Amount
	s.AmountTotal = s.AmountSubtotal - s.TotalDetails.AmountDiscount + rate.Amount
}

// checkTotal enforces Stripe's smallest and largest charge, for every shipping option. A total of 0
// is allowed.
func (rec *sessionRecord) checkTotal() *apiError {
	s := rec.Session
	goods := s.AmountSubtotal - s.TotalDetails.AmountDiscount
	totals := []int64{goods}
	if len(rec.Rates) > 0 {
		totals = nil
	}
	for _, r := range rec.Rates {
		totals = append(totals, goods+r.Amount)
	}
	least := currencies[s.Currency]
	for _, total := range totals {
		if total > 0 && total < least {
			return refuse("amount_too_small", "", "The Checkout Session's total amount due must add up to at least %s",
				money(least, s.Currency))
		}
		if total > maxAmount {
			return refuse("amount_too_large", "", "The Checkout Session's total amount due must be no more than %s",
				money(maxAmount, s.Currency))
		}
	}
	return nil
}
