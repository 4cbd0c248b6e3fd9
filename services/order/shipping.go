package order

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// shippingMethod is a way to send an order, as clients see it.
type shippingMethod struct {
	ID              int64       `json:"-"`
	Identifier      string      `json:"identifier"`
	Carrier         string      `json:"carrier"`
	Cost            money.Cents `json:"shipping_cost" db:"shipping_cost_cents"`
	TrackingBaseURL string      `json:"tracking_code_base_url" db:"tracking_code_base_url"`
}

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
		return refuse(w, endpoint, codeCartNotFound)
	}
	identifier, sent := form.Lookup("shipping_method_identifier")
	if !sent {
		return refuse(w, endpoint, codeShippingIDRequired)
	}
	echo := web.Field{Key: "shipping_method_identifier", Value: identifier}
	c.Shipping, err = setShipping(r.Context(), s.db, c.ID, identifier)
	if err != nil {
		return err
	}
	if c.Shipping == nil {
		return refuse(w, endpoint, codeShippingNotSet, echo)
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
