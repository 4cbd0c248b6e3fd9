package order

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Currency is what the shop sells in. Stripe wants it in lower case.
const currency = "usd"

const (
	// checkoutLife is how long a payment page, and what it reserves, stays. Stripe's least is 30
	// minutes from the moment of its call, which may come a while after the quote.
	checkoutLife = time.Hour
	// checkoutReuse is how long before its end a quote is no longer handed out again.
	checkoutReuse = 32 * time.Minute
)

// quote is what the shopper was shown, frozen.
type quote struct {
	Lines    []line          `json:"lines"`
	Codes    []appliedCode   `json:"codes"`
	Shipping *shippingMethod `json:"shipping"`
}

// checkout is a quote on its way to a payment.
type checkout struct {
	ID               string
	CartID           int64
	CartGeneration   int
	QuoteHash        string
	State            string
	MemberID         *int64
	MemberCode       *string
	Email            string
	Newsletter       bool
	AgreedAt         time.Time
	Quote            quote
	Currency         string
	ItemSubtotal     money.Cents
	ItemDiscount     money.Cents
	ShippingSubtotal money.Cents
	ShippingDiscount money.Cents
	Total            money.Cents
	StripeAttempt    int
	SessionID        *string
	URL              *string `db:"url"`
	ExpiresAt        time.Time
	customer         string
}

// Texts that go with the contract's codes.
const (
	textStripe     = "The payment page could not be opened. Nothing was charged and your cart is as it was; please try again in a moment."
	textUnexpected = "Something went wrong on our side. Nothing was charged and your cart is as it was; please try again in a moment."
	textCodeGone   = "A discount code in your cart was used up a moment ago, so your total has changed. Please look at it again before you pay."
)

// createCheckoutSession freezes the cart into a quote and opens Stripe's payment page for it. It is
// safe to repeat: the same cart gets the same page.
func (s *service) createCheckoutSession(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "create_checkout_session"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	c, refusal, err := s.prepareCheckout(r.Context(), web.Who(r), form)
	if err == nil && refusal == "" {
		c, refusal, err = s.openCheckout(r.Context(), c)
	}
	if answered, aerr := s.answerNotSold(w, r, endpoint, err); answered {
		return aerr
	}
	if err != nil && refusal == "" {
		return err
	}
	if err != nil {
		web.Note(r, "cause", err.Error())
	}
	switch refusal {
	case "":
		return answer(w, web.Field{Key: endpoint, Value: "success"}, web.Field{Key: "session_id", Value: *c.SessionID}, web.Field{Key: "checkout_url", Value: *c.URL})
	case "stripe-error":
		return refuseWith(w, endpoint, web.Object{{Key: "error", Value: refusal}, {Key: "description", Value: textStripe}})
	case "code-used-up":
		return refuseWith(w, endpoint, web.Object{{Key: "error", Value: "unexpected-error"}, {Key: "description", Value: textCodeGone}})
	case "unexpected-error":
		return refuseWith(w, endpoint, web.Object{{Key: "error", Value: refusal}, {Key: "description", Value: textUnexpected}})
	}
	return refuse(w, endpoint, refusal)
}

// prepareCheckout makes the checks of the contract, in its order, and the quote.
func (s *service) prepareCheckout(ctx context.Context, who web.Identity, form web.Values) (checkout, string, error) {
	ok, err := s.mayCheckOut(ctx, who)
	if err != nil {
		return checkout{}, "", err
	}
	if !ok {
		return checkout{}, "checkout-not-allowed", nil
	}
	c, err := findCart(ctx, s.db, who)
	if err != nil {
		return checkout{}, "", err
	}
	if c == nil {
		return checkout{}, "cart-not-found", nil
	}
	email := who.Email
	if !who.Member() {
		if email, err = guestAddress(c, form); err != nil {
			return checkout{}, "", err
		}
	}
	if err := withDefaultShipping(ctx, s.db, c); err != nil {
		return checkout{}, "", err
	}
	in, err := readContents(ctx, s.db, c)
	if err != nil {
		return checkout{}, "", err
	}
	if refusal := in.notSellable(); refusal != "" {
		return checkout{}, refusal, nil
	}
	if form.Get("agree_to_terms_of_sale") != "true" {
		return checkout{}, "terms-of-sale-agreement-required", nil
	}
	q, err := newCheckout(c, in, email)
	if err != nil {
		return checkout{}, "", err
	}
	if err := q.sellable(); err != nil {
		return checkout{}, "", err
	}
	q.Newsletter = !who.Member() && form.Get("newsletter") == "true"
	if who.Member() {
		q.MemberID, q.MemberCode = &who.MemberID, &who.Code
	}
	return q, "", nil
}

// notSellable says why a cart cannot be checked out, or "".
func (in contents) notSellable() string {
	pieces := 0
	for _, l := range in.lines {
		if l.Quantity > 0 && l.InventoryIdentifier != "in-stock" {
			return "cart-item-not-in-stock"
		}
		pieces += l.Quantity
	}
	if pieces == 0 {
		return "cart-is-empty"
	}
	return ""
}

// newCheckout freezes a cart. Lines without pieces stay behind.
func newCheckout(c *cart, in contents, email string) (checkout, error) {
	q := quote{Codes: in.codes, Shipping: c.Shipping}
	for _, l := range in.lines {
		if l.Quantity > 0 {
			q.Lines = append(q.Lines, l)
		}
	}
	raw, err := json.Marshal(struct {
		Quote  quote
		Member *int64 // a visitor who registers is another buyer
		Email  string
		Total  money.Cents
	}{q, c.MemberID, email, in.totals.Total})
	if err != nil {
		return checkout{}, fmt.Errorf("marshal a quote: %w", err)
	}
	hash := sha256.Sum256(raw)
	now := time.Now().UTC()
	return checkout{
		ID: rand.Text(), CartID: c.ID, CartGeneration: c.Generation, QuoteHash: hex.EncodeToString(hash[:]), State: "creating",
		Email: email, AgreedAt: now, Quote: q, Currency: currency, StripeAttempt: 1, ExpiresAt: now.Add(checkoutLife).Truncate(time.Second),
		ItemSubtotal: in.totals.ItemSubtotal, ItemDiscount: in.totals.ItemDiscount, ShippingSubtotal: in.totals.ShippingSubtotal,
		ShippingDiscount: in.totals.ShippingDiscount, Total: in.totals.Total, customer: c.customer(),
	}, nil
}

// openCheckout stores the quote, unless the same one is there already, and gets its payment page.
// What can fail between any two steps leaves a quote that the next click finds again, or that ends
// by itself and gives back what it reserved.
func (s *service) openCheckout(ctx context.Context, q checkout) (checkout, string, error) {
	// Only one payment page per cart: an older one for other contents is closed first.
	if refusal, err := s.closeOlder(ctx, q); refusal != "" || err != nil {
		return q, orUnexpected(refusal, err), err
	}
	c, err := storeCheckout(ctx, s.db, q)
	switch {
	case errors.Is(err, errNoStock):
		return q, "cart-item-not-in-stock", nil
	case errors.Is(err, errCodeUsedUp):
		return q, "code-used-up", nil
	case err != nil && pg.IsUnavailable(err):
		return q, "", web.Unavailable(err)
	case err != nil:
		return q, "unexpected-error", err
	case c.URL != nil:
		return c, "", nil
	}
	fault.Point("order", "quote-stored")
	made, err := s.stripe.createSession(ctx, c)
	fault.Point("order", "session-made")
	if err != nil {
		return c, "stripe-error", errors.Join(permanent(err), s.afterFailedCreate(ctx, c, err))
	}
	if made.AmountTotal != nil && *made.AmountTotal != c.Total {
		err := fmt.Errorf("Stripe wants %s for checkout %s of %s", made.AmountTotal, c.ID, c.Total)
		s.log.Error("quote and payment page differ", "error", err)
		return c, "stripe-error", errors.Join(err, s.stripe.expire(ctx, made.ID), endCheckout(ctx, s.db, c.ID, "failed"))
	}
	if err := storeSession(ctx, s.db, c.ID, made); err != nil {
		return c, "unexpected-error", err
	}
	c.SessionID, c.URL = &made.ID, &made.URL
	return c, "", nil
}

func orUnexpected(refusal string, err error) string {
	if refusal == "" && err != nil {
		return "unexpected-error"
	}
	return refusal
}

// afterFailedCreate ends a quote that Stripe will never take, and gives one that met a failure of
// Stripe's a new idempotency key, because Stripe replays failures. After a time-out the key stays:
// the session may exist.
func (s *service) afterFailedCreate(ctx context.Context, c checkout, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	switch code := status(cause); {
	case code >= 500:
		return nextAttempt(ctx, s.db, c.ID, c.StripeAttempt)
	case code == http.StatusTooManyRequests, code == http.StatusConflict, code == 0:
		return nil
	}
	return endCheckout(ctx, s.db, c.ID, "failed")
}

// closeOlder ends the payment pages that this cart has open for other contents. One that was paid
// meanwhile becomes its order, and the shopper is asked to look again.
func (s *service) closeOlder(ctx context.Context, q checkout) (refusal string, err error) {
	older, err := otherCheckouts(ctx, s.db, q)
	if err != nil {
		return "", err
	}
	for _, o := range older {
		if o.SessionID == nil { // nobody ever saw its page
			if err := endCheckout(ctx, s.db, o.ID, "expired"); err != nil {
				return "", err
			}
			continue
		}
		if err := s.stripe.expire(ctx, *o.SessionID); err != nil {
			now, rerr := s.stripe.session(ctx, *o.SessionID)
			switch {
			case errors.Is(rerr, errNoSession):
			case rerr != nil:
				return "stripe-error", errors.Join(err, rerr)
			case now.paid():
				if _, err := s.settle(ctx, now, ""); err != nil {
					return "", err
				}
				return "unexpected-error", nil
			case now.Status == "complete": // a bank is still at it
				if err := s.hold(ctx, now); err != nil {
					return "", err
				}
				continue
			case now.Status == "open":
				// Stripe would not close it. A shopper must not be stuck for that: should both be
				// paid, one is the order and the other is for staff.
				s.log.Warn("an older payment page stays open", "session", *o.SessionID, "error", err)
				continue
			}
		}
		if err := endCheckout(ctx, s.db, o.ID, "expired"); err != nil {
			return "", err
		}
	}
	return "", nil
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
