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
	TaxIncluded      money.Cents // part of the total
	Total            money.Cents
	ShippingMethod   *shippingMethod
	TrackingNumber   *string
	ShippingAddress  *msg.Address
	BillingAddress   *msg.Address
	PlacedAt         time.Time
	Refunded         money.Cents
	Shipments        []sentParcel
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

// orderDetail shows an order to those who may see it: to a member their own, to a visitor those
// that belong to no member.
func (s *server) orderDetail(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "order_detail"
	identifier := chi.URLParam(r, "identifier")
	echo := web.Field{Key: "order_identifier", Value: identifier}
	o, found, err := findOrder(r.Context(), s.pool, identifier)
	if err != nil {
		return err
	}

	who := web.Who(r)
	switch {
	case !found:
		web.TellOutcome(w, web.OutcomeWrong)
		return refuse(w, endpoint, codeOrderNotFound, echo)
	case who.Member() && (o.MemberID == nil || *o.MemberID != who.MemberID):
		web.Note(r, "refused", "another's order")
		return refuse(w, endpoint, codeOrderNotInAccount, echo)
	case !who.Member() && o.MemberID != nil:
		web.Note(r, "refused", "a member's order")
		return refuse(w, endpoint, codeLogInRequired, echo)
	}

	parts, err := readOrderParts(r.Context(), s.pool, o.ID)
	if err != nil {
		return err
	}
	return answer(w, struct {
		Outcome web.Success `json:"order_detail"`
		Order   orderData   `json:"order_data"`
		versioned
	}{Order: newOrderData(o, parts)})
}

// sentBy is the shipping method of an order. The number of its parcel is not in the contract, and
// is left out until there is one.
type sentBy struct {
	*shippingMethod
	TrackingNumber *string `json:"tracking_number,omitempty"`
}

// sentParcel is a parcel that has left, as the order's page shows it.
type sentParcel struct {
	Carrier         string   `json:"carrier"`
	TrackingBaseURL string   `json:"tracking_code_base_url"`
	TrackingNumber  string   `json:"tracking_number"`
	Shipped         web.Time `json:"shipped_date_time"`
	Pieces          int      `json:"quantity"`
}

// orderData is an order as its page shows it. Parcels and refunds are not in the contract, and are
// left out until there are some.
type orderData struct {
	Attributes      orderAttributes          `json:"order_attributes"`
	Items           itemData                 `json:"order_items"`
	ShippingMethod  web.OrEmpty[sentBy]      `json:"order_shipping_method"`
	Codes           web.Object               `json:"order_discount_codes"`
	Totals          orderTotals              `json:"order_totals"`
	Statuses        web.Object               `json:"order_statuses"`
	ShippingAddress web.OrEmpty[msg.Address] `json:"order_shipping_address"`
	BillingAddress  web.OrEmpty[msg.Address] `json:"order_billing_address"`
	Payment         orderPayment             `json:"order_payment_info"`
	Shipments       web.Object               `json:"order_shipments,omitempty"`
	Refunded        money.Cents              `json:"order_refunded,omitzero"`
}

type orderAttributes struct {
	Identifier string      `json:"identifier"`
	PlacedAt   web.Time    `json:"order_date_time"`
	SalesTax   money.Cents `json:"sales_tax_amt"`
	// TaxIncluded is not in the contract, and is left out without a tax.
	TaxIncluded money.Cents `json:"tax_included_amt,omitzero"`
}

type orderTotals struct {
	ItemSubtotal     money.Cents `json:"item_subtotal"`
	ItemDiscount     money.Cents `json:"item_discount"`
	ShippingSubtotal money.Cents `json:"shipping_subtotal"`
	ShippingDiscount money.Cents `json:"shipping_discount"`
	Total            money.Cents `json:"order_total"`
}

// orderPayment keeps the contract's fields of a card, which Stripe no longer sends: they are null.
type orderPayment struct {
	Email        *string `json:"email"`
	PaymentType  string  `json:"payment_type"`
	CardName     *string `json:"card_name"`
	CardBrand    any     `json:"card_brand"`
	CardLast4    any     `json:"card_last4"`
	CardExpMonth any     `json:"card_exp_month"`
	CardExpYear  any     `json:"card_exp_year"`
	CardZip      any     `json:"card_zip"`
}

func newOrderData(o orderHead, parts orderParts) orderData {
	codes := web.Object{}
	for _, c := range parts.codes {
		c.Detail.Applied = c.Applied
		codes = append(codes, web.Field{Key: web.ID(c.CodeID), Value: c.Detail})
	}

	var method *sentBy
	if o.ShippingMethod != nil {
		method = &sentBy{o.ShippingMethod, o.TrackingNumber}
	}
	return orderData{
		Attributes: orderAttributes{Identifier: o.Identifier, PlacedAt: web.Time(o.PlacedAt), SalesTax: o.SalesTax,
			TaxIncluded: o.TaxIncluded},
		Items:          itemData{Lines: web.Numbered(0, parts.lines)},
		ShippingMethod: web.OrEmpty[sentBy]{Value: method},
		Codes:          codes,
		Totals: orderTotals{
			ItemSubtotal:     o.ItemSubtotal,
			ItemDiscount:     o.ItemDiscount,
			ShippingSubtotal: o.ShippingSubtotal,
			ShippingDiscount: o.ShippingDiscount,
			Total:            o.Total,
		},
		Statuses:        web.Numbered(0, parts.statuses),
		ShippingAddress: web.OrEmpty[msg.Address]{Value: o.ShippingAddress},
		BillingAddress:  web.OrEmpty[msg.Address]{Value: o.BillingAddress},
		Payment: orderPayment{
			Email:       o.Email,
			PaymentType: "card",
			CardName:    o.CustomerName,
		},
		Shipments: web.Numbered(0, o.Shipments),
		Refunded:  o.Refunded,
	}
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
		if list, err = listMemberOrders(r.Context(), s.pool, who.MemberID); err != nil {
			return err
		}
	}
	return answer(w, struct {
		Orders web.Object `json:"orders_data"`
	}{web.Numbered(1, list)})
}
