package mailer

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// about is a mail about a change of an order.
func about(kind, to string) msg.SendMail {
	o := order()
	o.EmailCode = ""
	return msg.SendMail{Kind: kind, To: []string{to}, Order: o}
}

// The mail about a parcel names its content, the rest of the order and the tracking link.
func TestMailsAboutParcels(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	m := about(msg.MailOrderShipped, "ada@x.example")
	m.MemberID, m.MemberCode = 7, "MB123456789012345678"
	m.Shipment = &msg.ShipmentMail{Carrier: "UPS <Ground>", TrackingNumber: "1Z 9&x", TrackingURL: "https://ups.example/?a=1&n=1Z+9%26x",
		Lines: []msg.OrderLine{{Product: "Paper Clips", Text: "Left & right", Color: "Silver", Quantity: 2}},
		Rest:  []msg.OrderLine{{Product: "Rubber Bands", Quantity: 1}}}
	e.send("order-shipped:1", m)
	e.awaitSent(1)
	got := sink.all()[0]
	wantContains(t, "subject", got.subject, "aB3dE5gH7j", "on its way")
	wantContains(t, "text", got.text, "Sent with: UPS <Ground>", "Tracking number: 1Z 9&x", "https://ups.example/?a=1&n=1Z+9%26x",
		"2 x Paper Clips, Left & right, Silver", "Still to come:\n1 x Rubber Bands", "1 Analytical Way",
		"https://shop.example/account/order?identifier=aB3dE5gH7j&em_cd="+orderTemplates[msg.MailOrderShipped]+
			"&mb_cd=MB123456789012345678")
	wantContains(t, "HTML", got.html, "UPS &lt;Ground&gt;", `href="https://ups.example/?a=1&amp;n=1Z&#43;9%26x"`, "Left &amp; right")
	if strings.Contains(got.text, "wrong") || strings.Contains(got.text+got.html, "_information}") || strings.Contains(got.text,
		"{order_link}") {
		t.Errorf("the mail says more than it should:\n%s", got.text)
	}

	m.Shipment.Corrected, m.Shipment.Rest, m.Shipment.TrackingURL = true, nil, "javascript:alert(1)"
	e.send("order-shipped:1:1", m)
	e.awaitSent(2)
	got = sink.all()[1]
	wantContains(t, "correction", got.text, "was wrong")
	if strings.Contains(got.text, "Still to come") || strings.Contains(got.html, `href="javascript`) {
		t.Errorf("the correction says\n%s\n%s", got.text, got.html)
	}
}

// Mails about refunds, cancellations and notes say what was given back, and nothing about money if
// it was nothing.
func TestMailsAboutRefundsCancellationsAndNotes(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.Exec(`UPDATE template SET body_text = body_text || 'Edited by staff.' WHERE em_cd = $1`, orderTemplates[msg.MailOrderRefunded])
	e.start()
	m := about(msg.MailOrderRefunded, "eve@x.example")
	m.ProspectCode = "PR123"
	m.Refund = &msg.RefundMail{Amount: 350, Lines: []msg.OrderLine{{Product: "Paper {refund_amount} Clips", Quantity: 1}}}
	e.send("order-refunded:1", m)
	e.awaitSent(1)
	got := sink.all()[0]
	wantContains(t, "refund", got.subject+got.text, "Refund for order aB3dE5gH7j", "given back $3.50", "1 x Paper {refund_amount} Clips",
		"&pr_cd=PR123",
		"Edited by staff.")
	wantContains(t, "refund's HTML", got.html, "<strong>$3.50</strong>")
	m.Refund.Lines = nil
	e.send("order-refunded:2", m)
	e.awaitSent(2)
	if got = sink.all()[1]; strings.Contains(got.text, "This is for") {
		t.Errorf("an amount by itself is for\n%s", got.text)
	}

	c := about(msg.MailOrderCanceled, "eve@x.example")
	c.Refund = &msg.RefundMail{Amount: 3250}
	e.send("order-canceled:1", c)
	e.awaitSent(3)
	wantContains(t, "cancel", sink.all()[2].text, "canceled your order aB3dE5gH7j", "We are refunding $32.50")
	c.Refund.Amount = 0
	e.send("order-canceled:2", c)
	e.awaitSent(4)
	if got = sink.all()[3]; strings.Contains(got.text, "refunding") {
		t.Errorf("a free order is refunded\n%s", got.text)
	}

	n := about(msg.MailOrderNote, "eve@x.example")
	n.Note = "Your mug {identifier}\ncomes <b>in blue</b>."
	e.send("order-note:1", n)
	e.awaitSent(5)
	wantContains(t, "note", sink.all()[4].text, "Your mug {identifier}\ncomes <b>in blue</b>.", "/account/order?identifier=aB3dE5gH7j")
	wantContains(t, "note's HTML", sink.all()[4].html, "Your mug {identifier}<br>comes &lt;b&gt;in blue&lt;/b&gt;.")

	for key, bad := range map[string]msg.SendMail{"order-note:9": about(msg.MailOrderNote, "a@x.example"),
		"order-shipped:9":  about(msg.MailOrderShipped, "a@x.example"),
		"order-refunded:9": about(msg.MailOrderRefunded, "a@x.example")} {
		e.send(key, bad)
	}

	e.eventually("3 parked", func() bool { return e.Number(`SELECT count(*) FROM parked`) == 3 })
}

// The template of an order mail never becomes a newsletter.
func TestOrderTemplatesNeverBecomeNewsletters(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	for kind, code := range orderTemplates {
		if n := e.Number(`SELECT count(*) FROM campaign WHERE em_cd = $1`, code); n != 0 {
			t.Errorf("%s is a newsletter", kind)
		}
	}
	if n := e.Number(`SELECT count(*) FROM campaign WHERE state = 'draft'`); n != 2 {
		t.Errorf("%d newsletters to begin with, want those for members and prospects", n)
	}
}
