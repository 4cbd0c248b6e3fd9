package order

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// orderHead is an order without its parts.
type orderHead struct {
	ID               int64
	Identifier       string
	MemberID         *int64
	Email            *string
	CustomerName     *string
	ItemSubtotal     money.Cents
	ItemDiscount     money.Cents
	ShippingSubtotal money.Cents
	ShippingDiscount money.Cents
	SalesTax         money.Cents
	Total            money.Cents
	ShippingMethod   *shippingMethod
	TrackingNumber   *string
	ShippingAddress  *msg.Address
	BillingAddress   *msg.Address
	PlacedAt         time.Time
}

// orderParts are the lists of an order.
type orderParts struct {
	lines    []line
	codes    []frozenCode
	statuses []orderStatus
}

type frozenCode struct {
	CodeID  int64
	Applied bool
	Detail  appliedCode
}

type orderStatus struct {
	Identifier  string    `json:"identifier"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Created     web.Time  `json:"created_date_time" db:"-"`
	At          time.Time `json:"-" db:"created_date_time"`
}

// orderDetail shows an order to whoever may see it: a member theirs, a visitor those that belong to
// no member.
func (s *server) orderDetail(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "order_detail"
	identifier := chi.URLParam(r, "identifier")
	echo := web.Field{Key: "order_identifier", Value: identifier}
	o, found, err := findOrder(r.Context(), s.db, identifier)
	if err != nil {
		return err
	}
	who := web.Who(r)
	switch {
	case !found:
		web.TellOutcome(w, web.OutcomeWrong)
		return refuse(w, endpoint, "order-not-found", echo)
	case who.Member() && (o.MemberID == nil || *o.MemberID != who.MemberID):
		web.Note(r, "refused", "another's order")
		return refuse(w, endpoint, "order-not-in-account", echo)
	case !who.Member() && o.MemberID != nil:
		web.Note(r, "refused", "a member's order")
		return refuse(w, endpoint, "log-in-required-to-view-order", echo)
	}
	parts, err := readOrderParts(r.Context(), s.db, o.ID)
	if err != nil {
		return err
	}
	return answer(w, web.Field{Key: endpoint, Value: "success"}, web.Field{Key: "order_data", Value: orderData(o, parts)})
}

// sentBy is the way an order is sent. The number of its parcel is no part of the contract, and is
// left out until there is one.
type sentBy struct {
	*shippingMethod
	TrackingNumber *string `json:"tracking_number,omitempty"`
}

func orderData(o orderHead, parts orderParts) web.Object {
	codes := web.Object{}
	for _, c := range parts.codes {
		c.Detail.Applied = c.Applied
		codes = append(codes, web.Field{Key: id(c.CodeID), Value: c.Detail})
	}
	method := any(web.Object{})
	if o.ShippingMethod != nil {
		method = sentBy{o.ShippingMethod, o.TrackingNumber}
	}
	return web.Object{
		{Key: "order_attributes", Value: web.Object{{Key: "identifier", Value: o.Identifier}, {Key: "order_date_time", Value: web.Time(o.PlacedAt)}, {Key: "sales_tax_amt", Value: o.SalesTax}}},
		{Key: "order_items", Value: web.Object{{Key: "product_sku_data", Value: web.Numbered(0, parts.lines)}}},
		{Key: "order_shipping_method", Value: method},
		{Key: "order_discount_codes", Value: codes},
		{Key: "order_totals", Value: web.Object{
			{Key: "item_subtotal", Value: o.ItemSubtotal}, {Key: "item_discount", Value: o.ItemDiscount}, {Key: "shipping_subtotal", Value: o.ShippingSubtotal},
			{Key: "shipping_discount", Value: o.ShippingDiscount}, {Key: "order_total", Value: o.Total}}},
		{Key: "order_statuses", Value: web.Numbered(0, parts.statuses)},
		{Key: "order_shipping_address", Value: orEmpty(o.ShippingAddress)},
		{Key: "order_billing_address", Value: orEmpty(o.BillingAddress)},
		{Key: "order_payment_info", Value: web.Object{
			{Key: "email", Value: o.Email}, {Key: "payment_type", Value: "card"}, {Key: "card_name", Value: o.CustomerName}, {Key: "card_brand", Value: nil},
			{Key: "card_last4", Value: nil}, {Key: "card_exp_month", Value: nil}, {Key: "card_exp_year", Value: nil}, {Key: "card_zip", Value: nil}}},
	}
}

// orEmpty is the contract's empty object for an address that an order does not have.
func orEmpty(a *msg.Address) any {
	if a == nil {
		return web.Object{}
	}
	return a
}

// accountOrder is an order on the account page.
type accountOrder struct {
	ID         int64       `json:"order_id"`
	Identifier string      `json:"identifier"`
	PlacedAt   web.Time    `json:"order_date_time" db:"-"`
	At         time.Time   `json:"-" db:"placed_at"`
	SalesTax   money.Cents `json:"sales_tax_amt"`
	Total      money.Cents `json:"order_total"`
}

// accountOrders lists a member's orders for edge's account page, newest first, keyed from "1".
func (s *server) accountOrders(w http.ResponseWriter, r *http.Request) error {
	var list []accountOrder
	if who := web.Who(r); who.Member() {
		var err error
		if list, err = listMemberOrders(r.Context(), s.db, who.MemberID); err != nil {
			return err
		}
	}
	return web.JSON(w, http.StatusOK, web.Object{{Key: "orders_data", Value: web.Numbered(1, list)}})
}
