package order

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// mailShipments enqueues the mails about parcels, and with them the status of orders that are
// completely sent. Keys come from the parcels, so that there is one mail for each parcel and for
// each correction.
func mailShipments(ctx context.Context, tx pgx.Tx, list []shipment, corrected bool) error {
	var ids []int64
	for _, s := range list {
		ids = append(ids, s.OrderID)
	}
	orders, err := ordersToMail(ctx, tx, ids)
	if err != nil {
		return err
	}

	var messages []msg.Message
	for _, s := range list {
		o := orders[s.OrderID]
		if o.Sent && !corrected {
			messages = append(messages, statusMessage(o.deskOrder, statusShipped, *o.MovedAt))
		}

		if pg.Text(o.Email) == "" { // was erased
			continue
		}
		lines, err := orderLines(ctx, tx, s.OrderID)
		if err != nil {
			return err
		}
		pieces, err := shipmentPieces(ctx, tx, s.ID)
		if err != nil {
			return err
		}

		m := o.mail(msg.MailOrderShipped, lines)
		m.Shipment = &msg.ShipmentMail{
			Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, TrackingURL: s.trackingURL(),
			Lines: linesOf(lines, pieces), Rest: linesToShip(lines), Corrected: corrected,
		}
		key := msg.MailOrderShipped + ":" + s.ID
		if corrected {
			key += ":" + web.ID(int64(s.Corrections))
		}
		messages = append(messages, msg.Message{Key: key, Subject: msg.MailSubject(m.Kind), Payload: m})
	}
	return bus.Enqueue(ctx, tx, messages...)
}

// trackingURL is the carrier's page about a parcel, or "".
func (s shipment) trackingURL() string {
	if s.TrackingNumber == "" || !strings.HasPrefix(s.TrackingBaseURL, "https://") &&
		!strings.HasPrefix(s.TrackingBaseURL, "http://") {
		return ""
	}
	return s.TrackingBaseURL + url.QueryEscape(s.TrackingNumber)
}

// statusMessage reports an order's new status.
func statusMessage(o deskOrder, status string, at time.Time) msg.Message {
	moved := msg.OrderStatusChanged{Identifier: o.Identifier, Status: status, At: at.UTC(), Email: pg.Text(o.Email)}
	if o.MemberID != nil {
		moved.MemberID = *o.MemberID
	}
	return msg.Message{Key: "order-status:" + o.Identifier + ":" + status, Subject: msg.OrderStatusChangedSubject,
		Payload: moved}
}

// mail is a mail to the customer of an order, with the order as it is.
func (o orderToMail) mail(kind string, lines []deskLine) msg.SendMail {
	now := time.Now().UTC()
	m := msg.SendMail{
		Kind:       kind,
		To:         []string{pg.Text(o.Email)},
		MemberCode: pg.Text(o.MemberCode),
		CreatedAt:  now,
		Deadline:   now.Add(mailTTL),
		Order: &msg.OrderMail{
			Identifier: o.Identifier, PlacedAt: o.PlacedAt, CustomerName: pg.Text(o.CustomerName),
			OrderAmounts: o.OrderAmounts,
		},
	}

	if o.MemberID != nil {
		m.MemberID = *o.MemberID
	} else {
		m.ProspectCode = pg.Text(o.ProspectCode)
	}
	if o.ShippingMethod != nil {
		m.Order.ShippingMethod = o.ShippingMethod.Carrier
	}

	if o.ShippingAddress != nil {
		m.Order.ShippingAddress = *o.ShippingAddress
	}
	for _, l := range lines {
		m.Order.Lines = append(m.Order.Lines, l.mailed(l.Quantity))
	}
	return m
}

func (l deskLine) mailed(quantity int) msg.OrderLine {
	return msg.OrderLine{SKUID: l.SKUID, Product: l.Product, Text: l.Text, Color: l.Color, Size: l.Size,
		PriceEach: l.PriceCents, Quantity: quantity}
}

func linesOf(lines []deskLine, pieces []Pieces) (list []msg.OrderLine) {
	for _, p := range pieces {
		if l, found := lineAt(lines, p.Seq); found {
			list = append(list, l.mailed(p.Quantity))
		}
	}
	return list
}

func linesToShip(lines []deskLine) (list []msg.OrderLine) {
	for _, l := range lines {
		if n := l.toShip(); n > 0 {
			list = append(list, l.mailed(n))
		}
	}
	return list
}
