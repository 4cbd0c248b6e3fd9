package order

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	textAddressRequired = "Please enter the e-mail address to which we may send your receipt."
	textMemberAddress   = `This e-mail address belongs to an account. Please <a href="/login?next=checkout/confirm">log in</a> to go on, or use another address.`
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
		return answer(w, addressAnswer{CheckoutAllowed: true, Outcome: "error", Errors: &refusalErrors{Error: code, Description: text}})
	}
	address := strings.TrimSpace(form.Get("anonymous_email_address"))
	if !email.Valid(address) {
		return refusal("anonymous-email-address-required", textAddressRequired)
	}
	if who.AddressOfMember {
		web.TellOutcome(w, web.OutcomeReveals)
		return refusal("email-address-is-associated-with-member", textMemberAddress)
	}
	if err := s.rememberAddress(r.Context(), who, address); err != nil {
		return err
	}
	return answer(w, addressAnswer{CheckoutAllowed: true, Outcome: "success", addressTaken: &addressTaken{StripePublishableKey: s.cfg.StripePublishableKey}})
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
			if _, err := tx.Exec(ctx, `UPDATE cart SET receipt_email = $2 WHERE anonymous_id = $1`, who.Cart, address); err != nil {
				return fmt.Errorf("remember a receipt address: %w", err)
			}
		}
		codes, err := prospectCodes(ctx, tx, []string{address})
		if err != nil {
			return err
		}
		code := codes[addressKey(address)]
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

// changeConfirmationEmailAddress forgets the receipt address.
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
		if _, err := s.db.Exec(r.Context(), `UPDATE cart SET receipt_email = NULL WHERE anonymous_id = $1`, who.Cart); err != nil {
			return fmt.Errorf("forget a receipt address: %w", err)
		}
	}
	return answer(w, struct {
		CheckoutAllowed bool        `json:"checkout_allowed"`
		Outcome         web.Success `json:"change_confirmation_email_address"`
		versioned
	}{CheckoutAllowed: true})
}

// prospectCodes gives every address its pr_cd: the one that user told us, else one that we propose.
// The result is keyed by addressKey.
func prospectCodes(ctx context.Context, tx pgx.Tx, addresses []string) (map[string]string, error) {
	emails, proposals := make([]string, len(addresses)), make([]string, len(addresses))
	for i, a := range addresses {
		emails[i], proposals[i] = addressKey(a), random.Code(20)
	}
	type row struct{ Email, Code string }
	rows, err := collect[row](ctx, tx, "prospect codes", `
		INSERT INTO prospect (email, code)
		SELECT DISTINCT ON (email) email, code FROM unnest($1::text[], $2::text[]) AS n (email, code) ORDER BY email
		ON CONFLICT (email) DO UPDATE SET email = EXCLUDED.email RETURNING email, code`, emails, proposals)
	if err != nil {
		return nil, err
	}
	codes := make(map[string]string, len(rows))
	for _, r := range rows {
		codes[r.Email] = r.Code
	}
	return codes, nil
}
