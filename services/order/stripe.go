package order

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	stripe "github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
)

// stripeAPI makes the shop's calls to Stripe (stripe-go v76, API version 2023-10-16). Stripe's types
// stay in this file.
type stripeAPI struct {
	api   *client.API
	log   *slog.Logger
	shop  string   // the shop's address, for links
	base  *url.URL // the same, for pictures
	noKey bool
	brake *brake
}

// Bounds of one call to Stripe: one try, all tries.
const (
	stripeTry  = 8 * time.Second
	stripeCall = 20 * time.Second
)

func newStripeAPI(cfg Config, log *slog.Logger) *stripeAPI {
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, &stripe.BackendConfig{
		URL: stripe.String(strings.TrimSuffix(cfg.StripeAPIBase, "/")), MaxNetworkRetries: stripe.Int64(2), EnableTelemetry: stripe.Bool(false),
		LeveledLogger: stripeLog{log},
		HTTPClient:    &http.Client{Timeout: stripeTry, Transport: door{http.DefaultTransport}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	})
	shop := strings.TrimSuffix(cfg.PublicURL, "/")
	base, err := url.Parse(shop + "/")
	if err != nil {
		base = &url.URL{} // Validate has refused it; relative pictures are left out
	}
	return &stripeAPI{
		api:   client.New(cfg.StripeSecretKey, &stripe.Backends{API: backend, Connect: backend, Uploads: backend}),
		log:   log,
		shop:  shop,
		base:  base,
		noKey: cfg.StripeSecretKey == "",
	}
}

// door is what requests to Stripe go through. stripe-go hides the length of its bodies, so they would
// leave in chunks, which a proxy on the way, or a small stand-in for Stripe, may take for nothing. And
// a refusal in other words than Stripe's would lose its status.
type door struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (d door) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength <= 0 {
		body, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, fmt.Errorf("read the body of a request to Stripe: %w", err)
		}
		whole, err := http.NewRequestWithContext(r.Context(), r.Method, r.URL.String(), bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("make a request to Stripe: %w", err)
		}
		whole.Header, whole.Host = r.Header, r.Host
		r = whole
	}
	res, err := d.next.RoundTrip(r)
	if err != nil || res.StatusCode < http.StatusBadRequest {
		return res, err
	}
	if err := inStripesWords(res); err != nil {
		return nil, err
	}
	return res, nil
}

// inStripesWords gives a refusal that stripe-go cannot read, such as a proxy's, a body that it can, and
// keeps of Stripe's own what says where the fault is: its message repeats what it refuses, and objects that come along
// hold the buyer. Nothing above this client can hand them on.
func inStripesWords(res *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("read a refusal of Stripe's: %w", err)
	}
	type words struct {
		Type        string `json:"type,omitempty"`
		Code        string `json:"code,omitempty"`
		DeclineCode string `json:"decline_code,omitempty"`
		Param       string `json:"param,omitempty"`
		Message     string `json:"message"`
	}
	var refusal struct {
		Error *words `json:"error"`
	}
	if json.Unmarshal(body, &refusal) != nil || refusal.Error == nil {
		refusal.Error = &words{Type: "api_error", Message: "a refusal in other words than Stripe's"}
	} else {
		e := refusal.Error
		*e = words{machineWord(e.Type), machineWord(e.Code), machineWord(e.DeclineCode), machineWord(e.Param), "left out"}
	}
	if body, err = json.Marshal(refusal); err != nil {
		return fmt.Errorf("marshal a refusal of Stripe's: %w", err)
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// machineWord is one of Stripe's words for machines, or nothing: line_items[0][price_data], email_invalid.
func machineWord(s string) string {
	if len(s) > 200 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]-") != "" {
		return ""
	}
	return s
}

// stripeLog keeps stripe-go's own log at debug level: what failed is reported by the caller. Stripe's
// words repeat what they refuse, an address for one, so they stay out.
type stripeLog struct{ log *slog.Logger }

func (l stripeLog) Debugf(format string, v ...interface{}) {}
func (l stripeLog) Infof(format string, v ...interface{})  {}
func (l stripeLog) Warnf(format string, v ...interface{}) {
	l.log.Debug("stripe", "detail", format)
}
func (l stripeLog) Errorf(format string, v ...interface{}) {
	l.log.Debug("stripe", "detail", format)
}

// stripeError is a refusal of Stripe's without its words, which may repeat personal data.
type stripeError struct{ cause *stripe.Error }

func (e *stripeError) Error() string {
	return fmt.Sprintf("Stripe answered %d: type %s, code %q, parameter %q, request %s",
		e.cause.HTTPStatusCode, e.cause.Type, e.cause.Code, e.cause.Param, e.cause.RequestID)
}

// withoutWords keeps the code of a refusal of Stripe's and leaves out its words.
func withoutWords(err error) error {
	if e, ok := errors.AsType[*stripe.Error](err); ok {
		return &stripeError{e}
	}
	return err
}

var errNoStripeKey = errors.New("STRIPE_SECRET_KEY is not set")

// createSession makes the hosted payment page of a quote. The checkout's id and attempt are the
// idempotency key, so a repetition finds the same session.
func (s *stripeAPI) createSession(ctx context.Context, c checkout) (session, error) {
	if s.noKey {
		return session{}, errNoStripeKey
	}
	ctx, cancel := context.WithTimeout(ctx, stripeCall)
	defer cancel()
	var without leftOut
	for {
		params, err := s.sessionParams(ctx, c, without)
		if err != nil {
			return session{}, err
		}
		var made *stripe.CheckoutSession
		err = s.retry(ctx, func() error {
			made, err = s.api.CheckoutSessions.New(params)
			return err
		})
		if err == nil {
			return readSession(made.LastResponse.RawJSON)
		}
		part := optional(err)
		if part == "" || without.has(part) {
			return session{}, fmt.Errorf("create a Stripe session for checkout %s: %w", c.ID, err)
		}
		s.log.WarnContext(ctx, "Stripe refuses a part of a payment page, which goes without or with another one", "checkout", c.ID, "error", err)
		without += leftOut("-" + part)
	}
}

// leftOut names the parts of a session that Stripe did not take and that a sale can do without. It
// ends the idempotency key, since the request is another one.
type leftOut string

func (l leftOut) has(part string) bool { return strings.Contains(string(l), part) }

// The parts that a session can do without.
const (
	partEmail       = "email"
	partPictures    = "pictures"
	partDescription = "description"
	partExpiry      = "expiry" // not left out but made later
)

// optional is the part of a session at which Stripe took offence, "" when it cannot be left out.
func optional(err error) string {
	e, ok := errors.AsType[*stripeError](err)
	if !ok || e.cause.HTTPStatusCode != http.StatusBadRequest {
		return ""
	}
	switch param := e.cause.Param; {
	case param == "customer_email" || e.cause.Code == stripe.ErrorCodeEmailInvalid:
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

func (s *stripeAPI) sessionParams(ctx context.Context, c checkout, without leftOut) (*stripe.CheckoutSessionParams, error) {
	p := &stripe.CheckoutSessionParams{
		Mode:                      stripe.String("payment"),
		SuccessURL:                stripe.String(s.shop + "/checkout/success?session_id={CHECKOUT_SESSION_ID}"),
		CancelURL:                 stripe.String(s.shop + "/checkout/confirm"),
		BillingAddressCollection:  stripe.String("required"),
		ShippingAddressCollection: &stripe.CheckoutSessionShippingAddressCollectionParams{AllowedCountries: stripe.StringSlice([]string{"US", "CA"})},
		PhoneNumberCollection:     &stripe.CheckoutSessionPhoneNumberCollectionParams{Enabled: stripe.Bool(true)},
		ClientReferenceID:         stripe.String(c.ID),
		ExpiresAt:                 stripe.Int64(c.ExpiresAt.Unix()),
		Metadata:                  map[string]string{"cart_id": id(c.CartID), "checkout_id": c.ID},
	}
	if without.has(partExpiry) {
		p.ExpiresAt = stripe.Int64(c.ExpiresAt.Add(lateExpiry).Unix())
	}
	p.Context = ctx
	p.SetIdempotencyKey("checkout-" + c.ID + "-" + strconv.Itoa(c.StripeAttempt) + string(without))
	if c.Email != "" && !without.has(partEmail) {
		p.CustomerEmail = stripe.String(c.Email)
	}
	for _, l := range c.Quote.Lines {
		product := &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(itemName(l.ProductTitle))}
		if text := plain(skuText(l.Color, l.Size)); text != "" && !without.has(partDescription) {
			product.Description = stripe.String(text)
		}
		if address := stripePicture(s.base, l.ImageURL); address != "" && !without.has(partPictures) {
			product.Images = stripe.StringSlice([]string{address})
		}
		p.LineItems = append(p.LineItems, lineItem(c.Currency, product, int64(l.Price), l.Quantity))
	}
	if m := c.Quote.Shipping; m != nil && c.ShippingSubtotal > c.ShippingDiscount {
		product := &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: stripe.String(plain("Shipping: " + m.Carrier))}
		p.LineItems = append(p.LineItems, lineItem(c.Currency, product, int64(c.ShippingSubtotal-c.ShippingDiscount), 1))
	}
	if c.ItemDiscount > 0 {
		coupon, err := s.coupon(ctx, c)
		if err != nil {
			return nil, err
		}
		p.Discounts = []*stripe.CheckoutSessionDiscountParams{{Coupon: stripe.String(coupon)}}
	}
	return p, nil
}

func lineItem(currency string, product *stripe.CheckoutSessionLineItemPriceDataProductDataParams, unit int64, quantity int) *stripe.CheckoutSessionLineItemParams {
	return &stripe.CheckoutSessionLineItemParams{
		PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{Currency: stripe.String(currency), ProductData: product, UnitAmount: stripe.Int64(unit)},
		Quantity:  stripe.Int64(int64(quantity)),
	}
}

// coupon makes the one-off coupon that takes a quote's discount off.
func (s *stripeAPI) coupon(ctx context.Context, c checkout) (string, error) {
	p := &stripe.CouponParams{AmountOff: stripe.Int64(int64(c.ItemDiscount)), Currency: stripe.String(c.Currency), Duration: stripe.String("once"), Name: stripe.String("Discount")}
	p.Context = ctx
	p.SetIdempotencyKey("coupon-" + c.ID + "-" + strconv.Itoa(c.StripeAttempt))
	var made *stripe.Coupon
	err := s.retry(ctx, func() (err error) {
		made, err = s.api.Coupons.New(p)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("create a coupon for checkout %s: %w", c.ID, err)
	}
	return made.ID, nil
}

// plain is a text as Stripe takes it: valid, in one line, without control characters.
func plain(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// itemName names a line for Stripe, which wants a name.
func itemName(title string) string {
	if name := plain(title); name != "" {
		return name
	}
	return "Item"
}

// retry adds to the library's own repetitions (broken connections, 409, 5xx) those after 429.
func (s *stripeAPI) retry(ctx context.Context, call func() error) error {
	for try := 1; ; try++ {
		if err := s.brake.take(ctx); err != nil {
			return err
		}
		err := withoutWords(call())
		e, ok := errors.AsType[*stripeError](err)
		if !ok || e.cause.HTTPStatusCode != http.StatusTooManyRequests || try == 3 {
			return err
		}
		select {
		case <-time.After(bus.Backoff(try, 300*time.Millisecond, 2*time.Second)):
		case <-ctx.Done():
			return err
		}
	}
}

// intentFailed asks Stripe whether a payment that was under way has failed for good.
func (s *stripeAPI) intentFailed(ctx context.Context, intent string) (bool, error) {
	if intent == "" {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, stripeCall)
	defer cancel()
	p := &stripe.PaymentIntentParams{}
	p.Context = ctx
	if err := s.brake.take(ctx); err != nil {
		return false, fmt.Errorf("retrieve Stripe payment intent %s: %w", intent, err)
	}
	got, err := s.api.PaymentIntents.Get(intent, p)
	if err = withoutWords(err); err != nil {
		return false, fmt.Errorf("retrieve Stripe payment intent %s: %w", intent, err)
	}
	return got.Status == stripe.PaymentIntentStatusRequiresPaymentMethod || got.Status == stripe.PaymentIntentStatusCanceled, nil
}

// expire closes a payment page that nobody shall pay on any more.
func (s *stripeAPI) expire(ctx context.Context, sessionID string) error {
	if s.noKey {
		return errNoStripeKey
	}
	ctx, cancel := context.WithTimeout(ctx, stripeCall)
	defer cancel()
	if err := s.brake.take(ctx); err != nil {
		return fmt.Errorf("expire Stripe session %s: %w", sessionID, err)
	}
	p := &stripe.CheckoutSessionExpireParams{}
	p.Context = ctx
	if _, err := s.api.CheckoutSessions.Expire(sessionID, p); err != nil {
		return fmt.Errorf("expire Stripe session %s: %w", sessionID, withoutWords(err))
	}
	return nil
}

// status is the HTTP status of Stripe's answer, 0 when there was none.
func status(err error) int {
	if e, ok := errors.AsType[*stripeError](err); ok {
		return e.cause.HTTPStatusCode
	}
	return 0
}
