package order

import (
	"context"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// appliedCode is a discount code on a cart, as clients see it.
type appliedCode struct {
	ID            int64       `json:"discount_code_id"`
	Code          string      `json:"code"`
	Description   string      `json:"description"`
	Start         web.Time    `json:"start_date_time" db:"-"`
	End           web.Time    `json:"end_date_time" db:"-"`
	Combinable    bool        `json:"combinable"`
	Amount        money.Cents `json:"discount_amount"`
	OrderMinimum  money.Cents `json:"order_minimum" db:"order_minimum_cents"`
	TypeTitle     string      `json:"discounttype__title"`
	TypeText      string      `json:"discounttype__description"`
	AppliesTo     string      `json:"discounttype__applies_to"`
	Action        string      `json:"discounttype__action"`
	Applied       bool        `json:"discount_applied" db:"-"`
	StartDateTime time.Time   `json:"-"`
	EndDateTime   time.Time   `json:"-"`
	// Left says that the code's limits leave a use for this cart.
	Left bool `json:"-"`
	// Only are the SKUs of the cart that the code is for; nil if it is for everything.
	Only []int64 `json:"-"`
}

// terms are the effects of a code at a moment.
func (c appliedCode) terms(now time.Time) codeTerms {
	return codeTerms{
		ID: c.ID, AppliesTo: c.AppliesTo, Action: c.Action, Amount: c.Amount, OrderMinimum: c.OrderMinimum,
		Combinable: c.Combinable, Only: c.Only, Counts: c.Left && active(c.StartDateTime, c.EndDateTime, now),
	}
}

// priced are the lines of a cart as the totals see them.
func priced(lines []line) []pricedLine {
	list := make([]pricedLine, len(lines))
	for i, l := range lines {
		list[i] = pricedLine{SKU: l.SKUID, Price: l.Price, Quantity: l.Quantity, Grams: l.Grams}
	}
	return list
}

// compute sets the totals and the flags of the codes, as of now.
func (cc *cartContents) compute(shipping *shippingMethod, now time.Time) {
	lines := priced(cc.lines)
	terms := make([]codeTerms, len(cc.codes))
	for i, c := range cc.codes {
		terms[i] = c.terms(now)
	}
	cc.totals = computeTotals(lines, terms, shipping)
	if shipping != nil {
		shipping.charge(lines)
	}
	for i := range cc.codes {
		c := &cc.codes[i]
		c.Applied = cc.totals.Applied[c.ID]
		c.Start, c.End = web.Time(c.StartDateTime), web.Time(c.EndDateTime)
	}
}

// codeData is the contract's DiscountCodes, keyed by id.
func (cc cartContents) codeData() web.Object {
	data := web.Object{}
	for _, c := range cc.codes {
		data = append(data, web.Field{Key: web.ID(c.ID), Value: c})
	}
	return data
}

func (s *server) cartDiscountCodes(w http.ResponseWriter, r *http.Request) error {
	c, err := findCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return err
	}
	contents, err := readContents(r.Context(), s.pool, c)
	if err != nil {
		return err
	}
	return answer(w, struct {
		CartFound bool       `json:"cart_found"`
		Codes     web.Object `json:"discount_code_data"`
		versioned
	}{CartFound: c != nil, Codes: contents.codeData()})
}

// cartApplyDiscountCode takes the code's text under the name discount_code_id, as old clients send
// it.
func (s *server) cartApplyDiscountCode(w http.ResponseWriter, r *http.Request) error {
	after, err := s.changeCodes(w, r, "cart_apply_discount_code",
		func(ctx context.Context, c *cart, text string) (string, error) {
			switch outcome, err := applyCode(ctx, s.pool, c, text, time.Now()); {
			case err != nil:
				return "", err
			case !outcome.Cart:
				return codeCartNotFound, nil // deleted or paid in the meantime
			case !outcome.Found:
				return codeDiscountNotFound, nil
			case !outcome.Active:
				return codeDiscountNotActive, nil
			case !outcome.Added && !web.SentAgain(r):
				return codeDiscountApplied, nil
			}
			return "", nil
		})
	if err != nil || after == nil {
		return err
	}
	return answer(w, struct {
		Outcome web.Success `json:"cart_apply_discount_code"`
		*codesChangeAnswer
	}{codesChangeAnswer: after})
}

// cartRemoveDiscountCode takes the numeric id under the same name.
func (s *server) cartRemoveDiscountCode(w http.ResponseWriter, r *http.Request) error {
	after, err := s.changeCodes(w, r, "cart_remove_discount_code",
		func(ctx context.Context, c *cart, text string) (string, error) {
			code, ok := rowID(text)
			if !ok {
				return codeDiscountNotFound, nil
			}
			known, err := removeCode(ctx, s.pool, c.ID, code)
			if err == nil && !known {
				return codeDiscountNotFound, nil
			}
			return "", err
		})
	if err != nil || after == nil {
		return err
	}
	return answer(w, struct {
		Outcome web.Success `json:"cart_remove_discount_code"`
		*codesChangeAnswer
	}{codesChangeAnswer: after})
}

// codesChangeAnswer is the rest of an answer to a change of codes, after its outcome.
type codesChangeAnswer struct {
	CartFound bool   `json:"cart_found"`
	Code      string `json:"discount_code_id"` // as it was sent
	cartChangeAnswer
}

// changeCodes is the common part of applying and removing: the checks, the change, the cart after
// it. The result is nil if it has refused.
func (s *server) changeCodes(w http.ResponseWriter, r *http.Request, endpoint string,
	change func(context.Context, *cart, string) (refusal string, err error)) (*codesChangeAnswer, error) {
	form, err := web.Form(w, r)
	if err != nil {
		return nil, err
	}
	c, err := findCart(r.Context(), s.pool, web.Who(r))
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, refuse(w, endpoint, codeCartNotFound)
	}
	text, sent := form.Lookup("discount_code_id")
	if !sent {
		return nil, refuse(w, endpoint, codeDiscountRequired)
	}

	echo := web.Field{Key: "discount_code_id", Value: text}
	refusal, err := change(r.Context(), c, text)
	if err != nil {
		return nil, err
	}
	switch refusal {
	case "":
	case codeCartNotFound:
		return nil, refuse(w, endpoint, refusal)
	default:
		if refusal == codeDiscountNotFound {
			web.TellOutcome(w, web.OutcomeWrong)
		}
		return nil, refuse(w, endpoint, refusal, echo)
	}

	c.HasCodes = true // as far as we know
	_, after, err := s.contentsAfterChange(r, c)
	if err != nil {
		return nil, err
	}
	return &codesChangeAnswer{CartFound: true, Code: text, cartChangeAnswer: after}, nil
}
