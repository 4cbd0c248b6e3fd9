package order

import (
	"log/slog"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// newStripe makes a client with this service's settings. All processes count their calls together
// over b.
func newStripe(log *slog.Logger, cfg Config, b *bus.Bus) *stripe.Client {
	return stripe.New(log, stripe.Settings{
		APIBase:   cfg.StripeAPIBase,
		SecretKey: cfg.StripeSecretKey,
		Shop:      cfg.PublicURL,
		Name:      cfg.Shop(),
		Rate:      cfg.stripeRate(),
		Bus:       b,
	})
}

// page is the payment page of a checkout.
func (c checkout) page() stripe.Page {
	p := stripe.Page{
		CheckoutID: c.ID,
		Attempt:    c.StripeAttempt,
		CartID:     c.CartID,
		Email:      c.Email,
		Currency:   c.Currency,
		ExpiresAt:  c.ExpiresAt,
		Discount:   c.ItemDiscount,
		Countries:  c.Quote.Countries,
		Tax:        c.Quote.Tax != nil && c.Quote.Tax.Mode == taxStripe,
	}

	for _, l := range c.Quote.Lines {
		p.Lines = append(p.Lines, stripe.Line{
			Name: l.ProductTitle, Text: skuText(l.Color, l.Size), Picture: l.ImageURL, Price: l.Price,
			Quantity: l.Quantity,
		})
	}

	if m := c.Quote.Shipping; m != nil && c.ShippingSubtotal > c.ShippingDiscount {
		p.Lines = append(p.Lines, stripe.Line{
			Name: "Shipping: " + m.Carrier, Price: c.ShippingSubtotal - c.ShippingDiscount, Quantity: 1,
			Shipping: true,
		})
	}
	return p
}

func skuText(color, size *string) string {
	var parts []string
	for _, p := range []*string{color, size} {
		if p != nil && *p != "" {
			parts = append(parts, *p)
		}
	}
	return strings.Join(parts, " - ")
}
