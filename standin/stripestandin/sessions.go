package stripestandin

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of a Checkout Session, as at Stripe.
const (
	maxLines    = 100
	maxQuantity = 999_999
	minLifetime = 30 * time.Minute
	maxLifetime = 24 * time.Hour
)

// sessionRecord is a session with the data that its JSON does not show.
type sessionRecord struct {
	Session  *session       `json:"session"`
	Lines    []lineItem     `json:"lines"`
	Products []product      `json:"products"` // one per line
	Rates    []shippingRate `json:"rates,omitempty"`
	Coupon   string         `json:"coupon,omitempty"`
	Intent   intentData     `json:"intent_data"`

	Method       string `json:"method,omitempty"` // how it was paid: card, delayed, free
	CompletedAt  int64  `json:"completed_at,omitempty"`
	AsyncPending bool   `json:"async_pending,omitempty"` // whether the bank's answer is pending
	AsyncDue     int64  `json:"async_due,omitempty"`     // in milliseconds; 0: a person decides
	AsyncSucceed bool   `json:"async_succeed,omitempty"`
}

// intentData is the session's payment_intent_data.
type intentData struct {
	Description   text              `json:"description"`
	ReceiptEmail  text              `json:"receipt_email"`
	Descriptor    text              `json:"statement_descriptor"`
	DescriptorEnd text              `json:"statement_descriptor_suffix"`
	Metadata      map[string]string `json:"metadata"`
}

// shippingRate is one shipping option of a session.
type shippingRate struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Amount int64  `json:"amount"`
}

// unsettled reports whether the passing of time may still change the session.
func (rec *sessionRecord) unsettled() bool {
	return rec.Session.Status == "open" || rec.AsyncPending
}

// clone returns a copy whose top-level fields may be changed.
func (rec *sessionRecord) clone() *sessionRecord {
	out, s := *rec, *rec.Session
	out.Session = &s
	return &out
}

// POST /v1/checkout/sessions
func createSession(t *tx, _ *http.Request, p reader) (any, error) {
	now := t.now.Unix()
	id := newID("cs_test_", 58)
	rec := &sessionRecord{Session: &session{
		ID:                      id,
		Object:                  "checkout.session",
		Created:                 now,
		Status:                  "open",
		PaymentStatus:           "unpaid",
		UIMode:                  "hosted",
		PaymentMethodCollection: "if_required",
		CustomFields:            []string{},
		CustomText: map[string]null{"after_submit": nil, "shipping_address": nil, "submit": nil,
			"terms_of_service_acceptance": nil},
		PaymentMethodOptions: map[string]any{},
		ShippingOptions:      []shippingOption{},
		Discounts:            []discount{},
		URL:                  text(t.s.publicURL + "/c/pay/" + id),
		InvoiceCreation:      map[string]any{"enabled": false},
	}}

	expand := p.strings("expand", 20, 200)
	rec.readBasics(p, now)
	rec.readCollection(p)
	rec.readLines(p, now)
	rec.readShipping(p)
	coupon := rec.readDiscount(t, p)
	rec.readIntentData(p.object("payment_intent_data"))
	rec.readUnsupported(p)
	if err := p.done(); err != nil {
		return nil, err
	}

	rec.total(coupon)
	if err := rec.checkTotal(); err != nil {
		return nil, err
	}
	if e := rec.Session.CustomerEmail; e != "" {
		rec.Session.CustomerDetails = &customerDetails{Email: e, TaxExempt: "none"}
	}
	shown, err := t.render(rec, expand, "")
	if err != nil {
		return nil, err
	}
	t.putSession(rec)
	return shown, nil
}

func (rec *sessionRecord) readBasics(p reader, now int64) {
	s := rec.Session
	if s.Mode = p.required("mode", 20); s.Mode != "" && s.Mode != "payment" {
		if s.Mode == "setup" || s.Mode == "subscription" {
			p.fail(unsupported("mode=" + s.Mode))
		}
		p.fail(refuse("", "mode", "Invalid mode: must be one of payment, setup, or subscription"))
	}

	s.SuccessURL = p.required("success_url", 5000)
	p.checkURL("success_url", s.SuccessURL)
	s.CancelURL = text(p.str("cancel_url", 5000))
	p.checkURL("cancel_url", string(s.CancelURL))
	s.CustomerEmail = text(p.str("customer_email", 800))
	if s.CustomerEmail != "" && !validEmail(string(s.CustomerEmail)) {
		p.fail(refuse("email_invalid", "customer_email", "Invalid email address: %s", s.CustomerEmail))
	}
	if v := p.str("customer", 200); v != "" {
		p.fail(noSuch(http.StatusBadRequest, "customer", "customer", v))
	}

	s.ClientReferenceID = text(p.str("client_reference_id", 200))
	s.Metadata = p.metadata("metadata")
	s.Locale = text(p.str("locale", 10))
	s.SubmitType = text(p.enum("submit_type", "auto", "book", "donate", "pay"))
	s.CustomerCreation = text(p.enum("customer_creation", "always", "if_required"))
	if s.CustomerCreation == "" {
		s.CustomerCreation = "if_required"
	}
	s.Currency = strings.ToLower(p.str("currency", 3))
	p.enum("ui_mode", "hosted")
	p.enum("payment_method_collection", "always", "if_required")
	s.ExpiresAt = now + int64(maxLifetime/time.Second)

	if at, given := p.integer("expires_at", 0, 1<<40); given {
		switch lifetime := time.Duration(at-now) * time.Second; {
		case lifetime < minLifetime:
			p.fail(refuse("", "expires_at",
				"The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."))
		case lifetime > maxLifetime:
			p.fail(refuse("", "expires_at",
				"The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."))
		}
		s.ExpiresAt = at
	}
}

func (rec *sessionRecord) readCollection(p reader) {
	s := rec.Session
	s.BillingAddressCollection = text(p.enum("billing_address_collection", "auto", "required"))
	s.PhoneNumberCollection.Enabled = p.object("phone_number_collection").boolean("enabled")
	if p.has("shipping_address_collection") {
		at := p.object("shipping_address_collection")
		allowed := at.strings("allowed_countries", 300, 10)
		if len(allowed) == 0 {
			p.fail(missing(at.path("allowed_countries")))
		}
		for i, c := range allowed {
			if !shippable(c) {
				p.fail(refuse("", at.path("allowed_countries")+"["+strconv.Itoa(i)+"]",
					"Invalid allowed_countries: %s is not a country Stripe ships to.", c))
			}
		}
		s.ShippingAddressCollection = &allowedCountries{AllowedCountries: allowed}
	}

	s.PaymentMethodTypes = p.strings("payment_method_types", 20, 40)
	for i, m := range s.PaymentMethodTypes {
		if m != "card" && !delayedMethods[m] {
			p.fail(refuse("", "payment_method_types["+strconv.Itoa(i)+"]",
				"Invalid payment_method_types: the stand-in takes card, us_bank_account, sepa_debit, bacs_debit, "+
					"acss_debit and au_becs_debit."))
		}
	}

	if len(s.PaymentMethodTypes) == 0 {
		s.PaymentMethodTypes = []string{"card", "us_bank_account"}
	}
}

// delayedMethods are the payment methods whose money comes days after the session is complete.
var delayedMethods = map[string]bool{
	"us_bank_account": true, "sepa_debit": true, "bacs_debit": true, "acss_debit": true, "au_becs_debit": true,
}

func (rec *sessionRecord) takesCard() bool {
	return slices.Contains(rec.Session.PaymentMethodTypes, "card")
}

func (rec *sessionRecord) takesDelayed() bool {
	return slices.ContainsFunc(rec.Session.PaymentMethodTypes, func(m string) bool { return delayedMethods[m] })
}

// readUnsupported refuses settings that would change the payment and are not imitated; those that
// only say "off" pass.
func (rec *sessionRecord) readUnsupported(p reader) {
	tax := &rec.Session.AutomaticTax
	if tax.Enabled = p.object("automatic_tax").boolean("enabled"); tax.Enabled {
		tax.Status = "requires_location_inputs"
	}
	for _, name := range []string{"invoice_creation", "tax_id_collection"} {
		if at := p.object(name); at.boolean("enabled") {
			p.fail(unsupported(name))
		}
	}
	if p.boolean("allow_promotion_codes") {
		p.fail(unsupported("allow_promotion_codes"))
	}
	p.unsupported("adaptive_pricing", "after_expiration", "consent_collection", "custom_fields", "custom_text",
		"customer_update",
		"payment_method_configuration", "payment_method_data", "payment_method_options", "redirect_on_completion",
		"return_url", "saved_payment_method_options", "setup_intent_data", "subscription_data")
}

func (rec *sessionRecord) readIntentData(p reader) {
	rec.Intent = intentData{
		Description:   text(p.str("description", 1000)),
		ReceiptEmail:  text(p.str("receipt_email", 800)),
		Descriptor:    text(p.str("statement_descriptor", 22)),
		DescriptorEnd: text(p.str("statement_descriptor_suffix", 22)),
		Metadata:      p.metadata("metadata"),
	}
	p.enum("capture_method", "automatic", "automatic_async")
	p.unsupported("application_fee_amount", "on_behalf_of", "setup_future_usage", "shipping", "transfer_data",
		"transfer_group")
}

// checkURL refuses everything but an absolute http(s) address. The placeholder
// {CHECKOUT_SESSION_ID} is allowed although addresses may not contain braces.
func (r reader) checkURL(name, v string) {
	if v == "" {
		return
	}
	if e := urlFault(r.path(name), strings.ReplaceAll(v, "{CHECKOUT_SESSION_ID}", "cs")); e != nil {
		r.fail(e)
	}
}

func urlFault(param, v string) *apiError {
	u, err := url.Parse(v)
	switch {
	case strings.ContainsFunc(v, func(r rune) bool { return r > '~' }):
		return refuse("url_invalid", param,
			"Invalid URL: Non-ASCII characters in URLs must be percent-encoded in order for the URL to be valid.")
	case err != nil || strings.ContainsAny(v, " \n\r\t"):
		return refuse("url_invalid", param, "Not a valid URL")
	case u.Scheme == "":
		return refuse("url_invalid", param, "Invalid URL: An explicit scheme (such as https) must be provided.")
	case u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		return refuse("url_invalid", param, "Not a valid URL")
	}
	return nil
}

// validEmail reports whether Stripe would accept v as an address.
func validEmail(v string) bool {
	local, domain, ok := strings.Cut(v, "@")
	if !ok || local == "" || len(local) > 64 || len(v) > 254 || !strings.Contains(domain, ".") {
		return false
	}
	for _, c := range []byte(local) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),:;<>[\]`, c) >= 0 {
			return false
		}
	}
	if local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, "..") {
		return false
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' ||
			strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
