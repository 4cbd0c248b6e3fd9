package order

import (
	"encoding/json"
	"fmt"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// session is what we read of a Stripe Checkout Session, tolerant of API versions: from 2025-03-31
// on the shipping address is found in collected_information only, before that in shipping_details.
type session struct {
	ID                string       `json:"id"`
	ClientReferenceID string       `json:"client_reference_id"`
	Status            string       `json:"status"`
	PaymentStatus     string       `json:"payment_status"`
	AmountTotal       *money.Cents `json:"-"`
	Currency          string       `json:"currency"`
	URL               string       `json:"url"`
	CustomerEmail     string       `json:"customer_email"`
	PaymentIntent     string       `json:"-"`
	CheckoutID        string       `json:"-"` // of our metadata
	CustomerDetails   *struct {
		Email   string        `json:"email"`
		Name    string        `json:"name"`
		Address stripeAddress `json:"address"`
	} `json:"customer_details"`
	ShippingDetails      *shippingDetails `json:"shipping_details"`
	CollectedInformation *struct {
		ShippingDetails *shippingDetails `json:"shipping_details"`
	} `json:"collected_information"`

	raw json.RawMessage
}

type shippingDetails struct {
	Name    string        `json:"name"`
	Address stripeAddress `json:"address"`
}

type stripeAddress struct {
	Line1      string `json:"line1"`
	City       string `json:"city"`
	State      string `json:"state"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
}

func readSession(raw []byte) (session, error) {
	s := session{raw: raw}
	var more struct {
		AmountTotal   *int64          `json:"amount_total"`
		PaymentIntent json.RawMessage `json:"payment_intent"`
		Metadata      json.RawMessage `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return session{}, fmt.Errorf("read a Stripe session: %w", err)
	}
	if err := json.Unmarshal(raw, &more); err != nil {
		return session{}, fmt.Errorf("read a Stripe session: %w", err)
	}
	if more.AmountTotal != nil {
		n := money.Cents(*more.AmountTotal)
		s.AmountTotal = &n
	}
	s.PaymentIntent = objectID(more.PaymentIntent)
	var metadata struct {
		CheckoutID string `json:"checkout_id"`
	}
	if json.Unmarshal(more.Metadata, &metadata) == nil { // what else is in there is none of ours
		s.CheckoutID = metadata.CheckoutID
	}
	return s, nil
}

// objectID reads a field that Stripe fills with an id or, when expanded, with the object.
func objectID(raw json.RawMessage) string {
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

// paid says that the money is ours: paid, or nothing was due.
func (s session) paid() bool {
	return s.PaymentStatus == "paid" || s.PaymentStatus == "no_payment_required"
}

// complete says that the object holds all that becomes of it; a thin one is retrieved from Stripe.
func (s session) complete() bool {
	if !s.paid() {
		return s.PaymentStatus != ""
	}
	free := s.AmountTotal != nil && *s.AmountTotal == 0 // then there is no payment intent either
	return s.AmountTotal != nil && s.CustomerDetails != nil && (s.collected() != nil || s.ShippingDetails != nil) && (s.PaymentIntent != "" || free)
}

func (s session) email() string {
	if s.CustomerEmail == "" && s.CustomerDetails != nil {
		return s.CustomerDetails.Email
	}
	return s.CustomerEmail
}

func (s session) customerName() string {
	if s.CustomerDetails == nil {
		return ""
	}
	return s.CustomerDetails.Name
}

// shippingAddress is where the order goes; without one, the customer's name alone.
func (s session) shippingAddress() msg.Address {
	for _, d := range []*shippingDetails{s.collected(), s.ShippingDetails} {
		if d != nil {
			return address(d.Name, d.Address)
		}
	}
	return address(s.customerName(), stripeAddress{})
}

func (s session) collected() *shippingDetails {
	if s.CollectedInformation == nil {
		return nil
	}
	return s.CollectedInformation.ShippingDetails
}

func (s session) billingAddress() msg.Address {
	if s.CustomerDetails == nil {
		return msg.Address{}
	}
	return address(s.CustomerDetails.Name, s.CustomerDetails.Address)
}

func address(name string, a stripeAddress) msg.Address {
	return msg.Address{Name: name, Line1: a.Line1, City: a.City, State: a.State, Zip: a.PostalCode, Country: a.Country, CountryCode: a.Country}
}
