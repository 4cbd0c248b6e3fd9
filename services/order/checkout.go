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
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// currency is the ISO code of all prices, in lower case as Stripe requires it.
const currency = "usd"

const (
	// stripePageTTL is the shortest life that Stripe allows a payment page, by its own clock, from
	// the moment of the call.
	stripePageTTL = 30 * time.Minute
	// checkoutTTL is how long a payment page, and what it reserves, lives: as short as Stripe
	// allows, with time for a call that comes after the quote, for its repetition, and for clocks
	// that differ.
	checkoutTTL = stripePageTTL + 3*time.Minute
	// checkoutReuse is the remaining life below which a checkout without a page is made again
	// instead of being sent to Stripe: what exceeds Stripe's minimum is for clocks that differ.
	checkoutReuse = stripePageTTL + 90*time.Second
)

// quote is a frozen copy of what the shopper was shown.
type quote struct {
	Lines    []line          `json:"lines"`
	Codes    []appliedCode   `json:"codes"`
	Shipping *shippingMethod `json:"shipping"`
	// DiscountOn are the SKUs that the discount on items was taken off; nil for all of them.
	DiscountOn []int64 `json:"discount_on,omitempty"`
	// Countries are the ISO codes of the countries that the order can be sent to; if empty, the US
	// and Canada.
	Countries []string  `json:"countries,omitempty"`
	Tax       *quoteTax `json:"tax,omitempty"`

	odd error // why the quote cannot be read
}

// UnmarshalJSON implements json.Unmarshaler. A quote that was changed by hand and cannot be read
// makes no order, but must not spoil the list that it stands in.
func (q *quote) UnmarshalJSON(raw []byte) error {
	type plain quote
	var read plain
	err := json.Unmarshal(raw, &read)
	*q = quote(read)
	q.odd = err
	return nil
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
	Owner            *string
	Round            *string
	Unclosed         bool
	AskedAt          *time.Time
	customer, person string
	holder           holder
}

// Texts that go with the contract's codes. None of them says that nothing was charged if another
// tab may have paid.
const (
	textStripe     = "The payment page could not be opened. Your cart is as it was; please try again in a moment."
	textUnexpected = "Something went wrong on our side, and no payment page was opened. Your cart is as it was; " +
		"please try again in a moment."
	textCodeGone = "A discount code in your cart was used up a moment ago, so your total has changed. Please look " +
		"at it again before you pay."
	textOlderPage = "You have opened a payment page before, and we could not look just now whether it was paid. If " +
		"you paid there, your order is safe; please try again in a moment."
	textOtherTab = "Your cart was changed in another tab while the payment page was made. Please look at it again " +
		"before you pay."
)

// createCheckoutSession freezes the cart into a quote and opens Stripe's payment page for it. It
// can be repeated: the same cart gets the same page.
func (s *server) createCheckoutSession(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	c, refusal, err := s.checkOut(stripe.OnLane(r.Context(), stripe.LaneNew), web.Who(r), form)
	if c.ID != "" { // there was a quote to open a page for
		web.TellOutcome(w, web.OutcomeAsked)
	}
	if answered, aerr := s.answerNotSold(w, r, checkoutEndpoint, err); answered {
		return aerr
	}

	if err != nil {
		web.Note(r, "cause", err.Error())
		if refusal == nil {
			return err
		}
	}
	if refusal != nil {
		return refusal.answer(w)
	}

	return answer(w, struct {
		Outcome   web.Success `json:"create_checkout_session"`
		SessionID string      `json:"session_id"`
		URL       string      `json:"checkout_url"`
		versioned
	}{SessionID: *c.SessionID, URL: *c.URL})
}

// errAgain says that another tab was faster: the cart and its pages must be read again.
var errAgain = errors.New("the cart's payment pages changed in the meantime")

const (
	// checkoutTimeout is how long a click gives way to other clicks of the same cart.
	checkoutTimeout = 10 * time.Second
	// checkoutPause is the longest pause before another click's progress is read again; half of it
	// is random.
	checkoutPause = 40 * time.Millisecond
	// makingTimeout is how long another click may take to make its page before its checkout is
	// ended unseen.
	makingTimeout = 3 * time.Second
)

// checkOut makes a checkout of the cart and gets its payment page, after it has closed the older
// pages of the same shopper. A click that another tab overtakes starts again with the cart's new
// contents, so that simultaneous clicks end at one page.
func (s *server) checkOut(ctx context.Context, who web.Identity, form web.Values) (checkout, *checkoutRefusal, error) {
	for began := time.Now(); time.Since(began) < checkoutTimeout; {
		c, others, refusal, err := s.storeCheckout(ctx, who, form)
		if err != nil || refusal != nil {
			return c, refusal, err
		}
		if others.inTheMaking(time.Now()) {
			// If their pages were ended now, two clicks could end each other's in turns. Each first
			// gets its page.
			if err := pause(ctx, checkoutPause); err != nil {
				return c, nil, err
			}
			continue
		}

		if len(others.older) > 0 {
			if refusal, err := s.closeOlder(ctx, others.older); refusal != nil || err != nil {
				return c, refusal, err
			}
			continue
		}
		if c.URL != nil {
			return c, nil, nil
		}

		fault.Point("order", "quote-stored")
		if refusal, err = s.openPage(ctx, &c); !errors.Is(err, errAgain) {
			return c, refusal, err
		}
	}
	return checkout{}, &checkoutRefusal{code: codeUnexpected, text: textOtherTab}, nil
}

// storeCheckout makes the contract's checks, in its order, and stores the checkout with its
// reservations, in one transaction under a lock of the cart: of two clicks the second sees the page
// of the first. If there are older pages to close it stores nothing.
func (s *server) storeCheckout(ctx context.Context, who web.Identity,
	form web.Values) (c checkout, others rivals, refusal *checkoutRefusal, err error) {
	err = pg.Tx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		if c, refusal, err = prepareCheckout(ctx, tx, who, form); err != nil || refusal != nil {
			return err
		}
		list, err := unsettledPages(ctx, tx, c.CartID, c.CartGeneration, *c.Owner)
		if err != nil {
			return err
		}
		others = sortRivals(c, list, time.Now())
		if others.same == nil && len(others.pending) > 0 && !confirmedAgain(form, others.pending, time.Now()) {
			refusal = refusePending(others.pending)
			return nil
		}

		switch {
		case len(others.older) > 0:
			return nil
		case others.same != nil:
			c.ID, c.StripeAttempt, c.SessionID, c.URL, c.ExpiresAt = others.same.ID, others.same.StripeAttempt,
				others.same.SessionID, others.same.URL, others.same.ExpiresAt
			return nil
		}
		c.Round = others.round
		c.holder = holder{client: clientHash(s.holdKey(), who.Client), limits: s.cfg.holdLimits()}
		return insertCheckout(ctx, tx, c)
	})
	switch {
	case errors.Is(err, errNoStock):
		return c, others, &checkoutRefusal{code: codeNotInStock}, nil
	case errors.Is(err, errCodeUsedUp):
		return c, others, &checkoutRefusal{code: codeUnexpected, text: textCodeGone}, nil
	case isNotSold(err):
		return c, others, nil, err
	case err != nil && pg.IsUnavailable(err):
		return c, others, nil, web.Unavailable(err)
	case err != nil:
		return c, others, &checkoutRefusal{code: codeUnexpected, text: textUnexpected}, err
	}
	return s.afterCheckout(ctx, who, c, others, refusal)
}

// afterCheckout does what does not need the lock of the cart: it notes a consent that came with a
// later click, notes that a shopper was asked, and finds the order that explains a refusal.
func (s *server) afterCheckout(ctx context.Context, who web.Identity, c checkout, others rivals,
	refusal *checkoutRefusal) (checkout, rivals, *checkoutRefusal, error) {
	switch {
	case refusal != nil && refusal.reason == reasonPending:
		return c, others, refusal, noteAsked(ctx, s.pool, others.pending)
	case refusal != nil:
		return c, others, refusal, s.nameRecentOrder(ctx, who, refusal)
	case others.same != nil && c.Newsletter && !others.same.Newsletter:
		return c, others, nil, noteNewsletter(ctx, s.pool, c.ID)
	}
	return c, others, nil, nil
}

// prepareCheckout makes the checkout of a cart that it locks.
func prepareCheckout(ctx context.Context, tx pgx.Tx, who web.Identity, form web.Values) (checkout, *checkoutRefusal,
	error) {
	c, err := lockCart(ctx, tx, who)
	if err != nil {
		return checkout{}, nil, err
	}
	ok, err := mayCheckOut(ctx, tx, who, c)
	if err != nil {
		return checkout{}, nil, err
	}

	switch {
	case !ok:
		return checkout{}, &checkoutRefusal{code: codeCheckoutNotAllowed}, nil
	case c == nil:
		return checkout{}, &checkoutRefusal{code: codeCartNotFound}, nil
	}
	email := who.Email
	if !who.Member() {
		email = guestAddress(c, form)
	}

	if err := withDefaultShipping(ctx, tx, c); err != nil {
		return checkout{}, nil, err
	}
	contents, err := readContents(ctx, tx, c)
	if err != nil {
		return checkout{}, nil, err
	}
	if code := contents.notSellable(); code != "" {
		return checkout{}, &checkoutRefusal{code: code}, nil
	}

	if form.Get("agree_to_terms_of_sale") != "true" {
		return checkout{}, &checkoutRefusal{code: codeTermsRequired}, nil
	}
	if refusal := contents.refuseChanged(form.Get("quote"), c.Shipping); refusal != nil {
		return checkout{}, refusal, nil
	}
	k, err := newCheckout(c, contents, email)
	if err != nil {
		return checkout{}, nil, err
	}
	if err := k.sellable(); err != nil {
		return checkout{}, nil, err
	}

	owner := ownerOf(who)
	k.Owner, k.Newsletter = &owner, !who.Member() && form.Get("newsletter") == "true"
	if who.Member() {
		k.MemberID, k.MemberCode = &who.MemberID, &who.Code
	}
	return k, nil, nil
}

// notSellable says why a cart cannot be checked out, or "".
func (cc cartContents) notSellable() string {
	pieces := 0
	for _, l := range cc.lines {
		if l.Quantity > 0 && l.InventoryIdentifier != "in-stock" {
			return codeNotInStock
		}
		pieces += l.Quantity
	}
	if pieces == 0 {
		return codeCartIsEmpty
	}
	return ""
}

// newCheckout freezes a cart. Lines without pieces stay behind.
func newCheckout(c *cart, contents cartContents, email string) (checkout, error) {
	q := quote{Codes: contents.codes, Shipping: c.Shipping, DiscountOn: contents.totals.DiscountOn,
		Countries: countryList(pg.Text(c.settings[settingCountries])), Tax: readTax(c.settings)}
	for _, l := range contents.lines {
		if l.Quantity > 0 {
			q.Lines = append(q.Lines, l)
		}
	}

	raw, err := json.Marshal(struct {
		Quote  quote
		Member *int64 // a visitor who registers is another buyer
		Email  string
		Total  money.Cents
	}{q, c.MemberID, email, contents.totals.Total})
	if err != nil {
		return checkout{}, fmt.Errorf("marshal a quote: %w", err)
	}

	hash := sha256.Sum256(raw)
	now := time.Now().UTC()
	return checkout{
		ID:               rand.Text(),
		CartID:           c.ID,
		CartGeneration:   c.Generation,
		QuoteHash:        hex.EncodeToString(hash[:]),
		State:            stateCreating,
		Email:            email,
		AgreedAt:         now,
		Quote:            q,
		Currency:         currency,
		StripeAttempt:    1,
		ExpiresAt:        now.Add(checkoutTTL).Truncate(time.Second),
		ItemSubtotal:     contents.totals.ItemSubtotal,
		ItemDiscount:     contents.totals.ItemDiscount,
		ShippingSubtotal: contents.totals.ShippingSubtotal,
		ShippingDiscount: contents.totals.ShippingDiscount,
		Total:            contents.totals.Total,
		customer:         c.customer(),
		person:           c.person(),
	}, nil
}

// openPage gets the payment page of a stored checkout. If a step fails, the checkout is found again
// by the next click, or ends by itself and gives back its reservations. If the shopper leaves in
// the meantime, Stripe still has no page that the shop does not know.
func (s *server) openPage(ctx context.Context, c *checkout) (*checkoutRefusal, error) {
	ctx = context.WithoutCancel(ctx)
	made, err := s.stripe.CreatePage(ctx, c.page())
	fault.Point("order", "session-made")
	stripeError := &checkoutRefusal{code: codeStripeError, text: textStripe}
	if err != nil {
		return stripeError, errors.Join(permanent(err), s.afterFailedCreate(ctx, *c, err))
	}
	if made.AmountTotal != nil && *made.AmountTotal-c.taxAdded(made) != c.Total {
		err := fmt.Errorf("Stripe charges %s for checkout %s of %s", made.AmountTotal, c.ID, c.Total)
		s.log.Error("quote and payment page differ", "error", err)
		return stripeError, errors.Join(err, s.stripe.Expire(ctx, made.ID), endCheckout(ctx, s.pool, c.ID, stateFailed))
	}

	state, wanted, err := storeSession(ctx, s.pool, c.ID, made)
	switch {
	case err != nil:
		return &checkoutRefusal{code: codeUnexpected, text: textUnexpected}, err
	case wanted:
		c.SessionID, c.URL = &made.ID, &made.URL
		return nil, nil
	case state == statePaid || state == statePending:
		return nil, errAgain
	}
	if err := s.closeNewPage(ctx, *c, made.ID); err != nil {
		return &checkoutRefusal{code: codeUnexpected, text: textOtherTab}, err
	}
	return nil, errAgain
}

// afterwardsTimeout bounds writes that must happen even if the shopper has left.
const afterwardsTimeout = 3 * time.Second

// afterFailedCreate ends a checkout that Stripe will never accept. After a failure of Stripe's it
// gives the checkout a new idempotency key, because Stripe replays failures. After a timeout the
// key stays: the session may exist.
func (s *server) afterFailedCreate(ctx context.Context, c checkout, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), afterwardsTimeout)
	defer cancel()
	switch code := stripe.Status(cause); {
	case code >= 500:
		return nextAttempt(ctx, s.pool, c.ID, c.StripeAttempt)
	case code == http.StatusTooManyRequests, code == http.StatusConflict, code == 0:
		return nil
	}
	return endCheckout(ctx, s.pool, c.ID, stateFailed)
}

// closeOlder ends the payment pages that a shopper has open for other contents. A page that was
// paid in the meantime becomes its order, and the shopper is told which.
func (s *server) closeOlder(ctx context.Context, older []checkout) (*checkoutRefusal, error) {
	for _, o := range older {
		paid, err := s.closePage(ctx, o)
		switch {
		case errors.Is(err, errStripeAway):
			return &checkoutRefusal{code: codeStripeError, text: textOlderPage}, err
		case err != nil:
			return &checkoutRefusal{code: codeUnexpected, text: textOlderPage}, err
		case paid != nil:
			return refusePaid(*paid), nil
		}
	}
	return nil, nil
}
