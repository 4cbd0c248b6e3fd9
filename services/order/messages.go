package order

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// mailDeadline is how long a confirmation is worth sending.
const mailDeadline = 72 * time.Hour

// placedMessages tells others of a new order: the event, and the command to mail the confirmation.
// Both keys come from the order's quote, so that a repetition is the same message.
func placedMessages(o order, orderID int64, memberTemplate, visitorTemplate string) []msg.Message {
	lines := quotedLines(o.checkout)
	var codes []msg.OrderCode
	for _, c := range o.checkout.Quote.Codes {
		codes = append(codes, msg.OrderCode{ID: c.ID, Code: c.Code, Description: c.Description, Combinable: c.Combinable, Applied: c.Applied, Amount: int64(c.Amount)})
	}
	placed := msg.OrderPlaced{
		OrderID: orderID, Identifier: o.Identifier, PlacedAt: o.PlacedAt, Email: o.Email, CustomerName: o.CustomerName, ProspectCode: text(o.ProspectCode),
		Newsletter: o.checkout.Newsletter, Currency: o.Currency, ItemSubtotal: o.ItemSubtotal, ItemDiscount: o.ItemDiscount,
		ShippingSubtotal: o.ShippingSubtotal, ShippingDiscount: o.ShippingDiscount, Total: o.Total, Lines: lines, Codes: codes,
	}
	if o.checkout.Newsletter {
		placed.ConsentAt = o.checkout.AgreedAt
	}
	mail := msg.SendMail{
		Kind: msg.MailOrderVisitor, To: []string{o.Email}, MemberCode: text(o.checkout.MemberCode), ProspectCode: text(o.ProspectCode),
		CreatedAt: o.PlacedAt, Deadline: o.PlacedAt.Add(mailDeadline),
		Order: &msg.OrderMail{
			Identifier: o.Identifier, PlacedAt: o.PlacedAt, CustomerName: o.CustomerName, EmailCode: visitorTemplate, Lines: lines, Codes: codes,
			ItemSubtotal: o.ItemSubtotal, ItemDiscount: o.ItemDiscount, ShippingSubtotal: o.ShippingSubtotal, ShippingDiscount: o.ShippingDiscount,
			Total: o.Total, ShippingAddress: o.ShippingAddress, BillingAddress: o.BillingAddress,
		},
	}
	if m := o.checkout.Quote.Shipping; m != nil {
		mail.Order.ShippingMethod = m.Carrier
	}
	if o.MemberID != nil {
		placed.MemberID, mail.MemberID = *o.MemberID, *o.MemberID
		mail.Kind, mail.Order.EmailCode = msg.MailOrderMember, memberTemplate
	}
	messages := []msg.Message{{Key: "order-placed:" + o.CheckoutID, Subject: msg.OrderPlacedSubject, Payload: placed}}
	if o.Email != "" {
		messages = append(messages, msg.Message{Key: "order-confirmation:" + o.CheckoutID, Subject: msg.MailSubject(mail.Kind), Payload: mail})
	}
	return messages
}

// quotedLines are the lines of a quote as mails show them.
func quotedLines(c *checkout) (lines []msg.OrderLine) {
	for _, l := range c.Quote.Lines {
		lines = append(lines, msg.OrderLine{
			SKUID: l.SKUID, Product: l.ProductTitle, Text: text(l.Description), Colour: text(l.Color), Size: text(l.Size), PriceEach: int64(l.Price), Quantity: l.Quantity,
		})
	}
	return lines
}

// onUserEvents keeps what this service must know of people: who owns a visitor's orders, under
// which code a prospect is known, who must be erased.
func (s *server) onUserEvents(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		if err := onUserEvent(ctx, tx, d); err != nil {
			return err
		}
	}
	return nil
}

func onUserEvent(ctx context.Context, tx pgx.Tx, d *bus.Delivery) error {
	switch d.Subject {
	case msg.UserEmailVerified:
		var m msg.Member
		if err := json.Unmarshal(d.Data, &m); err != nil {
			return bus.Permanent(fmt.Errorf("read %s: %w", d.Subject, err))
		}
		return adoptOrders(ctx, tx, m.ID, m.Email)
	case msg.ProspectChanged:
		var p msg.Prospect
		if err := json.Unmarshal(d.Data, &p); err != nil {
			return bus.Permanent(fmt.Errorf("read %s: %w", d.Subject, err))
		}
		return learnProspect(ctx, tx, p)
	case msg.UserErased:
		return erasure.Receive(ctx, tx, d, eraseOrders)
	}
	return nil
}

// adoptOrders gives a visitor's orders to the member who has proved to own their address.
func adoptOrders(ctx context.Context, tx pgx.Tx, member int64, email string) error {
	if _, err := tx.Exec(ctx, `UPDATE orders SET member_id = $1 WHERE member_id IS NULL AND lower(email) = $2`, member, addressKey(email)); err != nil {
		return fmt.Errorf("give visitor orders to member %d: %w", member, err)
	}
	return nil
}

// learnProspect keeps the code of a prospect; an older message never undoes a newer one.
func learnProspect(ctx context.Context, tx pgx.Tx, p msg.Prospect) error {
	// The record may have been erased while the message was under way; its id never comes back.
	forgotten, err := erasure.Forgotten(ctx, tx, erasure.ProspectKey(p.ID))
	if err != nil || len(forgotten) > 0 {
		return err
	}
	_, err = tx.Exec(ctx, `
		INSERT INTO prospect (email, code, version) VALUES ($1, $2, $3)
		ON CONFLICT (email) DO UPDATE SET code = EXCLUDED.code, version = EXCLUDED.version WHERE prospect.version < EXCLUDED.version`,
		addressKey(p.Email), p.Code, p.Version)
	if err != nil {
		return fmt.Errorf("note the code of a prospect: %w", err)
	}
	return nil
}
