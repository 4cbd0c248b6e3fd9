package order

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// reasonField is the field for the reason of a refund, in Stripe's words.
func reasonField() adminui.Field {
	f := adminui.Field{Name: "reason", Label: "Reason", Kind: "choice",
		Options: []adminui.Option{{Value: "", Text: "Not said"}},
		Hint:    "With “fraudulent” Stripe blocks the card and the address."}
	for _, reason := range RefundReasons {
		f.Options = append(f.Options, adminui.Option{Value: reason, Text: spaced(reason)})
	}
	return f
}

func refundNoteField() adminui.Field {
	return adminui.Field{Name: "note", Label: "Note", Kind: "multiline", MaxLength: maxNote,
		Hint: "For staff; the customer does not see it."}
}

// refundForm is the form for a refund. If another refund was made in the meantime it shows what is
// left now.
var refundForm = orderForm{title: "Refund", form: askRefund, theirs: func(p staffFormPage) map[string]string {
	return map[string]string{"amount": p.Order.Money.Left.String() + " left"}
}}

func askRefund(page staffFormPage) adminui.Form {
	p := page.Order
	form := adminui.Form{Action: "/orders/" + p.Identifier + "/refund", Submit: "Refund", Tone: "bad", Additive: true,
		Check:  &adminui.Command{Text: "Work out the total", To: "/orders/" + p.Identifier + "/refund/total"},
		Fields: []adminui.Field{{Name: "all", Label: fmt.Sprintf("All that is left: %s", p.Money.Left), Kind: "check"}}}
	for _, l := range p.Lines {
		if room := l.Quantity - l.Refunded; room > 0 {
			form.Fields = append(form.Fields, adminui.Field{Name: lineField(l.Seq), Label: l.Name(), Kind: "number",
				Value: "0", Hint: fmt.Sprintf("of %d at %s, less their share of the discount", room, l.Price)})
		}
	}
	if p.Money.ShippingSubtotal > p.Money.ShippingDiscount {
		form.Fields = append(form.Fields, adminui.Field{Name: "shipping", Label: "Shipping, " +
			(p.Money.ShippingSubtotal - p.Money.ShippingDiscount).String(), Kind: "check"})
	}
	form.Fields = append(form.Fields,
		adminui.Field{Name: "amount", Label: "Amount", Kind: "money",
			Hint: "Less than the items chosen above, or an amount on its own. Otherwise leave it empty. " +
				"At most " + p.Money.Left.String() + "."},
		adminui.Field{Name: "restock", Label: "The pieces are back on the shelf", Kind: "check"},
		reasonField(), refundNoteField())
	return form
}

func (s *server) refundOrder(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	w, err := s.readRefund(r, on, form)
	if err != nil {
		return "", err
	}
	_, err = s.desk.Refund(r.Context(), adminui.Who(r), w)
	return "The refund is on its way to Stripe. The customer is mailed once Stripe has it.", err
}

// refundTotal says what a refund would come to, and makes none.
func (s *server) refundTotal(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	w, err := s.readRefund(r, on, form)
	if err != nil {
		return "", err
	}
	total, left, err := s.desk.RefundTotal(r.Context(), adminui.Who(r), w)
	if err != nil {
		return "", err
	}
	return "", &comesTo{fmt.Sprintf("It comes to %s of the %s that is left. Nothing is refunded yet.", total, left)}
}

// readRefund reads what is to be given back.
func (s *server) readRefund(r *http.Request, on Order, form adminui.PostedForm) (w Refund, err error) {
	p, err := s.readStaffOrder(r)
	if err != nil {
		return w, err
	}
	w = Refund{Order: on, All: form.Get("all") != "", Shipping: form.Get("shipping") != "", Reason: form.Get("reason"),
		Note: form.Get("note"), Restock: form.Get("restock") != ""}
	if w.Lines, err = readPieces(form, p.Lines); err != nil {
		return w, err
	}
	if typed := strings.TrimSpace(form.Get("amount")); typed != "" {
		if w.Amount, err = money.Parse(typed); err != nil || w.Amount <= 0 {
			return w, refuseAct("amount", "Enter an amount such as 12.50.")
		}
	}
	return w, nil
}

// cancelForm asks whether an order is to be canceled.
var cancelForm = orderForm{title: "Cancel", form: func(p staffFormPage) adminui.Form {
	return adminui.Form{Action: "/orders/" + p.Order.Identifier + "/cancel", Submit: "Cancel the order", Tone: "bad",
		Fields: []adminui.Field{reasonField(), refundNoteField()}}
}}

func (s *server) cancelOrder(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	refund, err := s.desk.Cancel(r.Context(), adminui.Who(r), on, form.Get("reason"), form.Get("note"))
	if refund == "" {
		return "Canceled. There was nothing to refund; the customer is mailed.", err
	}
	return "Canceled. The money is refunded, the pieces are back on the shelf, and the customer is mailed.", err
}

// addressFields are the fields of an address in the order of the form.
var addressFields = []struct{ name, label string }{
	{"name", "Name"}, {"address_line1", "Street"}, {"address_line2", "Second line"}, {"city", "City"},
	{"state", "State"},
	{"zip", "Postal code"}, {"country", "Country"}, {"country_code", "Country code"},
}

// addressValues are the values of an order's address, by field.
func addressValues(p staffFormPage) map[string]string {
	values, a := map[string]string{}, msg.Address{}
	if p.Order.ShippingAddress != nil {
		a = *p.Order.ShippingAddress
	}
	for name, part := range addressParts(&a) {
		values[name] = *part
	}
	return values
}

// addressForm is the form for an order's address.
var addressForm = orderForm{title: "Correct the address", form: askAddress, theirs: addressValues}

func askAddress(p staffFormPage) adminui.Form {
	form := adminui.Form{Action: "/orders/" + p.Order.Identifier + "/address", Submit: "Correct the address"}
	values := addressValues(p)
	for _, f := range addressFields {
		field := adminui.Field{Name: f.name, Label: f.label, Kind: "text", Value: values[f.name],
			MaxLength: maxAddressPart, Complete: "off"}
		if f.name == "country_code" {
			field.MaxLength, field.Hint = 2, "Two letters, such as US."
		}
		form.Fields = append(form.Fields, field)
	}
	return form
}

func (s *server) readdressOrder(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	var a msg.Address
	for name, part := range addressParts(&a) {
		*part = form.Get(name)
	}
	err := s.desk.Readdress(r.Context(), adminui.Who(r), Readdress{Order: on, Address: a})
	return "Address corrected. The old one is kept too.", err
}
