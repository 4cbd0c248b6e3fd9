package order

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	textAddressRequired = "Please enter the e-mail address to which we may send your receipt."
	textMemberAddress   = `This e-mail address belongs to an account. Please <a ` +
		`href="/login?next=checkout/confirm">log in</a> to go on, or use another address.`
)

// anonymousEmailAddressPaymentLookup takes the address to which a visitor wants the receipt. Whether
// it is a member's was looked up by edge and is part of the identity.
func (s *server) anonymousEmailAddressPaymentLookup(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	who := web.Who(r)
	ok, err := s.mayCheckOut(r.Context(), who)
	if err != nil {
		return err
	}
	if !ok {
		return answer(w, notAllowed{})
	}
	refusal := func(code, text string) error {
		return answer(w, addressAnswer{CheckoutAllowed: true, Outcome: "error",
			Errors: &refusalErrors{Error: code, Description: text}})
	}
	address := strings.TrimSpace(form.Get("anonymous_email_address"))
	if !email.Valid(address) {
		return refusal(codeAddressRequired, textAddressRequired)
	}
	if who.AddressOfMember {
		web.TellOutcome(w, web.OutcomeReveals)
		return refusal(codeAddressOfMember, textMemberAddress)
	}
	if err := s.rememberAddress(r.Context(), who, address); err != nil {
		return err
	}
	return answer(w, addressAnswer{CheckoutAllowed: true, Outcome: "success",
		addressTaken: &addressTaken{StripePublishableKey: s.cfg.StripePublishableKey}})
}

type addressAnswer struct {
	CheckoutAllowed bool           `json:"checkout_allowed"`
	Outcome         string         `json:"anonymous_email_address_payment_lookup"`
	Errors          *refusalErrors `json:"errors,omitempty"`
	*addressTaken
	versioned
}

type addressTaken struct {
	StripePublishableKey string `json:"stripe_publishable_key"`
	CustomerData         any    `json:"customer_data"` // null: pages once read a saved card here
}

// guestAddress is the address for a visitor's receipt: the one that came with the click, else the one
// that the cart remembers; "" when there is none. Old pages send whatever was typed, so what has not the
// shape of an address counts as none: it is neither stored nor sent to Stripe, which asks for one. It
// decides whose uses of a code count, so it is part of the cart from here on.
func guestAddress(c *cart, form web.Values) string {
	if address := strings.TrimSpace(form.Get("anonymous_email_address")); email.Valid(address) {
		c.ReceiptEmail = &address
	}
	return text(c.ReceiptEmail)
}

// rememberAddress keeps the address on the cart, if there is one, and has user make the prospect.
func (s *server) rememberAddress(ctx context.Context, who web.Identity, address string) error {
	var key string
	err := s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		if !who.Member() && who.Cart != "" {
			if err := setReceiptAddress(ctx, tx, who.Cart, &address); err != nil {
				return err
			}
		}
		codes, err := prospectCodes(ctx, tx, []string{address})
		if err != nil {
			return err
		}
		code := codes[email.Key(address)]
		key = "receipt-address:" + code
		return bus.Enqueue(ctx, tx, msg.Message{
			Key: key, Subject: msg.ReceiptAddressGivenSubject,
			Payload: msg.ReceiptAddressGiven{Email: address, ProspectCode: code, At: time.Now().UTC()},
		})
	})
	if err == nil {
		s.outbox.Await(ctx, msg.UserOrder, key)
	}
	return err
}

// changeConfirmationEmailAddress drops the receipt address.
func (s *server) changeConfirmationEmailAddress(w http.ResponseWriter, r *http.Request) error {
	who := web.Who(r)
	ok, err := s.mayCheckOut(r.Context(), who)
	if err != nil {
		return err
	}
	if !ok {
		return answer(w, notAllowed{})
	}
	if !who.Member() && who.Cart != "" {
		if err := setReceiptAddress(r.Context(), s.db, who.Cart, nil); err != nil {
			return err
		}
	}
	return answer(w, struct {
		CheckoutAllowed bool        `json:"checkout_allowed"`
		Outcome         web.Success `json:"change_confirmation_email_address"`
		versioned
	}{CheckoutAllowed: true})
}
