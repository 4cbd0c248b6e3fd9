package order

import (
	"context"
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/random"
)

// statusShipped is the status of an order whose pieces are all sent or refunded.
const statusShipped = "shipped"

// errNothingToSend refuses an order that is completely sent or refunded.
var errNothingToSend = refuseAct("lines", "This order has nothing left to send.")

// Parcel is what is sent together.
type Parcel struct {
	Order
	Method   string   // identifier of the shipping method; "" for the customer's choice
	Tracking string   // the carrier's number, if any
	Lines    []Pieces // empty: all that is left to send
}

// shipment is a row of the table.
type shipment struct {
	ID              string
	OrderID         int64
	Carrier         string
	TrackingBaseURL string `db:"tracking_base_url"`
	TrackingNumber  string
	Corrections     int
	Told            bool // the mail about it has been enqueued
	Due             bool // or may be at any moment
}

// Ship sends a parcel and returns its id. The customer is mailed after the time for Undo. It
// refuses an order that was canceled, and pieces that were already sent.
func (d *Desk) Ship(ctx context.Context, who Actor, p Parcel) (id string, err error) {
	tracking, err := checkTracking(p.Tracking)
	if err != nil {
		return "", err
	}

	id = random.Code(identifierLength)
	err = d.act(ctx, who, p.Order, func(tx pgx.Tx, o deskOrder) (*report, error) {
		if o.CanceledAt != nil {
			return nil, refuseAct("", "Order %s was canceled.", o.Identifier)
		}
		lines, err := orderLines(ctx, tx, o.ID)
		if err != nil {
			return nil, err
		}
		pieces, err := piecesToShip(lines, p.Lines)
		if err != nil {
			return nil, err
		}
		s, err := d.newShipment(ctx, tx, o, p.Method)
		if err != nil {
			return nil, err
		}

		s.ID, s.TrackingNumber = id, tracking
		if err := insertShipment(ctx, tx, s, pieces, d.mailAfter, who); err != nil {
			return nil, err
		}
		if err := showTracking(ctx, tx, o.ID); err != nil {
			return nil, err
		}

		if allSent(lines, pieces) {
			by := who
			if slices.ContainsFunc(lines, func(l deskLine) bool { return l.Refunded > 0 }) {
				by = Actor{} // this status is taken away if the refund fails (markSent)
			}
			if _, err := insertOrderStatus(ctx, tx, o.ID, statusShipped, by); err != nil {
				return nil, err
			}
		}
		return &report{action: adminui.OrdersFulfil, text: "Sent parcel " + s.ID, after: s.audited(pieces)}, nil
	})
	if err != nil {
		return "", err
	}

	return id, nil
}

// newShipment uses the shipping method that the customer chose, or another one.
func (d *Desk) newShipment(ctx context.Context, tx pgx.Tx, o deskOrder, method string) (shipment, error) {
	s := shipment{OrderID: o.ID}
	if method == "" {
		if m := o.ShippingMethod; m != nil {
			s.Carrier, s.TrackingBaseURL = m.Carrier, m.TrackingBaseURL
		}
		return s, nil
	}
	m, found, err := methodNamed(ctx, tx, method)
	if err == nil && !found {
		err = refuseAct("method", "There is no shipping method %s.", method)
	}
	s.Carrier, s.TrackingBaseURL = m.Carrier, m.TrackingBaseURL
	return s, err
}

// audited is a parcel for the log of acts.
func (s shipment) audited(pieces []Pieces) map[string]any {
	return map[string]any{"shipment": s.ID, "carrier": s.Carrier, "tracking_number": s.TrackingNumber, "lines": pieces}
}

// piecesToShip checks the wanted pieces; none means all that is left. If a piece was refunded it
// may be sent all the same, up to the ordered quantity: the customer may get both.
func piecesToShip(lines []deskLine, wanted []Pieces) ([]Pieces, error) {
	if len(wanted) == 0 {
		for _, l := range lines {
			if n := l.toShip(); n > 0 {
				wanted = append(wanted, Pieces{l.Seq, n})
			}
		}
		if len(wanted) == 0 {
			return nil, errNothingToSend
		}
		return wanted, nil
	}
	return checkPieces(lines, wanted, func(l deskLine) int { return l.Quantity - l.Shipped }, "to send")
}

// checkPieces refuses pieces that the lines do not have; room is how many of a line there are.
func checkPieces(lines []deskLine, wanted []Pieces, room func(deskLine) int, what string) ([]Pieces, error) {
	seen := map[int]bool{}
	for _, w := range wanted {
		l, found := lineAt(lines, w.Seq)
		switch {
		case !found || seen[w.Seq]:
			return nil, refuseAct("lines", "There is no line %d, or it is named twice.", w.Seq)
		case w.Quantity < 1 || w.Quantity > room(l):
			return nil, refuseAct("lines", "%d of %s is not possible: %d are left %s.", w.Quantity, l.Product,
				max(room(l), 0), what)
		}
		seen[w.Seq] = true
	}
	return wanted, nil
}

// allSent reports whether every line is sent or refunded once these pieces are.
func allSent(lines []deskLine, pieces []Pieces) bool {
	sent := map[int]int{}
	for _, p := range pieces {
		sent[p.Seq] = p.Quantity
	}
	for _, l := range lines {
		if l.toShip() > sent[l.Seq] {
			return false
		}
	}
	return true
}

// Undo takes a parcel back, as long as the customer was not mailed about it. If it was already
// taken back, that is the reason it refuses with, whichever version of the order the person saw.
func (d *Desk) Undo(ctx context.Context, who Actor, on Order, shipmentID string) error {
	err := d.act(ctx, who, on, func(tx pgx.Tx, o deskOrder) (*report, error) {
		s, found, err := lockShipment(ctx, tx, o.ID, shipmentID)
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, refuseAct("", "This order has no parcel %s.", shipmentID)
		case s.Told || s.Due:
			return nil, refuseAct("", "The customer has been told about this parcel: it can no longer be undone.")
		}

		pieces, err := shipmentPieces(ctx, tx, s.ID)
		if err != nil {
			return nil, err
		}
		if err := deleteShipment(ctx, tx, s, who); err != nil {
			return nil, err
		}
		return &report{action: adminui.OrdersFulfil, text: "Took parcel " + s.ID + " back", before: s.audited(pieces)},
			showTracking(ctx, tx, o.ID)
	})

	if _, refused := errors.AsType[*Refusal](err); !refused && !errors.Is(err, adminui.ErrStale) {
		return err
	}
	undone, found, lookErr := findUndone(ctx, d.pool, on.Identifier, shipmentID)
	if lookErr != nil {
		return lookErr
	}
	if found {
		return refuseAct("", "The parcel is already undone, by %s at %s.", undone.By,
			undone.At.UTC().Format("15:04 UTC"))
	}

	return err
}

// Correction is the true label of a parcel.
type Correction struct {
	Order
	Shipment string
	Method   string // identifier of the shipping method; "" keeps the carrier
	Tracking string
	Mail     bool // mail a customer who was already mailed
}

// Correct changes the carrier and the tracking number of a parcel. A customer who was not mailed
// yet is mailed only the correct ones; one who was is mailed again if that is wanted.
func (d *Desk) Correct(ctx context.Context, who Actor, c Correction) error {
	tracking, err := checkTracking(c.Tracking)
	if err != nil {
		return err
	}
	return d.act(ctx, who, c.Order, func(tx pgx.Tx, o deskOrder) (*report, error) {
		s, found, err := lockShipment(ctx, tx, o.ID, c.Shipment)
		switch {
		case err != nil:
			return nil, err
		case !found:
			return nil, refuseAct("", "This order has no parcel %s.", c.Shipment)
		}

		before := s
		if c.Method != "" {
			way, err := d.newShipment(ctx, tx, o, c.Method)
			if err != nil {
				return nil, err
			}
			s.Carrier, s.TrackingBaseURL = way.Carrier, way.TrackingBaseURL
		}

		s.TrackingNumber = tracking
		if s == before {
			return nil, nil
		}

		if s.Told && c.Mail {
			s.Corrections++
		}
		if err := changeShipment(ctx, tx, s); err != nil {
			return nil, err
		}

		if s.Corrections > before.Corrections {
			if err := mailShipments(ctx, tx, []shipment{s}, true); err != nil {
				return nil, err
			}
		}
		return &report{action: adminui.OrdersFulfil, text: "Corrected parcel " + s.ID, before: before.audited(nil),
			after: s.audited(nil)}, showTracking(ctx, tx, o.ID)
	})
}

// checkTracking cleans a tracking number, and refuses one that is too long.
func checkTracking(text string) (string, error) {
	tracking := trackingNumber(text)
	if utf8.RuneCountInString(tracking) > maxTracking {
		return "", refuseAct("tracking", "A tracking number has at most %d characters.", maxTracking)
	}
	return tracking, nil
}

// Shipped is the outcome of one of many parcels.
type Shipped struct {
	Parcel
	ID  string // of the parcel, or "" with Err
	Err error
}

// ShipAll sends many parcels, each by itself: one that is refused stops none of the others.
func (d *Desk) ShipAll(ctx context.Context, who Actor, parcels []Parcel) []Shipped {
	list := make([]Shipped, len(parcels))
	for i, p := range parcels {
		list[i].Parcel = p
		list[i].ID, list[i].Err = d.Ship(ctx, who, p)
	}
	return list
}

// PastedParcels reads text that was pasted from a spreadsheet: a line for each order, of its
// identifier, the tracking number and the shipping method, separated by tabs, semicolons or commas
// and quoted as a spreadsheet does. An identifier alone is sent without a number; an empty number
// is refused, since it may have been forgotten. left are the refused lines, and refused are the
// reasons, by line number.
func PastedParcels(text string) (parcels []Parcel, left []string, refused []error) {
	for i, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		if strings.TrimSpace(line) == "" {
			continue
		}
		cells := cellsOf(line)
		why := ""
		switch {
		case !identifierLike(cells[0]):
			why = "does not begin with the identifier of an order"
		case len(cells) > 3:
			why = "has more than an identifier, a tracking number and a carrier"
		case len(cells) > 1 && cells[1] == "":
			why = "has no tracking number"
		}
		if why != "" {
			left, refused = append(left, line), append(refused, refuseAct("parcels", "Line %d %s.", i+1, why))
			continue
		}
		cells = append(cells, "", "")
		parcels = append(parcels, Parcel{Order: Order{Identifier: cells[0]}, Tracking: cells[1], Method: cells[2]})
	}
	return parcels, left, refused
}

// cellsOf are the cells of a pasted line, without empty ones at its end except the second.
func cellsOf(line string) []string {
	r := csv.NewReader(strings.NewReader(line))
	r.LazyQuotes, r.Comma = true, ','
	for _, separator := range "\t;" {
		if strings.ContainsRune(line, separator) {
			r.Comma = separator
			break
		}
	}
	cells, err := r.Read()
	if err != nil {
		return []string{line}
	}
	for i := range cells {
		cells[i] = strings.Trim(strings.TrimSpace(cells[i]), `"'`)
	}
	for len(cells) > 2 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func identifierLike(text string) bool {
	return text != "" && len(text) <= 100 && strings.Trim(text, random.Letters) == ""
}

// mailDueShipments enqueues the mails about parcels that can no longer be undone, with the messages
// for other services. It returns the number of parcels.
func (s *server) mailDueShipments(ctx context.Context) (n int, err error) {
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		list, err := claimShipmentsToMail(ctx, tx)
		if n = len(list); err != nil || n == 0 {
			return err
		}
		fault.Point("order", "parcels-taken")
		return mailShipments(ctx, tx, list, false)
	})
	if n > 0 && err == nil {
		fault.Point("order", "parcels-told")
	}
	return n, err
}
