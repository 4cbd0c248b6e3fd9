package stripestandin

import (
	"maps"
	"net/http"
	"time"
)

// payer holds what the hosted page asks the shopper for.
type payer struct {
	Email, Name, Phone string
	Billing            address
	ShippingName       string
	Shipping           *address
	Delayed            bool
	Card               cardDetails
	ShippingOption     int
}

// notOpen refuses to pay a session that is complete or expired.
func notOpen(s *session, doing string) *apiError {
	return refuse("", "session", "Only Checkout Sessions with a status in [\"open\"] can be %s. This Checkout "+
		"Session has a status of %s.", doing, s.Status)
}

// complete completes a session: its money is paid now, comes later (a bank debit), or is not
// needed. It returns the id of the checkout.session.completed event.
func (t *tx) complete(rec *sessionRecord, who payer) (string, error) {
	if rec.Session.Status != "open" {
		return "", notOpen(rec.Session, "paid")
	}
	rec = rec.clone()
	s := rec.Session
	rec.ship(who.ShippingOption)
	rec.CompletedAt = t.now.Unix()
	s.Status, s.URL = "complete", ""
	billing := who.Billing
	s.CustomerDetails = &customerDetails{
		Address:   &billing,
		Name:      text(who.Name),
		Phone:     text(who.Phone),
		TaxExempt: "none",
		TaxIDs:    []string{},
		Email:     text(who.Email),
	}

	if s.CustomerEmail != "" {
		s.CustomerDetails.Email = s.CustomerEmail
	}
	var ship *shippingDetails
	if who.Shipping != nil {
		ship = &shippingDetails{Address: who.Shipping, Name: text(who.ShippingName)}
	}
	t.fillShipping(s, ship)
	at := billing
	if who.Shipping != nil {
		at = *who.Shipping
	}

	rec.tax(at)
	if c, ok := t.coupons.get(rec.Coupon); ok {
		used := *c
		used.TimesRedeemed++
		put(t, kindCoupon, &t.coupons, used.ID, &used)
	}

	switch {
	case s.AmountTotal == 0:
		rec.Method, s.PaymentStatus = "free", "no_payment_required"
	case who.Delayed:
		rec.Method, rec.AsyncPending = "delayed", true
		if sw := t.settings.Switches; sw.AsyncAfterMS > 0 {
			rec.AsyncDue = t.now.UnixMilli() + sw.AsyncAfterMS
			rec.AsyncSucceed = sw.AsyncOutcome != "fail"
		}
		t.begin(rec, who, ship)
	default:
		rec.Method, s.PaymentStatus = "card", "paid"
		t.succeed(t.begin(rec, who, ship))
	}

	t.putSession(rec)
	return t.emit("checkout.session.completed", s, nil), nil
}

// fillShipping sets the address in the fields that the switch selects: Stripe moved it to another
// field in API version 2025-03-31.
func (t *tx) fillShipping(s *session, ship *shippingDetails) {
	shape := t.settings.Switches.ShippingShape
	if shape != ShapeCollected {
		s.ShippingDetails = ship
	}
	if shape != ShapeDetails {
		s.CollectedInformation = &collectedInformation{ShippingDetails: ship}
	}
}

// begin makes an intent and a charge that have not succeeded yet.
func (t *tx) begin(rec *sessionRecord, who payer, ship *shippingDetails) *intent {
	s := rec.Session
	id := newID("pi_3", 23)
	s.PaymentIntent = ref{id: id}
	methods, details := []string{"card"}, methodDetails{Type: "card", Card: &who.Card}
	if who.Delayed {
		methods = []string{"us_bank_account"}
		details = methodDetails{Type: "us_bank_account",
			USBankAccount: &bankDetails{"individual", "checking", "STRIPE TEST BANK", "6789"}}
	}

	in := &intent{
		ID:                 id,
		Object:             "payment_intent",
		Amount:             s.AmountTotal,
		AmountDetails:      map[string]any{"tip": map[string]any{}},
		CaptureMethod:      "automatic",
		ClientSecret:       id + "_secret_" + newID("", 25),
		ConfirmationMethod: "automatic",
		Created:            t.now.Unix(),
		Currency:           s.Currency,
		Description:        rec.Intent.Description,
		LatestCharge:       ref{id: newID("ch_3", 23)},
		Metadata:           maps.Clone(rec.Intent.Metadata),
		PaymentMethod:      text(newID("pm_1", 23)),
		PaymentMethodTypes: methods,
		ReceiptEmail:       rec.Intent.ReceiptEmail,
		Shipping:           ship,
		Descriptor:         rec.Intent.Descriptor,
		DescriptorSuffix:   rec.Intent.DescriptorEnd,
		Status:             "processing",
	}

	ch := &charge{
		ID:             in.LatestCharge.id,
		Object:         "charge",
		Amount:         in.Amount,
		Captured:       true,
		AmountCaptured: in.Amount,
		BillingDetails: billingDetails{s.CustomerDetails.Address, s.CustomerDetails.Email, s.CustomerDetails.Name,
			s.CustomerDetails.Phone},
		Created:              in.Created,
		Currency:             in.Currency,
		Description:          in.Description,
		Metadata:             in.Metadata,
		PaymentIntent:        ref{id: id},
		PaymentMethod:        in.PaymentMethod,
		PaymentMethodDetails: details,
		ReceiptEmail:         in.ReceiptEmail,
		Shipping:             ship,
		Status:               "pending",
	}

	put(t, kindIntent, &t.intents, in.ID, in)
	put(t, kindCharge, &t.charges, ch.ID, ch)
	return in
}

// succeed marks an intent and its charge as paid.
func (t *tx) succeed(before *intent) {
	in := *before
	in.Status, in.AmountReceived = "succeeded", in.Amount
	put(t, kindIntent, &t.intents, in.ID, &in)
	if old, ok := t.charges.get(in.LatestCharge.id); ok {
		ch := *old
		ch.Status, ch.Paid, ch.BalanceTransaction = "succeeded", true, text(newID("txn_3", 23))
		ch.Outcome = map[string]any{"network_status": "approved_by_network", "risk_level": "normal",
			"seller_message": "Payment complete.", "type": "authorized"}
		put(t, kindCharge, &t.charges, ch.ID, &ch)
	}
	t.emit("payment_intent.succeeded", &in, nil)
}

// settleDebit applies the bank's answer to a delayed payment.
func (t *tx) settleDebit(rec *sessionRecord, ok bool) (*sessionRecord, error) {
	in, known := t.intents.get(rec.Session.PaymentIntent.id)
	if !rec.AsyncPending || !known {
		return rec, refuse("", "session", "This Checkout Session has no bank debit under way.")
	}
	rec = rec.clone()
	rec.AsyncPending, rec.AsyncDue = false, 0
	if ok {
		rec.Session.PaymentStatus = "paid"
		t.succeed(in)
		t.putSession(rec)
		t.emit("checkout.session.async_payment_succeeded", rec.Session, nil)
		return rec, nil
	}

	failed := *in
	failed.Status = "requires_payment_method"
	failed.PaymentMethod = ""
	failed.LastPaymentError = &paymentError{
		Code:    "payment_intent_payment_attempt_failed",
		Type:    "invalid_request_error",
		Message: "The customer's bank refused the debit.",
	}
	put(t, kindIntent, &t.intents, failed.ID, &failed)
	if old, has := t.charges.get(in.LatestCharge.id); has {
		ch := *old
		ch.Status, ch.Captured, ch.AmountCaptured = "failed", false, 0
		ch.FailureCode, ch.FailureMessage = "debit_not_authorized", text(failed.LastPaymentError.Message)
		put(t, kindCharge, &t.charges, ch.ID, &ch)
	}

	t.putSession(rec)
	t.emit("payment_intent.payment_failed", &failed, nil)
	t.emit("checkout.session.async_payment_failed", rec.Session, nil)
	return rec, nil
}

// expire ends an open session.
func (t *tx) expire(rec *sessionRecord) (*sessionRecord, error) {
	if rec.Session.Status != "open" {
		return rec, notOpen(rec.Session, "expired")
	}
	rec = rec.clone()
	rec.Session.Status, rec.Session.URL = "expired", ""
	t.putSession(rec)
	t.emit("checkout.session.expired", rec.Session, nil)
	return rec, nil
}

// applyTime expires a session or settles its debit if that is due.
func (t *tx) applyTime(rec *sessionRecord) *sessionRecord {
	switch {
	case rec.Session.Status == "open" && rec.Session.ExpiresAt <= t.now.Unix():
		rec, _ = t.expire(rec) // fails only for a session that is not open
	case rec.AsyncPending && rec.AsyncDue > 0 && rec.AsyncDue <= t.now.UnixMilli():
		rec, _ = t.settleDebit(rec, rec.AsyncSucceed) // fails only without a pending debit
	}
	return rec
}

func (t *tx) applyTimeToAll() {
	for id := range t.open {
		if rec, ok := t.sessions.get(id); ok {
			t.applyTime(rec)
		}
	}
}

// timeEvery is how often watchTime applies time.
const timeEvery = 200 * time.Millisecond

// watchTime expires sessions and settles debits in the background, until stop is closed.
func (s *Server) watchTime(stop <-chan struct{}) {
	tick := time.NewTicker(timeEvery)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		case <-s.clockMoved:
		}
		// A failed write has been logged, and API calls fail from then on.
		_ = s.change("", "", func(t *tx) error {
			t.applyTimeToAll()
			t.dropAnswers(t.now)
			return nil
		})
	}
}

// GET /v1/payment_intents/{id}
func retrieveIntent(t *tx, r *http.Request, p reader) (any, error) {
	expand := p.strings("expand", 20, 200)
	p.str("client_secret", 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	in, ok := t.intents.get(r.PathValue("id"))
	if !ok {
		return nil, noSuch(http.StatusNotFound, "payment_intent", "intent", r.PathValue("id"))
	}
	shown := *in
	for _, path := range expand {
		switch path {
		case "latest_charge":
			t.expandCharge(&shown)
		case "customer", "payment_method", "invoice":
			// Stripe expands these, the stand-in returns an id or null.
		default:
			return nil, refuse("", "expand", "This property cannot be expanded (%s).", shorten(path, 80))
		}
	}
	return &shown, nil
}

// GET /v1/charges/{id}
func retrieveCharge(t *tx, r *http.Request, p reader) (any, error) {
	p.strings("expand", 20, 200)
	if err := p.done(); err != nil {
		return nil, err
	}
	ch, ok := t.charges.get(r.PathValue("id"))
	if !ok {
		return nil, noSuch(http.StatusNotFound, "charge", "id", r.PathValue("id"))
	}
	return ch, nil
}
