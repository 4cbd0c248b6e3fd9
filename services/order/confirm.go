package order

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func allowed(yes bool) web.Field { return web.Field{Key: "checkout_allowed", Value: yes} }

// mayCheckOut looks a shopper up in the two lists that staff may narrow: * means all, null nobody.
func (s *server) mayCheckOut(ctx context.Context, who web.Identity) (bool, error) {
	key, name := "an_ct_values_allowed_to_checkout", who.Cart
	if who.Member() {
		key, name = "usernames_allowed_to_checkout", who.Username
	}
	list, err := setting(ctx, s.db, key)
	if err != nil || list == nil {
		return false, err
	}
	names := strings.Split(*list, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return slices.Contains(names, "*") || (name != "" && slices.Contains(names, name)), nil
}

func (s *server) checkoutAllowed(w http.ResponseWriter, r *http.Request) error {
	ok, err := s.mayCheckOut(r.Context(), web.Who(r))
	if err != nil {
		return err
	}
	return answer(w, allowed(ok))
}

// confirm is what the confirm pages share: may the shopper check out at all, and their cart with a
// shipping method (the default one when none was chosen).
func (s *server) confirm(w http.ResponseWriter, r *http.Request, rest func(c *cart) ([]web.Field, error)) error {
	who := web.Who(r)
	ok, err := s.mayCheckOut(r.Context(), who)
	if err != nil {
		return err
	}
	if !ok {
		return answer(w, allowed(false))
	}
	c, err := findCart(r.Context(), s.db, who)
	if err != nil {
		return err
	}
	if err := withDefaultShipping(r.Context(), s.db, c); err != nil {
		return err
	}
	fields, err := rest(c)
	if err != nil {
		return err
	}
	return answer(w, append([]web.Field{allowed(true), cartFound(c != nil)}, fields...)...)
}

func (s *server) confirmItems(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart) ([]web.Field, error) {
		items, lines, err := s.itemData(r, c)
		fields := append([]web.Field{items}, pendingField(c)...)
		if c != nil && asksForQuote(r) {
			fields = append(fields, web.Field{Key: "quote_lines", Value: shownLines(lines)})
		}
		return fields, err
	})
}

func (s *server) confirmShippingMethod(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart) ([]web.Field, error) {
		method := any(web.Object{})
		if c != nil && c.Shipping != nil {
			method = c.Shipping
		}
		return []web.Field{{Key: "confirm_shipping_method", Value: method}}, nil
	})
}

func (s *server) confirmDiscountCodes(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart) ([]web.Field, error) {
		in, err := readContents(r.Context(), s.db, c)
		return append([]web.Field{{Key: "discount_code_data", Value: in.codeData()}}, in.quoteField(r, c)...), err
	})
}

func (s *server) confirmTotals(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart) ([]web.Field, error) {
		in, err := readContents(r.Context(), s.db, c)
		return append([]web.Field{{Key: "confirm_totals_data", Value: in.totalsData(c)}}, in.quoteField(r, c)...), err
	})
}

// setting reads one value of the configuration, as it is now; nil when it is null or missing.
func setting(ctx context.Context, db querier, key string) (*string, error) {
	all, err := settings(ctx, db, key)
	return all[key], err
}

func settings(ctx context.Context, db querier, keys ...string) (map[string]*string, error) {
	type row struct {
		Key   string
		Value *string
	}
	rows, err := collect[row](ctx, db, "configuration", `SELECT key, value FROM configuration WHERE key = ANY($1)`, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*string, len(rows))
	for _, r := range rows {
		all[r.Key] = r.Value
	}
	return all, nil
}
