package order

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	textAddressRequired = "Please enter the e-mail address for your receipt."
	textMemberAddress   = `This e-mail address belongs to an account. Please <a ` +
		`href="/login?next=checkout/confirm">log in</a> to go on, or use another address.`
)

// anonymousEmailAddressPaymentLookup takes the address to which a visitor wants the receipt. Edge
// has already looked up whether it belongs to a member: that is part of the identity.
func (s *server) anonymousEmailAddressPaymentLookup(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}

	who := web.Who(r)
	address := strings.TrimSpace(form.Get("anonymous_email_address"))
	list, code, err := knownAddress(r.Context(), s.pool, allowListKey(who), pg.StorableText(address, 0))
	if err != nil {
		return err
	}
	if !namesShopper(list, who) {
		return answer(w, notAllowed{})
	}

	refusal := func(code, text string) error {
		return answer(w, addressAnswer{CheckoutAllowed: true, Outcome: "error",
			Errors: &refusalErrors{Error: code, Description: text}})
	}
	if !email.Valid(address) {
		return refusal(codeAddressRequired, textAddressRequired)
	}
	if who.AddressOfMember {
		web.TellOutcome(w, web.OutcomeReveals)
		return refusal(codeAddressOfMember, textMemberAddress)
	}
	if err := s.rememberAddress(r.Context(), who, address, code); err != nil {
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

// guestAddress is the address for a visitor's receipt: the one sent with the click, otherwise the
// one that the cart remembers, otherwise "". Old pages send whatever was typed, so text that does
// not have the shape of an address is ignored: it is neither stored nor sent to Stripe, which then
// asks for an address. Uses of a code are counted by this address, so it is part of the cart from
// here on.
func guestAddress(c *cart, form web.Values) string {
	if address := strings.TrimSpace(form.Get("anonymous_email_address")); email.Valid(address) {
		c.ReceiptEmail = &address
	}
	return pg.Text(c.ReceiptEmail)
}

// addressTries is how often the code of an address is read again because another request proposed
// one in the meantime.
const addressTries = 3

// rememberAddress stores the address on the cart, if there is one, and has user make the prospect.
// code is the code of the address, or "".
func (s *server) rememberAddress(ctx context.Context, who web.Identity, address, code string) error {
	cart := who.Cart
	if who.Member() {
		cart = ""
	}
	for range addressTries {
		known := code != ""
		if !known {
			code = random.Code(prospectCodeLength)
		}
		kept, err := keepAddress(ctx, s.outbox, cart, address,
			msg.ReceiptAddressGiven{Email: address, ProspectCode: code, At: time.Now().UTC()}, known)
		if err != nil {
			return err
		}
		if kept {
			s.outbox.Await(ctx, msg.UserOrder, receiptAddressKey(code))
			return nil
		}
		if _, code, err = knownAddress(ctx, s.pool, allowListKey(who), address); err != nil {
			return err
		}
	}
	return errors.New("the code of an address keeps changing")
}

func receiptAddressKey(code string) string { return "receipt-address:" + code }

// changeConfirmationEmailAddress drops the receipt address.
func (s *server) changeConfirmationEmailAddress(w http.ResponseWriter, r *http.Request) error {
	who := web.Who(r)
	ok, err := mayCheckOut(r.Context(), s.pool, who, nil)
	if err != nil {
		return err
	}
	if !ok {
		return answer(w, notAllowed{})
	}
	if !who.Member() && who.Cart != "" {
		if err := setReceiptAddress(r.Context(), s.pool, who.Cart, nil); err != nil {
			return err
		}
	}
	return answer(w, struct {
		CheckoutAllowed bool        `json:"checkout_allowed"`
		Outcome         web.Success `json:"change_confirmation_email_address"`
		versioned
	}{CheckoutAllowed: true})
}
