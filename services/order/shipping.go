package order

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cartShippingMethods lists the active methods, dearest first, and gives a cart without a method
// the default one.
func (s *server) cartShippingMethods(w http.ResponseWriter, r *http.Request) error {
	c, err := findCart(r.Context(), s.db, web.Who(r))
	if err != nil {
		return err
	}
	methods, selected := web.Object{}, (*string)(nil)
	if c != nil {
		if err := withDefaultShipping(r.Context(), s.db, c); err != nil {
			return err
		}
		list, err := activeShippingMethods(r.Context(), s.db)
		if err != nil {
			return err
		}
		switch {
		case c.Shipping != nil:
			methods, selected = web.Numbered(0, list), &c.Shipping.Identifier
		case len(list) > 0:
			c = nil // it was deleted or paid at this very moment
		}
	}
	return answer(w, struct {
		CartFound bool       `json:"cart_found"`
		Methods   web.Object `json:"cart_shipping_methods"`
		Selected  *string    `json:"shipping_method_selected"`
		versioned
	}{CartFound: c != nil, Methods: methods, Selected: selected})
}

func (s *server) cartUpdateShippingMethod(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "cart_update_shipping_method"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	c, err := findCart(r.Context(), s.db, web.Who(r))
	if err != nil {
		return err
	}
	if c == nil {
		return refuse(w, endpoint, "cart-not-found")
	}
	identifier, sent := form.Lookup("shipping_method_identifier")
	if !sent {
		return refuse(w, endpoint, "shipping-method-identifier-required")
	}
	echo := web.Field{Key: "shipping_method_identifier", Value: identifier}
	c.Shipping, err = setShipping(r.Context(), s.db, c.ID, identifier)
	if err != nil {
		return err
	}
	if c.Shipping == nil {
		return refuse(w, endpoint, "error-setting-cart-shipping-method", echo)
	}
	_, after, err := s.changed(r, c)
	if err != nil {
		return err
	}
	return answer(w, struct {
		Outcome    web.Success `json:"cart_update_shipping_method"`
		CartFound  bool        `json:"cart_found"`
		Identifier string      `json:"shipping_method_identifier"`
		cartAfter
	}{CartFound: true, Identifier: identifier, cartAfter: after})
}

func activeShippingMethods(ctx context.Context, db querier) ([]shippingMethod, error) {
	return collect[shippingMethod](ctx, db, "shipping methods", `
		SELECT id, identifier, carrier, shipping_cost_cents, tracking_code_base_url FROM shipping_method
		WHERE active ORDER BY shipping_cost_cents DESC, id`)
}

// setShipping stores an active method on a cart and returns it; nil when there is no such method.
func setShipping(ctx context.Context, db querier, cartID int64, identifier string) (*shippingMethod, error) {
	return oneMethod(ctx, db, `
		WITH m AS (SELECT id, identifier, carrier, shipping_cost_cents, tracking_code_base_url FROM shipping_method WHERE identifier = $2 AND active),
		     u AS (UPDATE cart SET shipping_method_id = m.id, updated_at = now() FROM m WHERE cart.id = $1)
		SELECT * FROM m`, cartID, identifier)
}

// withDefaultShipping gives a cart without a method the configured default, or the cheapest active
// one when the configured one is not active. A method that the shopper chooses at the same moment
// stays: the row is looked at again once it is locked.
func withDefaultShipping(ctx context.Context, db querier, c *cart) error {
	if c == nil || c.Shipping != nil {
		return nil
	}
	for range 3 { // a method that was there for the first statement may be gone for the second
		m, err := oneMethod(ctx, db, `
			WITH m AS (
			  SELECT id, identifier, carrier, shipping_cost_cents, tracking_code_base_url FROM shipping_method WHERE active
			  ORDER BY identifier = (SELECT value FROM configuration WHERE key = 'default_shipping_method') DESC NULLS LAST, shipping_cost_cents, id LIMIT 1
			), u AS (
			  UPDATE cart SET shipping_method_id = m.id FROM m
			  WHERE cart.id = $1 AND (SELECT active FROM shipping_method s WHERE s.id = cart.shipping_method_id) IS NOT TRUE RETURNING cart.id
			)
			SELECT m.* FROM m, u`, c.ID)
		if m == nil && err == nil {
			m, err = oneMethod(ctx, db, `
				SELECT m.id, m.identifier, m.carrier, m.shipping_cost_cents, m.tracking_code_base_url
				FROM cart c JOIN shipping_method m ON m.id = c.shipping_method_id AND m.active WHERE c.id = $1`, c.ID)
		}
		if err != nil {
			return err
		}
		if c.Shipping = m; m != nil {
			break
		}
	}
	return nil
}

func oneMethod(ctx context.Context, db querier, sql string, args ...any) (*shippingMethod, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("choose a shipping method: %w", err)
	}
	m, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByName[shippingMethod])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("choose a shipping method: %w", err)
	}
	return m, nil
}
