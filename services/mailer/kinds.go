package mailer

import (
	"fmt"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// mailKind is a kind of mail with its text for staff.
type mailKind struct {
	Kind string
	// When says on what occasion the mail is sent.
	When string
	// fields are the names in braces that its template may hold, beside those of all mails.
	fields []string
	// must are names of which the template needs at least one: without any of them the mail is
	// useless. It is empty for mails that need none.
	must []string
	// whole are names that the template needs all of.
	whole []string
	// sample is a command with which the template is tried; nil for newsletters, which have no
	// template of their own.
	sample func() msg.SendMail
}

// ofWhichOrder are the names that say which order a mail is about.
var ofWhichOrder = []string{"identifier", "order_information", "order_link"}

// whatWasBought are the names without which a mail confirms nothing: the lines and the total.
var whatWasBought = []string{"product_information", "order_total_information"}

// mailKinds are all kinds, in the order of the staff pages.
var mailKinds = []mailKind{
	{Kind: msg.MailOrderMember, When: "an order of a member is paid",
		fields: orderFields("prosepct_email_unsubscribe_str"), //nolint:misspell // spelled as in old templates
		must:   ofWhichOrder,
		whole:  whatWasBought,
		sample: sampleOrder(msg.MailOrderMember)},
	{Kind: msg.MailOrderVisitor, When: "an order of a visitor is paid",
		fields: orderFields("prosepct_email_unsubscribe_str"), //nolint:misspell // spelled as in old templates
		must:   ofWhichOrder,
		whole:  whatWasBought,
		sample: sampleOrder(msg.MailOrderVisitor)},
	{Kind: msg.MailOrderShipped, When: "a parcel has left, five minutes after",
		fields: orderFields("tracking_information", "parcel_information", "rest_information"),
		must:   []string{"tracking_information"},
		sample: sampleOrder(msg.MailOrderShipped)},
	{Kind: msg.MailOrderRefunded, When: "Stripe makes a refund",
		fields: orderFields("refund_amount", "refund_information"),
		must:   []string{"refund_amount"},
		sample: sampleOrder(msg.MailOrderRefunded)},
	{Kind: msg.MailOrderCanceled, When: "staff cancel an order",
		fields: orderFields("canceled_refund_information"),
		must:   ofWhichOrder,
		sample: sampleOrder(msg.MailOrderCanceled)},
	{Kind: msg.MailOrderNote, When: "staff mail a note to the customer",
		fields: orderFields("note_information"), must: []string{"note_information"},
		sample: sampleOrder(msg.MailOrderNote)},
	{Kind: msg.MailPaymentPending, When: "a bank debit is under way",
		fields: []string{"amount", "items", "time"}, must: []string{"amount", "items"},
		sample: samplePayment(msg.MailPaymentPending)},
	{Kind: msg.MailPaymentRefused, When: "a bank refuses a debit",
		fields: []string{"amount", "items", "time"}, must: []string{"amount", "items"},
		sample: samplePayment(msg.MailPaymentRefused)},
	{Kind: msg.MailWelcome, When: "an account is opened",
		fields: accountFields("code"), must: []string{"code"}, sample: sampleAccount(msg.MailWelcome)},
	{Kind: msg.MailVerify, When: "a member asks for the link again",
		fields: accountFields("code"), must: []string{"code"}, sample: sampleAccount(msg.MailVerify)},
	{Kind: msg.MailReset, When: "a member forgot the password",
		fields: accountFields("code"), must: []string{"code"}, sample: sampleAccount(msg.MailReset)},
	{Kind: msg.MailPasswordSet, When: "the link for a new password was used",
		fields: accountFields(), sample: sampleAccount(msg.MailPasswordSet)},
	{Kind: msg.MailPasswordChanged, When: "a password is changed inside the account",
		fields: accountFields(), sample: sampleAccount(msg.MailPasswordChanged)},
	{Kind: msg.MailAddressChanged, When: "an account gets another address; to both",
		fields: accountFields("code", "old_email", "undo_information"), must: []string{"undo_information"},
		sample: sampleAccount(msg.MailAddressChanged)},
	{Kind: msg.MailAccountsMerged, When: "staff merge two accounts; to both addresses",
		fields: accountFields("closed_username"), must: []string{"closed_username"},
		sample: sampleAccount(msg.MailAccountsMerged)},
	{Kind: msg.MailUsername, When: "a member forgot the user name",
		fields: accountFields("accounts_lead", "accounts"), must: []string{"accounts"},
		sample: sampleAccount(msg.MailUsername)},
	{Kind: msg.MailChatAlert, When: "a visitor leaves a message; to the staff",
		fields: []string{"time"}, sample: sampleAccount(msg.MailChatAlert)},
	{Kind: msg.MailTest, When: "staff ask for it in a new shop's guide; to the staff",
		fields: []string{"time"}, sample: sampleAccount(msg.MailTest)},
	{Kind: msg.MailChatAnswer, When: "staff answer a chat message",
		fields: []string{"note", "time"}, must: []string{"note"}, sample: sampleAnswer},
	{Kind: msg.MailCheckoutReminder, When: "a checkout was not paid; if switched on",
		fields: []string{"first_name", "items", "amount", "cart_link", "unsubscribe_link"},
		must:   []string{"unsubscribe_link"}, sample: sampleAutomatic(msg.MailCheckoutReminder)},
	{Kind: msg.MailBackInStock, When: "a SKU can be bought again; if switched on",
		fields: []string{"items", "amount", "product_link", "unsubscribe_link"}, must: []string{"unsubscribe_link"},
		sample: sampleAutomatic(msg.MailBackInStock)},
	{Kind: msg.MailReviewRequest, When: "an order was sent; if switched on",
		fields: []string{"first_name", "items", "amount", "order_link", "unsubscribe_link"},
		must:   []string{"unsubscribe_link"}, sample: sampleAutomatic(msg.MailReviewRequest)},
	{Kind: kindNewsletter},
	{Kind: kindDraft},
}

// fieldTexts explain the names in braces.
var fieldTexts = map[string]string{
	"shop_name": "the shop's name", "ENVIRONMENT_DOMAIN": "the shop's address, for links",
	"contact": "where answers go", "foot": "shop and contact, as the last lines",

	"first_name": "first name", "last_name": "last name", "username": "user name", "email": "address of the account",
	"old_email": "the old address", "code": "code of the link, which works once", "time": "when it was asked for",
	"undo_information": "how the owner takes the account back", "accounts": "user names, one per line",
	"closed_username": "user name of the closed account",
	"accounts_lead":   "text before the user names", "amount": "the payment's amount", "items": "what it is for",

	"recipient_first_name": "the customer's name", "identifier": "the order's identifier", "em_cd": "code of this mail",
	"mb_cd": "code of the member", "pr_cd": "code of the prospect", "order_link": "the page of the order",
	"order_information": "identifier and time of the order", "product_information": "what was bought",
	"shipping_information": "how it is sent", "discount_information": "codes", "order_total_information": "the sums",
	"payment_information": "how it was paid", "shipping_address_information": "where it goes",
	"billing_address_information": "who pays", "line_break": "a line", "short_line_break": "a short line",
	//nolint:misspell // spelled as in old templates
	"prosepct_email_unsubscribe_str": "unsubscribe link, if there is one",
	"tracking_information":           "carrier and tracking number", "parcel_information": "what is in the parcel",
	"rest_information": "what is still to come", "refund_amount": "what is given back",
	"refund_information": "what the refund is for", "canceled_refund_information": "what is given back, if anything",
	"cart_link": "the cart", "product_link": "the product's page",
	"unsubscribe_link": "unsubscribe link; every such mail needs it",
	"note_information": "what staff wrote", "note": "what staff answer, with the question below",
}

var (
	commonFields = []string{"shop_name", "ENVIRONMENT_DOMAIN", "contact"}
	ofOrders     = []string{"recipient_first_name", "identifier", "order_link", "em_cd", "mb_cd", "pr_cd",
		"order_information", "product_information", "shipping_information", "discount_information",
		"order_total_information", "payment_information", "shipping_address_information", "billing_address_information",
		"line_break", "short_line_break"}
)

func orderFields(more ...string) []string { return append(more, ofOrders...) }

func accountFields(more ...string) []string {
	return append([]string{"first_name", "last_name", "username", "email", "time"}, more...)
}

// ofOrder reports whether a mail of the kind is about an order: its template has a code, which
// stands in links, and a sender of its own.
func (k mailKind) ofOrder() bool { return orderTemplates[k.Kind] != "" }

// allowed are the names in braces that the template may hold.
func (k mailKind) allowed() []string {
	all := append([]string{}, commonFields...)
	if !k.ofOrder() {
		all = append(all, "foot")
	}
	return append(all, k.fields...)
}

// template is the code of its row in the table of templates.
func (k mailKind) template() string {
	if k.ofOrder() {
		return orderTemplates[k.Kind]
	}
	return k.Kind
}

// builtIn is the shop's built-in template.
func (k mailKind) builtIn() mailTemplate {
	folder := "templates/"
	if k.ofOrder() {
		folder += "order/"
	}
	t := mailTemplate{Code: k.template(), Type: "Member", Status: "Ready"}
	if k.Kind == msg.MailOrderVisitor {
		t.Type = "Prospect"
	}
	text, err := templateFiles.ReadFile(folder + k.Kind + ".txt")
	if err != nil {
		panic(err) // it is embedded
	}
	t.Subject, t.BodyText, _ = strings.Cut(string(text), "\n")
	if markup, err := templateFiles.ReadFile(folder + k.Kind + ".html"); err == nil {
		t.BodyHTML = string(markup)
	}
	return t
}

// kindOf finds a kind.
func kindOf(kind string) (mailKind, bool) {
	for _, k := range mailKinds {
		if k.Kind == kind {
			return k, true
		}
	}
	return mailKind{}, false
}

// kindTitle is the title of a kind for staff; an unknown kind keeps its name.
func kindTitle(kind string) string {
	switch kind {
	case kindNewsletter:
		return "Newsletter"
	case kindDraft:
		return "Newsletter, draft"
	}
	return msg.MailTitle(kind)
}

// sampleTime is the time of the events in samples.
var sampleTime = time.Date(2026, time.March, 14, 9, 26, 0, 0, time.UTC)

const sampleAddress = "ada@customer.example"

func sampleAccount(kind string) func() msg.SendMail {
	return func() msg.SendMail {
		return msg.SendMail{Kind: kind, To: []string{sampleAddress}, CreatedAt: sampleTime, Data: map[string]string{
			"first_name": "Ada", "last_name": "Byron", "username": "ada", "email": sampleAddress,
			"old_email": "ada@former.example", "code": "sample", "undo_code": "sample",
			"accounts": "ada\nada-at-work", "closed_username": "ada-at-work"}}
	}
}

func sampleAnswer() msg.SendMail {
	return msg.SendMail{Kind: msg.MailChatAnswer, To: []string{sampleAddress}, CreatedAt: sampleTime,
		Note: "Hello Ada,\nthey come in blue, too.\n\nOn 14 March 2026, 09:26 UTC you wrote:\n> Do you have blue ones?"}
}

func sampleLines() []msg.OrderLine {
	return []msg.OrderLine{
		{SKUID: 1, Product: "Paper Clips", Text: "Left & right", Color: "Silver", Size: "Medium", PriceEach: 350,
			Quantity: 3},
		{SKUID: 2, Product: "Rubber Bands", PriceEach: 1499, Quantity: 1},
	}
}

func samplePayment(kind string) func() msg.SendMail {
	return func() msg.SendMail {
		return msg.SendMail{Kind: kind, To: []string{sampleAddress}, CreatedAt: sampleTime,
			Payment: &msg.PaymentMail{Total: 3250, Lines: sampleLines()}}
	}
}

func sampleAutomatic(kind string) func() msg.SendMail {
	return func() msg.SendMail {
		m := samplePayment(kind)()
		m.ProspectCode, m.Data = "sample", map[string]string{"first_name": "Ada", "identifier": "aB3dE5gH7j",
			"product": "bSusp6dBHm", "notice": "sample", "token": "sample"}
		if kind == msg.MailBackInStock {
			m.Payment.Lines = m.Payment.Lines[:1]
			m.Payment.Lines[0].Quantity = 1
		}
		return m
	}
}

func sampleOrder(kind string) func() msg.SendMail {
	return func() msg.SendMail {
		home := msg.Address{
			Name:        "Ada Byron",
			Line1:       "1 Analytical Way",
			Line2:       "Apt 5B",
			City:        "Springfield",
			State:       "CA",
			Zip:         "90001",
			Country:     "US",
			CountryCode: "US",
		}

		lines := sampleLines()
		m := msg.SendMail{Kind: kind, To: []string{sampleAddress}, CreatedAt: sampleTime,
			Note: "We pack it tomorrow.\nAda",
			Order: &msg.OrderMail{
				Identifier: "aB3dE5gH7j", PlacedAt: sampleTime, CustomerName: "Ada Byron", Lines: lines,
				Codes: []msg.OrderCode{{ID: 1, Code: "WELCOME10", Description: "{}% off everything", Applied: true,
					Amount: 1000}},
				ShippingMethod: "Post", OrderAmounts: msg.OrderAmounts{ItemSubtotal: 2549, ItemDiscount: 255,
					ShippingSubtotal: 956, Total: 3250},
				ShippingAddress: home, BillingAddress: home},
			Shipment: &msg.ShipmentMail{Carrier: "Post", TrackingNumber: "9400 1000 0000",
				TrackingURL: "https://carrier.example/94001000", Lines: lines[:1], Rest: lines[1:]},
			Refund: &msg.RefundMail{Amount: 1499, Lines: lines[1:]}}

		if kind == msg.MailOrderVisitor {
			m.ProspectCode = "sample"
		} else {
			m.MemberCode = "sample"
		}

		return m
	}
}

// fillKind fills a template of a kind with its sample, or with another command of the kind.
func (s *server) fillKind(k mailKind, t mailTemplate, m msg.SendMail) (content, error) {
	if len(m.To) == 0 {
		return content{}, fmt.Errorf("a sample of %s has no receiver", k.Kind)
	}
	if k.ofOrder() {
		return s.fillOrder(m, m.To[0], t, linkCodes{member: m.MemberCode, prospect: m.ProspectCode})
	}
	return s.fillPlain(m, m.CreatedAt, t)
}
