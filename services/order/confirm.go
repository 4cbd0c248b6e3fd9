package order

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// notAllowed answers a shopper who may not check out.
type notAllowed struct {
	CheckoutAllowed bool `json:"checkout_allowed"`
	versioned
}

// mayCheckOut looks a shopper up in the two lists that staff can narrow. A cart may have been read
// with the list; nil if it was not.
func mayCheckOut(ctx context.Context, db pg.DB, who web.Identity, c *cart) (bool, error) {
	if c != nil {
		return namesShopper(c.settings[allowListKey(who)], who), nil
	}
	list, err := setting(ctx, db, allowListKey(who))
	return namesShopper(list, who), err
}

// allowListKey is the setting that lists the members, or the visitors, who may check out.
func allowListKey(who web.Identity) string {
	if who.Member() {
		return settingMembers
	}
	return settingVisitors
}

// namesShopper reports whether a list names a shopper: * means all, null none.
func namesShopper(list *string, who web.Identity) bool {
	name := who.Cart
	if who.Member() {
		name = who.Username
	}
	names := strings.Split(pg.Text(list), ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return slices.Contains(names, "*") || (name != "" && slices.Contains(names, name))
}

func (s *server) checkoutAllowed(w http.ResponseWriter, r *http.Request) error {
	ok, err := mayCheckOut(r.Context(), s.pool, web.Who(r), nil)
	if err != nil {
		return err
	}
	return answer(w, struct {
		CheckoutAllowed bool `json:"checkout_allowed"`
		versioned
	}{CheckoutAllowed: ok})
}

// confirmed is the beginning of the answers for the confirm page.
type confirmed struct {
	CheckoutAllowed bool `json:"checkout_allowed"`
	CartFound       bool `json:"cart_found"`
}

// confirm is the common part of the confirm pages: whether the shopper may check out at all, and
// their cart with a shipping method (the default one if none was chosen).
func (s *server) confirm(w http.ResponseWriter, r *http.Request,
	answerWith func(begin confirmed, c *cart, lines []line) error) error {
	who := web.Who(r)
	c, lines, err := findFilledCart(r.Context(), s.pool, who, allowListKey(who))
	if err != nil {
		return err
	}
	ok, err := mayCheckOut(r.Context(), s.pool, who, c)
	if err != nil {
		return err
	}
	if !ok {
		return answer(w, notAllowed{})
	}
	if err := withDefaultShipping(r.Context(), s.pool, c); err != nil {
		return err
	}
	return answerWith(confirmed{CheckoutAllowed: true, CartFound: c != nil}, c, lines)
}

func (s *server) confirmItems(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(begin confirmed, c *cart, lines []line) error {
		shown := ""
		if c != nil && asksForQuote(r) {
			shown = shownLines(lines)
		}
		return answer(w, struct {
			confirmed
			cartItems
			QuoteLines string `json:"quote_lines,omitempty"`
			versioned
		}{confirmed: begin, cartItems: itemsOf(c, lines), QuoteLines: shown})
	})
}

func (s *server) confirmShippingMethod(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(begin confirmed, c *cart, lines []line) error {
		var method *shippingMethod
		if c != nil && c.Shipping != nil {
			method = c.Shipping
			method.charge(priced(lines))
		}
		return answer(w, struct {
			confirmed
			Method web.OrEmpty[shippingMethod] `json:"confirm_shipping_method"`
			versioned
		}{confirmed: begin, Method: web.OrEmpty[shippingMethod]{Value: method}})
	})
}

func (s *server) confirmDiscountCodes(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(begin confirmed, c *cart, lines []line) error {
		contents, err := withCodes(r.Context(), s.pool, c, lines)
		if err != nil {
			return err
		}
		return answer(w, struct {
			confirmed
			Codes web.Object `json:"discount_code_data"`
			Quote string     `json:"quote,omitempty"`
			versioned
		}{confirmed: begin, Codes: contents.codeData(), Quote: contents.quoteName(r, c)})
	})
}

func (s *server) confirmTotals(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(begin confirmed, c *cart, lines []line) error {
		contents, err := withCodes(r.Context(), s.pool, c, lines)
		if err != nil {
			return err
		}
		return answer(w, struct {
			confirmed
			Totals totalsData `json:"confirm_totals_data"`
			Quote  string     `json:"quote,omitempty"`
			versioned
		}{confirmed: begin, Totals: contents.totalsData(c), Quote: contents.quoteName(r, c)})
	})
}
