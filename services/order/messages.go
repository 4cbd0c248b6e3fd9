package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/email"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// mailTTL is how long a confirmation is worth sending.
const mailTTL = 72 * time.Hour

// placedMessages are the messages about a new order: the event, and the mail that confirms it. Both
// keys come from the order's quote, so that a repetition is the same message.
func placedMessages(o order, stored storedOrders) []msg.Message {
	var codes []msg.OrderCode
	for _, c := range o.checkout.Quote.Codes {
		codes = append(codes, msg.OrderCode{ID: c.ID, Code: c.Code, Description: c.Description,
			Combinable: c.Combinable, Applied: c.Applied, Amount: int64(c.Amount)})
	}

	amounts := msg.OrderAmounts{
		ItemSubtotal:     o.ItemSubtotal,
		ItemDiscount:     o.ItemDiscount,
		ShippingSubtotal: o.ShippingSubtotal,
		ShippingDiscount: o.ShippingDiscount,
		SalesTax:         o.SalesTax,
		TaxIncluded:      o.TaxIncluded,
		Total:            o.Total,
	}

	placed := msg.OrderPlaced{
		OrderID:       stored.ids[o.CheckoutID],
		Identifier:    o.Identifier,
		PlacedAt:      o.PlacedAt,
		Email:         o.Email,
		CustomerName:  o.CustomerName,
		ProspectCode:  pg.Text(o.ProspectCode),
		ProspectKnown: o.prospectKnown,
		Newsletter:    o.checkout.Newsletter,
		Currency:      o.Currency,
		OrderAmounts:  amounts,
		Lines:         reportedLines(o.checkout, stored),
		Codes:         codes,
		Country:       o.ShippingAddress.CountryCode,
	}

	if o.checkout.Newsletter {
		placed.ConsentAt = o.checkout.AgreedAt
	}
	if o.MemberID != nil {
		placed.MemberID = *o.MemberID
	}

	messages := []msg.Message{{Key: "order-placed:" + o.CheckoutID, Subject: msg.OrderPlacedSubject, Payload: placed,
		Trace: o.trace}}
	if o.Email != "" {
		mail := confirmation(o, stored, codes, amounts)
		messages = append(messages, msg.Message{Key: "order-confirmation:" + o.CheckoutID,
			Subject: msg.MailSubject(mail.Kind), Payload: mail, Trace: o.trace})
	}
	return messages
}

// confirmation is the mail about a new order.
func confirmation(o order, stored storedOrders, codes []msg.OrderCode, amounts msg.OrderAmounts) msg.SendMail {
	mail := msg.SendMail{
		Kind:         msg.MailOrderVisitor,
		To:           []string{o.Email},
		MemberCode:   pg.Text(o.checkout.MemberCode),
		ProspectCode: pg.Text(o.ProspectCode),
		CreatedAt:    o.PlacedAt,
		Deadline:     o.PlacedAt.Add(mailTTL),
		Order: &msg.OrderMail{
			Identifier:      o.Identifier,
			PlacedAt:        o.PlacedAt,
			CustomerName:    o.CustomerName,
			EmailCode:       stored.visitorTemplate,
			Lines:           quotedLines(o.checkout),
			Codes:           codes,
			OrderAmounts:    amounts,
			ShippingAddress: o.ShippingAddress,
			BillingAddress:  o.BillingAddress,
		},
	}

	if m := o.checkout.Quote.Shipping; m != nil {
		mail.Order.ShippingMethod = m.Carrier
	}
	if o.MemberID != nil {
		mail.MemberID = *o.MemberID
		mail.Kind, mail.Order.EmailCode = msg.MailOrderMember, stored.memberTemplate
	}
	return mail
}

// reportedLines are the lines of a checkout with product and collections, for reports.
func reportedLines(c *checkout, stored storedOrders) []msg.OrderLine {
	lines := quotedLines(c)
	for i, l := range c.Quote.Lines {
		lines[i].ProductIdentifier, lines[i].Collections = l.ProductIdentifier, stored.collections[l.ProductIdentifier]
	}
	return lines
}

// quotedLines are the lines of a quote as mails show them.
func quotedLines(c *checkout) (lines []msg.OrderLine) {
	for _, l := range c.Quote.Lines {
		lines = append(lines, msg.OrderLine{
			SKUID: l.SKUID, Product: l.ProductTitle, Text: pg.Text(l.Description), Color: pg.Text(l.Color),
			Size: pg.Text(l.Size), PriceEach: int64(l.Price), Quantity: l.Quantity,
		})
	}
	return lines
}

// mergeMember gives everything of a member whose account was closed to the member it was merged
// into.
func mergeMember(ctx context.Context, tx pgx.Tx, m msg.Merged) error {
	if err := noteMerged(ctx, tx, m.MemberID, m.Into); err != nil {
		return err
	}
	_, err := moveMember(ctx, tx, m.MemberID)
	return err
}

// onProspects stores the codes of prospects. A group that contains other messages is left to
// onUserEvents.
func (s *server) onProspects(group []*bus.Delivery) (*bus.Effect, error) {
	rows := []prospectRow{}
	for _, d := range group {
		if d.Subject != msg.ProspectChanged {
			return nil, nil
		}
		p, err := bus.Decode[msg.Prospect](d)
		if err != nil {
			return nil, err
		}
		rows = append(rows, prospectRow{d.Key, email.Key(p.Email), p.Code, p.Version,
			erasure.Hash(erasure.ProspectKey(p.ID))})
	}
	return upsertProspects(rows), nil
}

// onUserEvents stores what this service must know about people: who owns a visitor's orders, which
// code a prospect has, who must be erased.
func (s *server) onUserEvents(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := s.onUserEvent(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) onUserEvent(ctx context.Context, tx pgx.Tx, d *bus.Delivery) error {
	switch d.Subject {
	case msg.UserEmailVerified:
		return bus.Apply(ctx, tx, d, adoptOrders)
	case msg.ProspectChanged:
		effect, err := s.onProspects([]*bus.Delivery{d})
		if err != nil {
			return err
		}
		return effect.Apply(ctx, tx, d.Key)
	case msg.UserMerged:
		return bus.Apply(ctx, tx, d, mergeMember)
	case msg.UserErased:
		return onErased(ctx, tx, d)
	}
	return nil
}
