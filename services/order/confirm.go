package order

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func allowed(yes bool) web.Field { return web.Field{Key: "checkout_allowed", Value: yes} }

// mayCheckOut looks a shopper up in the two lists that staff may narrow.
func (s *server) mayCheckOut(ctx context.Context, who web.Identity) (bool, error) {
	list, err := setting(ctx, s.db, checkoutList(who))
	return onList(list, who), err
}

// checkoutList is the setting that says which members, or visitors, may check out.
func checkoutList(who web.Identity) string {
	if who.Member() {
		return "usernames_allowed_to_checkout"
	}
	return "an_ct_values_allowed_to_checkout"
}

// onList says whether a list names a shopper: * means all, null none.
func onList(list *string, who web.Identity) bool {
	name := who.Cart
	if who.Member() {
		name = who.Username
	}
	names := strings.Split(text(list), ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return slices.Contains(names, "*") || (name != "" && slices.Contains(names, name))
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
func (s *server) confirm(w http.ResponseWriter, r *http.Request, fieldsOf func(c *cart, lines []line) ([]web.Field, error)) error {
	who := web.Who(r)
	var list *string
	batch := &pgx.Batch{}
	queue(batch, func(s configured) { list = s.Value }, settingsSQL, []string{checkoutList(who)})
	c, lines, err := findFilledCart(r.Context(), s.db, who, batch)
	if err != nil {
		return err
	}
	if !onList(list, who) {
		return answer(w, allowed(false))
	}
	if err := withDefaultShipping(r.Context(), s.db, c); err != nil {
		return err
	}
	fields, err := fieldsOf(c, lines)
	if err != nil {
		return err
	}
	return answer(w, append([]web.Field{allowed(true), cartFound(c != nil)}, fields...)...)
}

func (s *server) confirmItems(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart, lines []line) ([]web.Field, error) {
		fields := append([]web.Field{itemData(c, lines)}, pendingField(c)...)
		if c != nil && asksForQuote(r) {
			fields = append(fields, web.Field{Key: "quote_lines", Value: shownLines(lines)})
		}
		return fields, nil
	})
}

func (s *server) confirmShippingMethod(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart, _ []line) ([]web.Field, error) {
		method := any(web.Object{})
		if c != nil && c.Shipping != nil {
			method = c.Shipping
		}
		return []web.Field{{Key: "confirm_shipping_method", Value: method}}, nil
	})
}

func (s *server) confirmDiscountCodes(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart, lines []line) ([]web.Field, error) {
		in, err := withCodes(r.Context(), s.db, c, lines)
		return append([]web.Field{{Key: "discount_code_data", Value: in.codeData()}}, in.quoteField(r, c)...), err
	})
}

func (s *server) confirmTotals(w http.ResponseWriter, r *http.Request) error {
	return s.confirm(w, r, func(c *cart, lines []line) ([]web.Field, error) {
		in, err := withCodes(r.Context(), s.db, c, lines)
		return append([]web.Field{{Key: "confirm_totals_data", Value: in.totalsData(c)}}, in.quoteField(r, c)...), err
	})
}

// setting reads one value of the configuration, as it is now; nil when it is null or missing.
func setting(ctx context.Context, db querier, key string) (*string, error) {
	all, err := settings(ctx, db, key)
	return all[key], err
}

type configured struct {
	Key   string
	Value *string
}

const settingsSQL = `SELECT key, value FROM configuration WHERE key = ANY($1)`

func settings(ctx context.Context, db querier, keys ...string) (map[string]*string, error) {
	rows, err := collect[configured](ctx, db, "configuration", settingsSQL, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*string, len(rows))
	for _, r := range rows {
		all[r.Key] = r.Value
	}
	return all, nil
}
