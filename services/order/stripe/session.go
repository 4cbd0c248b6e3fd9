package stripe

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// The statuses of a session.
const (
	SessionOpen     = "open"
	SessionComplete = "complete"
	SessionExpired  = "expired"
)

// Session is the part of a Stripe Checkout Session that we read. It tolerates several API versions:
// from 2025-03-31 on the shipping address is in collected_information only, before that in
// shipping_details.
type Session struct {
	ID                string       `json:"id"`
	ClientReferenceID string       `json:"client_reference_id"`
	Status            string       `json:"status"`
	PaymentStatus     string       `json:"payment_status"`
	AmountTotal       *money.Cents `json:"-"`
	Tax               money.Cents  `json:"-"` // the part of AmountTotal that Stripe Tax added
	Currency          string       `json:"currency"`
	URL               string       `json:"url"`
	CustomerEmail     string       `json:"customer_email"`
	PaymentIntent     string       `json:"-"`
	CheckoutID        string       `json:"-"` // from our metadata
	Shop              string       `json:"-"` // from our metadata: SHOP_NAME of the shop that made it
	Created           time.Time    `json:"-"` // zero if Stripe does not say
	CustomerDetails   *struct {
		Email   string        `json:"email"`
		Name    string        `json:"name"`
		Address postalAddress `json:"address"`
	} `json:"customer_details"`
	ShippingDetails      *shippingDetails `json:"shipping_details"`
	CollectedInformation *struct {
		ShippingDetails *shippingDetails `json:"shipping_details"`
	} `json:"collected_information"`

	Raw json.RawMessage `json:"-"` // the JSON that Stripe sent
	// Odd is why the session cannot be read; then it has only the fields that oddSession could
	// read.
	Odd error `json:"-"`
}

type shippingDetails struct {
	Name    string        `json:"name"`
	Address postalAddress `json:"address"`
}

type postalAddress struct {
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

func readSession(raw []byte) (Session, error) {
	s := Session{Raw: raw}
	var more struct {
		AmountTotal  *int64 `json:"amount_total"`
		TotalDetails *struct {
			AmountTax int64 `json:"amount_tax"`
		} `json:"total_details"`
		PaymentIntent json.RawMessage `json:"payment_intent"`
		Metadata      json.RawMessage `json:"metadata"`
		Created       json.RawMessage `json:"created"`
	}

	if err := json.Unmarshal(raw, &s); err != nil {
		return Session{}, fmt.Errorf("read a Stripe session: %w", err)
	}
	if err := json.Unmarshal(raw, &more); err != nil {
		return Session{}, fmt.Errorf("read a Stripe session: %w", err)
	}

	if more.AmountTotal != nil {
		n := money.Cents(*more.AmountTotal)
		s.AmountTotal = &n
	}
	if more.TotalDetails != nil {
		s.Tax = money.Cents(more.TotalDetails.AmountTax)
	}
	s.PaymentIntent = ObjectID(more.PaymentIntent)

	var metadata struct {
		CheckoutID string `json:"checkout_id"`
		Shop       string `json:"shop"`
	}
	if json.Unmarshal(more.Metadata, &metadata) == nil { // other metadata is not ours
		s.CheckoutID, s.Shop = metadata.CheckoutID, metadata.Shop
	}
	s.Created = UnixTime(more.Created)
	s.Clean()
	return s, nil
}

// ReadSession is readSession, and reads the readable fields of a session that has an id but not the
// documented form: staff must learn that a buyer paid.
func ReadSession(raw []byte) (Session, error) {
	s, err := readSession(raw)
	if err != nil {
		s = oddSession(raw, err)
	}
	if s.ID == "" {
		return Session{}, errors.Join(errors.New("a session without an id"), err)
	}
	return s, nil
}

// oddSession reads the readable fields of a session, each by itself.
func oddSession(raw []byte, cause error) Session {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return Session{}
	}
	s := Session{Raw: raw, Odd: cause, PaymentIntent: ObjectID(fields["payment_intent"]),
		Created: UnixTime(fields["created"])}
	for name, into := range map[string]*string{
		"id": &s.ID, "client_reference_id": &s.ClientReferenceID, "status": &s.Status,
		"payment_status": &s.PaymentStatus, "currency": &s.Currency,
	} {
		var text string
		if json.Unmarshal(fields[name], &text) == nil {
			*into = text
		}
	}
	s.Clean()
	return s
}

// The longest texts of a session, in bytes: more than Stripe allows, less than an index refuses.
const (
	MaxID   = 255
	MaxText = 1000
)

// Clean makes every text of a session storable. All texts that buyers give Stripe pass through it:
// the order, its messages and its mail are made from the result.
func (s *Session) Clean() {
	for _, id := range []*string{&s.ID, &s.ClientReferenceID, &s.PaymentIntent, &s.CheckoutID} {
		*id = pg.StorableKey(*id, MaxID)
	}
	texts := []*string{&s.Status, &s.PaymentStatus, &s.Currency}
	if d := s.CustomerDetails; d != nil {
		d.Email = usableEmail(d.Email)
		texts = append(append(texts, &d.Name), d.Address.texts()...)
	}
	for _, d := range []*shippingDetails{s.ShippingDetails, s.collected()} {
		if d != nil {
			texts = append(append(texts, &d.Name), d.Address.texts()...)
		}
	}
	for _, t := range texts {
		*t = pg.StorableText(*t, MaxText)
	}
	s.CustomerEmail = usableEmail(s.CustomerEmail)
	s.URL = pg.StorableText(s.URL, 0)
}

func (a *postalAddress) texts() []*string {
	return []*string{&a.Line1, &a.Line2, &a.City, &a.State, &a.PostalCode, &a.Country}
}

// usableEmail is a valid address, or "": a corrected one would be another person's.
func usableEmail(address string) string {
	if pg.StorableText(address, email.MaxLength) != address || strings.ContainsRune(address, utf8.RuneError) {
		return ""
	}
	return address
}

// UnixTime reads a field of seconds; the zero time if it is not valid.
func UnixTime(raw json.RawMessage) time.Time {
	var seconds float64
	if json.Unmarshal(raw, &seconds) != nil || seconds <= 0 || seconds > 1<<36 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

// ObjectID reads a field that Stripe fills with an id or, when expanded, with the object.
func ObjectID(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var object struct{ ID string }
	if json.Unmarshal(raw, &object) == nil {
		return object.ID
	}
	return ""
}

// Paid reports whether the money is ours: the session is paid, or nothing was due. A session that
// cannot be read and does not deny it may be paid, and goes to staff.
func (s Session) Paid() bool {
	return s.PaymentStatus == "paid" || s.PaymentStatus == "no_payment_required" ||
		(s.Odd != nil && s.PaymentStatus == "")
}

// Complete reports whether the object has everything that an order needs; an incomplete one is
// retrieved from Stripe.
func (s Session) Complete() bool {
	if s.Odd != nil {
		return false
	}
	if !s.Paid() {
		return s.PaymentStatus != ""
	}
	free := s.AmountTotal != nil && *s.AmountTotal == 0 // then there is no payment intent either
	return s.AmountTotal != nil && s.CustomerDetails != nil && (s.collected() != nil || s.ShippingDetails != nil) &&
		(s.PaymentIntent != "" || free)
}

// Email is the buyer's address, or "".
func (s Session) Email() string {
	if s.CustomerEmail == "" && s.CustomerDetails != nil {
		return s.CustomerDetails.Email
	}
	return s.CustomerEmail
}

// CustomerName is the buyer's name, or "".
func (s Session) CustomerName() string {
	if s.CustomerDetails == nil {
		return ""
	}
	return s.CustomerDetails.Name
}

// ShippingAddress is where the order goes; without one, the customer's name alone.
func (s Session) ShippingAddress() msg.Address {
	for _, d := range []*shippingDetails{s.collected(), s.ShippingDetails} {
		if d != nil {
			return address(d.Name, d.Address)
		}
	}
	return address(s.CustomerName(), postalAddress{})
}

func (s Session) collected() *shippingDetails {
	if s.CollectedInformation == nil {
		return nil
	}
	return s.CollectedInformation.ShippingDetails
}

// BillingAddress is where the bill goes.
func (s Session) BillingAddress() msg.Address {
	if s.CustomerDetails == nil {
		return msg.Address{}
	}
	return address(s.CustomerDetails.Name, s.CustomerDetails.Address)
}

func address(name string, a postalAddress) msg.Address {
	return msg.Address{Name: name, Line1: a.Line1, Line2: a.Line2, City: a.City, State: a.State, Zip: a.PostalCode,
		Country: a.Country, CountryCode: a.Country}
}
