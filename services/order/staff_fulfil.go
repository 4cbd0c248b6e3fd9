package order

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// maxOrdersPerForm is how many orders one form can ship.
	maxOrdersPerForm = 200
	// maxRefused bounds the list of refused orders, in characters.
	maxRefused = 2000
)

// shippingChoice is the field for the shipping method; usual is the text for no choice.
func shippingChoice(methods []shippingMethod, usual string) adminui.Field {
	f := adminui.Field{Name: "method", Label: "Carrier", Kind: "choice",
		Options: []adminui.Option{{Value: "", Text: usual}}}
	for _, m := range methods {
		f.Options = append(f.Options, adminui.Option{Value: m.Identifier, Text: m.Carrier})
	}
	return f
}

// shipForm is the form for a parcel of one order.
var shipForm = orderForm{title: "Ship", form: func(p staffFormPage) adminui.Form {
	o := p.Order
	form := adminui.Form{Action: "/orders/" + o.Identifier + "/ship", Submit: "Ship", Fields: []adminui.Field{
		{Name: "tracking", Label: "Tracking number", Kind: "text", MaxLength: maxTracking, Complete: "off"},
		shippingChoice(p.methods, joinFilled(": ", "As the customer chose", o.ShippingMethod))}}
	if !slices.ContainsFunc(o.Lines, func(l staffLine) bool { return l.Quantity > l.Shipped }) {
		form.Closed, form.Problem = true, "Everything has been sent."
	}
	for _, l := range o.Lines {
		if room := l.Quantity - l.Shipped; room > 0 {
			form.Fields = append(form.Fields, adminui.Field{Name: lineField(l.Seq), Label: l.Name(), Kind: "number",
				Value: strconv.Itoa(l.ToShip), Hint: fmt.Sprintf("%d of %d left to send", l.ToShip, l.Quantity)})
		}
	}
	return form
}}

// shipOrder sends a parcel. A form without any field of a line sends all that is left.
func (s *server) shipOrder(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	parcel := Parcel{Order: on, Method: form.Get("method"), Tracking: form.Get("tracking")}
	named := false
	for name := range form.Values.Values {
		named = named || strings.HasPrefix(name, "line-")
	}
	if named {
		p, err := s.readStaffOrder(r)
		if err != nil {
			return "", err
		}
		if parcel.Lines, err = readPieces(form, p.Lines); err != nil {
			return "", err
		}
		if len(parcel.Lines) == 0 {
			return "", refuseAct("", "Say how many pieces are in the parcel.")
		}
	}
	_, err := s.desk.Ship(r.Context(), adminui.Who(r), parcel)
	return "Sent. " + s.untilTold("The customer is told"), err
}

// untilTold says when customers will be mailed about what was just sent.
func (s *server) untilTold(what string) string {
	return what + " at " + time.Now().Add(s.cfg.ShippingMailAfter).UTC().Format("15:04 UTC") +
		"; until then it can be undone."
}

// parcelFromPath reads the parcel that the path names.
func (p staffFormPage) parcelFromPath() (found staffParcel) {
	for _, parcel := range p.Order.Parcels {
		if parcel.ID == p.parcel {
			found = parcel
		}
	}
	return found
}

// correctForm is the form for the true label of a parcel.
var correctForm = orderForm{title: "Correct a parcel", form: func(p staffFormPage) adminui.Form {
	return adminui.Form{Action: "/orders/" + p.Order.Identifier + "/parcels/" + p.parcel, Fields: []adminui.Field{
		{Name: "tracking", Label: "Tracking number", Kind: "text", MaxLength: maxTracking, Complete: "off",
			Value: p.parcelFromPath().TrackingNumber},
		shippingChoice(p.methods, joinFilled(": ", "As it is", p.parcelFromPath().Carrier)),
		{Name: "mail", Label: "Mail the customer again, if they were told", Kind: "check"}}}
}, theirs: func(p staffFormPage) map[string]string {
	return map[string]string{"tracking": p.parcelFromPath().TrackingNumber}
}}

func (s *server) correctParcel(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	return "Corrected.", s.desk.Correct(r.Context(), adminui.Who(r), Correction{Order: on,
		Shipment: adminui.Param(r, "parcel"), Method: form.Get("method"), Tracking: form.Get("tracking"),
		Mail: form.Get("mail") != ""})
}

// undoForm takes a parcel back; its page is shown only if that is refused.
var undoForm = orderForm{title: "Undo a parcel", form: func(p staffFormPage) adminui.Form {
	return adminui.Form{Action: "/orders/" + p.Order.Identifier + "/undo", Submit: "Undo",
		Fields: []adminui.Field{{Name: "parcel", Kind: "hidden"}}}
}}

func (s *server) undoParcel(r *http.Request, on Order, form adminui.PostedForm) (string, error) {
	return "Shipment undone. No mail is sent.", s.desk.Undo(r.Context(), adminui.Who(r), on, form.Get("parcel"))
}

// staffToShip is an order that waits to be sent.
type staffToShip struct {
	Identifier string `json:"identifier"`
	Version    int    `json:"version"`
	Customer   string `json:"customer"`
	Place      string `json:"place"`
	Pieces     string `json:"pieces"`             // left to send; "" if none are
	Disputed   bool   `json:"disputed"`           // a bank has taken back money of it
	Tracking   string `json:"tracking,omitempty"` // as typed
	Error      string `json:"error,omitempty"`
}

// staffShipPage is the page that sends many orders.
type staffShipPage struct {
	Orders  []staffToShip  `json:"orders"`
	Sent    []string       `json:"sent"`
	Refused []string       `json:"refused"` // lines that were pasted and refused, with the reasons
	Pasted  string         `json:"-"`
	Chosen  string         `json:"-"`
	Method  []shippingText `json:"-"`
	left    []string       // lines that were pasted and not sent
}

// shippingText is a shipping method in the choice.
type shippingText struct {
	Value, Text string
	Chosen      bool
}

// staffShipMany shows the orders that wait to be sent: those that the address names, or those of a
// status that have waited longest.
func (s *server) staffShipMany(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	ids := q.Values["id"]
	if len(ids) > maxOrdersPerForm {
		return nil, web.BadRequest("id")
	}
	page := staffShipPage{Sent: []string{}, Refused: []string{}}
	if page.Orders, err = ordersToShip(r.Context(), s.pool, ids, q.Get("status")); err != nil {
		return nil, err
	}
	return s.shipManyPage(r, page, http.StatusOK)
}

func (s *server) shipManyPage(r *http.Request, page staffShipPage, status int) (adminui.Answer, error) {
	methods, err := activeShippingMethods(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	for _, o := range shippingChoice(methods, "As the customer chose").Options {
		page.Method = append(page.Method, shippingText{o.Value, o.Text, o.Value == page.Chosen})
	}
	return adminui.Page{Title: "Ship orders", Template: "ship.html", Data: page, Status: status,
		Errors: page.errors()}, nil
}

// errors are the reasons for which orders, and pasted lines, were refused.
func (p staffShipPage) errors() map[string]string {
	errs := map[string]string{}
	for _, o := range p.Orders {
		if o.Error != "" {
			errs[o.Identifier] = o.Error
		}
	}
	if len(p.Refused) > 0 {
		errs[""] = strings.Join(p.Refused, " ")
	}
	return errs
}

// staffShipThese sends the orders for which a tracking number was typed, and those that were
// pasted. Refused ones stay on the page; the others are sent.
func (s *server) staffShipThese(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	v := form.Values.Values
	ids, seen, tracking := v["order"], v["seen"], v["tracking"]
	if len(ids) != len(seen) || len(ids) != len(tracking) || len(ids) > maxOrdersPerForm {
		return nil, web.BadRequest("order")
	}

	parcels, left, wrong := PastedParcels(form.Get("parcels"))
	method := form.Get("method")
	if len(parcels) > maxOrdersPerForm {
		return s.shipManyPage(r, staffShipPage{Sent: []string{}, Chosen: method, Pasted: form.Get("parcels"),
			Refused: []string{fmt.Sprintf("Send at most %d orders at once. Nothing was sent.", maxOrdersPerForm)}},
			http.StatusUnprocessableEntity)
	}

	for i := range parcels {
		if parcels[i].Method == "" {
			parcels[i].Method = method
		}
	}

	typed := 0
	for i, identifier := range ids {
		version, err := strconv.Atoi(seen[i])
		if err != nil || version < 1 {
			return nil, web.BadRequest("seen")
		}
		if strings.TrimSpace(tracking[i]) != "" {
			typed++
			parcels = append(parcels, Parcel{Order: Order{identifier, version}, Method: method, Tracking: tracking[i]})
		}
	}

	page := staffShipPage{Sent: []string{}, Refused: []string{}, Chosen: method, left: left}
	for _, err := range wrong {
		page.Refused = append(page.Refused, err.Error())
	}
	if err := s.shipAll(r, parcels, len(parcels)-typed, &page); err != nil {
		return nil, err
	}
	if len(page.Refused) == 0 && len(page.Orders) == 0 && len(page.Sent) > 0 {
		return adminui.Done{To: "/orders?status=" + statusShipped,
			Text: fmt.Sprintf("Sent %s. %s", parcelsInWords(len(page.Sent)), s.untilTold("Customers are told"))}, nil
	}

	if len(parcels)+len(wrong) == 0 {
		page.Refused = append(page.Refused, "Enter a tracking number for each order you sent.")
	}
	return s.shipManyPage(r, page, http.StatusUnprocessableEntity)
}

// shipAll sends parcels, the first of which were pasted, and notes the outcome of each.
func (s *server) shipAll(r *http.Request, parcels []Parcel, pasted int, page *staffShipPage) error {
	again := map[string]staffToShip{}
	var ids []string
	// The list is worked through to its end, even if the browser has left: half a list is hard to
	// find again.
	ctx := context.WithoutCancel(r.Context())
	for i, done := range s.desk.ShipAll(ctx, adminui.Who(r), parcels) {
		why, err := s.whyNotSent(ctx, done)
		switch {
		case err != nil:
			return err
		case why == "":
			page.Sent = append(page.Sent, done.Identifier)
		case i < pasted:
			page.Refused = append(page.Refused, done.Identifier+": "+why)
			page.left = append(page.left, joinFilled("\t", done.Identifier, done.Tracking, done.Method))
		default:
			ids = append(ids, done.Identifier)
			again[done.Identifier] = staffToShip{Tracking: done.Tracking, Error: why}
		}
	}

	page.Pasted = strings.Join(page.left, "\n")
	if len(ids) == 0 {
		return nil
	}

	var err error
	page.Orders, err = ordersToShip(r.Context(), s.pool, ids, "")
	for i, o := range page.Orders {
		page.Orders[i].Tracking, page.Orders[i].Error = again[o.Identifier].Tracking, again[o.Identifier].Error
	}
	return err
}

// whyNotSent is whyNot for a parcel. A parcel that was already sent under the same number is not
// refused: the list was sent twice.
func (s *server) whyNotSent(ctx context.Context, done Shipped) (string, error) {
	why, err := whyNot(done.Err)
	if why == "" || err != nil {
		return why, err
	}
	if errors.Is(done.Err, adminui.ErrStale) {
		last, _, err := findLastAct(ctx, s.pool, done.Identifier)
		if err != nil {
			return "", err
		}
		if last != "" {
			why = "Changed meanwhile: " + last + "."
		}
	}
	sent, err := sentAs(ctx, s.pool, done.Identifier, trackingNumber(done.Tracking))
	if sent {
		why = ""
	}
	return why, err
}

// whyNot says why an act was refused, "" if it was done; it returns any other error.
func whyNot(err error) (string, error) {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		return refusal.Text, nil
	}
	switch {
	case err == nil:
		return "", nil
	case errors.Is(err, ErrUnknownOrder):
		return "There is no such order.", nil
	case errors.Is(err, adminui.ErrStale):
		return textStale, nil
	case errors.Is(err, ErrNoVersion):
		return "This page does not match the order: open the page again.", nil
	}
	return "", err
}

func parcelsInWords(n int) string {
	if n == 1 {
		return "one parcel"
	}
	return strconv.Itoa(n) + " parcels"
}

// bulkCommands are the commands for orders that are chosen in the list.
func bulkCommands(who adminui.Identity, statuses []staffStatus, shown string) (list []adminui.Command) {
	if who.May(adminui.OrdersFulfil) {
		list = append(list, adminui.Command{Text: "Ship", To: "/orders/bulk/ship"})
	}
	list = append(list, adminui.Command{Text: "Packing slips", To: "/orders/bulk/slips"},
		adminui.Command{Text: "Pick list", To: "/orders/bulk/pick"})
	for _, s := range statuses {
		if who.May(adminui.OrdersFulfil) && !endsAnOrder(s.Identifier) && s.Identifier != shown {
			list = append(list, adminui.Command{Text: "Move to " + s.Title, To: "/orders/bulk/move/" + s.Identifier})
		}
	}
	return list
}

// chosenOrders reads the orders that were chosen in the list. All identifiers must be orders.
func (s *server) chosenOrders(r *http.Request) ([]string, error) {
	ids, err := adminui.Chosen(r, maxOrdersPerForm)
	if err != nil {
		return nil, err
	}
	known, err := ordersKnown(r.Context(), s.pool, ids)
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, adminui.Refuse("unknown-order", "Some of what you chose are not orders. Nothing was changed.")
	}
	return ids, nil
}

// staffChosen redirects to a page about the orders that were chosen in the list.
func (s *server) staffChosen(page string) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		ids, err := s.chosenOrders(r)
		if err != nil {
			return nil, err
		}
		return adminui.Done{To: "/orders/" + page + "?" + url.Values{"id": ids}.Encode()}, nil
	}
}

// staffMoveChosen gives the chosen orders another status, one by one.
func (s *server) staffMoveChosen(r *http.Request) (adminui.Answer, error) {
	ids, err := s.chosenOrders(r)
	if err != nil {
		return nil, err
	}

	status := adminui.Param(r, "status")
	if known, err := statusKnown(r.Context(), s.pool, status); err != nil {
		return nil, err
	} else if !known || endsAnOrder(status) {
		return nil, adminui.Refuse("unknown-status", "Orders cannot be moved to this status. Nothing was changed.")
	}
	moved, refused := 0, ""
	for _, identifier := range ids {
		why, err := whyNot(s.desk.Move(r.Context(), adminui.Who(r), Order{Identifier: identifier}, status, ""))
		switch {
		case err != nil:
			return nil, err
		case why == "":
			moved++
		default:
			refused += " " + identifier + ": " + why
		}
	}

	if moved == 0 {
		return nil, adminui.Refuse("not-moved", "No order was moved."+firstRunes(refused, maxRefused))
	}
	return adminui.Done{To: "/orders?status=" + url.QueryEscape(status),
		Text: fmt.Sprintf("Moved %d of %d.%s", moved, len(ids), refused)}, nil
}
