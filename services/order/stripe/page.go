package stripe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	sdk "github.com/stripe/stripe-go/v76"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The limits of a payment page
// (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts and Stripe's description
// of Checkout Sessions).
const (
	MaxLines             = 100
	MinTotal money.Cents = 50 // for usd
	MaxTotal money.Cents = 99_999_999
)

// lateExpiry is added to the end of a page that Stripe considers too early: its clock is far ahead
// of ours.
const lateExpiry = 10 * time.Minute

// Page describes a payment page.
type Page struct {
	CheckoutID string // returned with the session; together with Attempt its idempotency key
	Attempt    int
	CartID     int64
	Email      string // the buyer's; if empty Stripe asks for it
	Currency   string
	ExpiresAt  time.Time
	Lines      []Line      // at most MaxLines
	Discount   money.Cents // off all lines together
	Tax        bool        // Stripe Tax adds what is due at the destination
	Countries  []string    // ISO codes of the countries to ship to, from ShipTo; if empty, the US and Canada
}

// Line is a line that a buyer sees and pays, with one price for each piece.
type Line struct {
	Name     string
	Text     string // may be empty, as may the picture
	Picture  string // an address as staff type it
	Price    money.Cents
	Quantity int
	Shipping bool // it is the price of shipping, which is taxed differently
}

// CreatePage makes a hosted payment page. It leaves out parts that Stripe refuses and a sale does
// not need. A repetition with the same attempt returns the same session.
func (c *Client) CreatePage(ctx context.Context, page Page) (Session, error) {
	if c.noKey {
		return Session{}, ErrNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var without leftOut
	for {
		params, err := c.sessionParams(ctx, page, without)
		if err != nil {
			return Session{}, err
		}
		var made *sdk.CheckoutSession
		err = c.retry(ctx, func() error {
			made, err = c.api.CheckoutSessions.New(params)
			return err
		})
		if err == nil {
			return readSession(made.LastResponse.RawJSON)
		}
		part := optional(err)
		if part == "" || without.has(part) {
			return Session{}, fmt.Errorf("create a Stripe session for checkout %s: %w", page.CheckoutID, err)
		}
		c.log.WarnContext(ctx, "Stripe refused a part of a payment page, which is left out or changed",
			"checkout", page.CheckoutID, "error", err)
		without += leftOut("-" + part)
	}
}

// leftOut names the parts of a session that Stripe refused and that a sale does not need. It ends
// the idempotency key, since the request is then another one.
type leftOut string

func (l leftOut) has(part string) bool { return strings.Contains(string(l), part) }

// The parts that a session can do without.
const (
	partEmail       = "email"
	partPictures    = "pictures"
	partDescription = "description"
	partExpiry      = "expiry" // not left out but set to a later time
)

// optional is the part of a session that Stripe objected to, "" if it cannot be left out.
func optional(err error) string {
	e, ok := errors.AsType[*apiError](err)
	if !ok || e.cause.HTTPStatusCode != http.StatusBadRequest {
		return ""
	}
	switch param := e.cause.Param; {
	case param == "customer_email" || e.cause.Code == sdk.ErrorCodeEmailInvalid:
		return partEmail
	case strings.Contains(param, "images"):
		return partPictures
	case param == "expires_at":
		return partExpiry
	case strings.HasSuffix(param, "[description]"):
		return partDescription
	}
	return ""
}

func (c *Client) sessionParams(ctx context.Context, page Page, without leftOut) (*sdk.CheckoutSessionParams, error) {
	p := &sdk.CheckoutSessionParams{
		Mode:                     sdk.String("payment"),
		SuccessURL:               sdk.String(c.shop + "/checkout/success?session_id={CHECKOUT_SESSION_ID}"),
		CancelURL:                sdk.String(c.shop + "/checkout/confirm"),
		BillingAddressCollection: sdk.String("required"),
		ShippingAddressCollection: &sdk.CheckoutSessionShippingAddressCollectionParams{
			AllowedCountries: sdk.StringSlice(page.ShipsTo()),
		},
		PhoneNumberCollection: &sdk.CheckoutSessionPhoneNumberCollectionParams{Enabled: sdk.Bool(true)},
		ClientReferenceID:     sdk.String(page.CheckoutID),
		ExpiresAt:             sdk.Int64(page.ExpiresAt.Unix()),
		Metadata: map[string]string{"cart_id": web.ID(page.CartID),
			"checkout_id": page.CheckoutID, "shop": c.name},
	}

	if without.has(partExpiry) {
		p.ExpiresAt = sdk.Int64(page.ExpiresAt.Add(lateExpiry).Unix())
	}
	p.Context = ctx
	p.SetIdempotencyKey("checkout-" + page.CheckoutID + "-" + strconv.Itoa(page.Attempt) + string(without))
	if page.Email != "" && !without.has(partEmail) {
		p.CustomerEmail = sdk.String(page.Email)
	}
	for _, l := range page.Lines {
		p.LineItems = append(p.LineItems, c.lineItem(page, l, without))
	}

	if page.Tax {
		p.AutomaticTax = &sdk.CheckoutSessionAutomaticTaxParams{Enabled: sdk.Bool(true)}
	}
	if page.Discount > 0 {
		coupon, err := c.coupon(ctx, page)
		if err != nil {
			return nil, err
		}
		p.Discounts = []*sdk.CheckoutSessionDiscountParams{{Coupon: sdk.String(coupon)}}
	}
	return p, nil
}

// ShipsTo are the countries that can be shipped to.
func (p Page) ShipsTo() []string {
	if len(p.Countries) == 0 {
		return []string{"US", "CA"}
	}
	return p.Countries
}

// shippingTaxCode is Stripe's code for shipping (https://docs.stripe.com/tax/tax-codes). Items have
// the default code from the dashboard.
const shippingTaxCode = "txcd_92010001"

func (c *Client) lineItem(page Page, l Line, without leftOut) *sdk.CheckoutSessionLineItemParams {
	product := &sdk.CheckoutSessionLineItemPriceDataProductDataParams{Name: sdk.String(itemName(l.Name))}
	if text := plain(l.Text); text != "" && !without.has(partDescription) {
		product.Description = sdk.String(text)
	}
	if address := picture(c.base, l.Picture); address != "" && !without.has(partPictures) {
		product.Images = sdk.StringSlice([]string{address})
	}
	price := &sdk.CheckoutSessionLineItemPriceDataParams{
		Currency: sdk.String(page.Currency), ProductData: product, UnitAmount: sdk.Int64(int64(l.Price)),
	}
	if page.Tax {
		price.TaxBehavior = sdk.String(string(sdk.PriceTaxBehaviorExclusive))
		if l.Shipping {
			product.TaxCode = sdk.String(shippingTaxCode)
		}
	}
	return &sdk.CheckoutSessionLineItemParams{PriceData: price, Quantity: sdk.Int64(int64(l.Quantity))}
}

// coupon makes the one-off coupon for a page's discount.
func (c *Client) coupon(ctx context.Context, page Page) (string, error) {
	p := &sdk.CouponParams{
		AmountOff: sdk.Int64(int64(page.Discount)), Currency: sdk.String(page.Currency), Duration: sdk.String("once"),
		Name: sdk.String("Discount"),
	}
	p.Context = ctx
	p.SetIdempotencyKey("coupon-" + page.CheckoutID + "-" + strconv.Itoa(page.Attempt))
	var made *sdk.Coupon
	err := c.retry(ctx, func() (err error) {
		made, err = c.api.Coupons.New(p)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create a coupon for checkout %s: %w", page.CheckoutID, err)
	}
	return made.ID, nil
}

// plain is a text in the form that Stripe accepts: valid, in one line, without control characters.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// itemName is a line's name for Stripe, which requires one.
func itemName(title string) string {
	if name := plain(title); name != "" {
		return name
	}
	return "Item"
}
