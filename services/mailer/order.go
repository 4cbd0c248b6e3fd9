package mailer

import (
	"bytes"
	"context"
	"errors"
	"html"
	htmltemplate "html/template"
	"io"
	"net/mail"
	"strings"
	"text/template"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// The blocks that stand for names in braces of an order confirmation, as text and as HTML. The HTML
// ones escape the values.
var (
	textBlocks = template.Must(template.New("").ParseFS(templateFiles, "templates/order/blocks.tmpl"))
	htmlBlocks = htmltemplate.Must(htmltemplate.New("").ParseFS(templateFiles, "templates/order/blocks.html"))
)

// blocks are the names in braces that stand for whole blocks.
var blocks = []string{"order_information", "product_information", "shipping_information", "discount_information",
	"order_total_information", "payment_information", "shipping_address_information", "billing_address_information",
	"tracking_information", "parcel_information", "rest_information", "refund_information",
	"canceled_refund_information", "note_information"}

// orderPage is the data of the blocks.
type orderPage struct {
	Identifier, Placed, Customer, Email, Shop, ShippingMethod string
	Lines                                                     []orderLine
	Codes                                                     []orderCode
	// Discount, ShippingDiscount, Tax and TaxIncluded are "" if there is none.
	Subtotal, Discount, Shipping, ShippingDiscount, Tax, TaxIncluded, Total string
	ShippingAddress, BillingAddress                                         []string

	// The fields of a parcel.
	Carrier, Tracking, TrackingURL string
	Corrected                      bool
	Parcel, Rest                   []orderLine
	// The fields of a refund; the amount is "" if nothing was paid.
	Refund   string
	Refunded []orderLine
	Note     []string // lines that staff wrote
}

type orderLine struct {
	Product, Text, Variant, Each, Sum string
	Quantity                          int
}

type orderCode struct {
	Code, Description   string
	Combinable, Applied bool
}

// writeOrder fills the template that the order names; staff may have edited it.
func (s *server) writeOrder(ctx context.Context, m msg.SendMail, email string) (content, error) {
	t, codes, err := findTemplateAndCodes(ctx, s.pool, m)
	if err != nil {
		return content{}, err
	}
	return s.fillOrder(m, email, t, codes)
}

// fillOrder fills a template with an order.
func (s *server) fillOrder(m msg.SendMail, email string, t mailTemplate, codes linkCodes) (content, error) {
	view := s.orderPage(m, email)
	text, markup, err := s.replacers(view, t, codes)
	if err != nil {
		return content{}, err
	}
	c := content{subject: text.Replace(t.Subject), text: text.Replace(t.BodyText), html: markup.Replace(t.BodyHTML),
		emCode: t.Code, from: s.senderOf(t), bcc: s.bcc(t)}
	return c, nil
}

// senderOf is the template's sender, or the shop's if it has none.
func (s *server) senderOf(t mailTemplate) *mail.Address {
	if t.FromAddress == "" {
		return s.sender()
	}
	from, err := parseAddress(t.FromAddress)
	if err != nil {
		s.log.Error("a template's sender is not a mail address, MAIL_FROM is used", "em_cd", t.Code)
		return s.sender()
	}
	return from
}

// bcc are the template's additional receivers. A wrong one must not cost a customer the mail.
func (s *server) bcc(t mailTemplate) []string {
	var all []string
	for part := range strings.SplitSeq(t.BccAddress, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		a, err := parseAddress(part)
		if err != nil {
			s.log.Error("a template's bcc is not a mail address and is left out", "em_cd", t.Code)
			continue
		}
		all = append(all, a.Address)
	}
	return all
}

func (s *server) orderPage(m msg.SendMail, email string) orderPage {
	o := m.Order
	p := orderPage{
		Identifier:       clean(o.Identifier),
		Placed:           o.PlacedAt.UTC().Format("2 January 2006, 15:04 UTC"),
		Customer:         clean(o.CustomerName),
		Email:            email,
		Shop:             s.shop(),
		ShippingMethod:   clean(o.ShippingMethod),
		Subtotal:         s.amount(o.ItemSubtotal),
		Discount:         s.reduction(o.ItemDiscount),
		Shipping:         s.amount(o.ShippingSubtotal),
		ShippingDiscount: s.reduction(o.ShippingDiscount),
		Total:            s.amount(o.Total),
		ShippingAddress:  addressLines(o.ShippingAddress),
		BillingAddress:   addressLines(o.BillingAddress),
	}
	if p.Customer == "" {
		p.Customer = "customer"
	}
	if o.SalesTax > 0 {
		p.Tax = s.amount(o.SalesTax)
	}
	if o.TaxIncluded > 0 {
		p.TaxIncluded = s.amount(o.TaxIncluded)
	}

	p.Lines = s.orderLines(o.Lines)
	if m.Shipment != nil {
		p.Carrier, p.Tracking = clean(m.Shipment.Carrier), clean(m.Shipment.TrackingNumber)
		p.TrackingURL, p.Corrected = clean(m.Shipment.TrackingURL), m.Shipment.Corrected
		p.Parcel, p.Rest = s.orderLines(m.Shipment.Lines), s.orderLines(m.Shipment.Rest)
	}
	if m.Note != "" {
		for line := range strings.SplitSeq(m.Note, "\n") {
			p.Note = append(p.Note, clean(line))
		}
	}
	if m.Refund != nil {
		p.Refunded = s.orderLines(m.Refund.Lines)
		if m.Refund.Amount > 0 {
			p.Refund = s.amount(m.Refund.Amount)
		}
	}

	for _, c := range o.Codes {
		amount := strings.TrimSuffix(money.Cents(c.Amount).String(), ".00")
		p.Codes = append(p.Codes, orderCode{Code: clean(c.Code),
			Description: strings.ReplaceAll(clean(c.Description), "{}", amount), Combinable: c.Combinable,
			Applied: c.Applied})
	}

	return p
}

func (s *server) orderLines(lines []msg.OrderLine) (list []orderLine) {
	for _, l := range lines {
		list = append(list, orderLine{
			Product: clean(l.Product), Text: clean(l.Text), Variant: joined(", ", l.Color, l.Size),
			Quantity: l.Quantity, Each: s.amount(l.PriceEach),
			Sum: s.amount(int64(money.Cents(l.PriceEach).Times(l.Quantity))),
		})
	}
	return list
}

func (s *server) amount(cents int64) string {
	if cents < 0 {
		return "-" + s.cfg.CurrencySign + money.Cents(-cents).String()
	}
	return s.cfg.CurrencySign + money.Cents(cents).String()
}

func (s *server) reduction(cents int64) string {
	if cents <= 0 {
		return ""
	}
	return s.amount(-cents)
}

// joined cleans texts and joins those that are not empty.
func joined(sep string, texts ...string) string {
	var all []string
	for _, t := range texts {
		if t = clean(t); t != "" {
			all = append(all, t)
		}
	}
	return strings.Join(all, sep)
}

func addressLines(a msg.Address) []string {
	var lines []string
	for _, l := range []string{clean(a.Name), clean(a.Line1), clean(a.Line2),
		joined(", ", a.City, joined(" ", a.State, a.Zip)), joined("", a.Country)} {
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// replacers replace the names in braces of the text and of the HTML part. Each makes one pass over
// a template, so that braces in the values stay as they are.
func (s *server) replacers(p orderPage, t mailTemplate, codes linkCodes) (text, markup *strings.Replacer, err error) {
	single := map[string]string{
		"recipient_first_name":           p.Customer, // the full name, for compatibility
		"ENVIRONMENT_DOMAIN":             s.cfg.PublicURL,
		"identifier":                     linkCode(p.Identifier),
		"em_cd":                          linkCode(t.Code),
		"mb_cd":                          linkCode(codes.member),
		"pr_cd":                          linkCode(codes.prospect),
		"prosepct_email_unsubscribe_str": s.unsubscribe(t, codes), //nolint:misspell // spelled so in old templates
		"shop_name":                      p.Shop,
		"contact":                        s.replyTo.Address,
		"order_link":                     s.orderLink(p, t, codes),
		"refund_amount":                  p.Refund,
	}
	texts := []string{"{line_break}", strings.Repeat("=", 64), "{short_line_break}", strings.Repeat("-", 32)}
	marks := []string{"{line_break}", `<hr style="border:0;border-top:2px solid #444">`, "{short_line_break}",
		`<hr style="border:0;border-top:1px solid #bbb">`}
	for name, value := range single {
		texts = append(texts, "{"+name+"}", value)
		marks = append(marks, "{"+name+"}", html.EscapeString(value))
	}
	ofText, err := filled(textBlocks.ExecuteTemplate, blocks, p, t.Subject+t.BodyText)
	if err != nil {
		return nil, nil, err
	}
	ofMarkup, err := filled(htmlBlocks.ExecuteTemplate, blocks, p, t.BodyHTML)
	if err != nil {
		return nil, nil, err
	}
	return strings.NewReplacer(append(texts, ofText...)...), strings.NewReplacer(append(marks, ofMarkup...)...), nil
}

// filled renders the blocks whose names stand in a template, each after its name. Most names belong
// to other kinds of mail.
func filled(execute func(io.Writer, string, any) error, names []string, p any,
	template string) (all []string, err error) {
	for _, name := range names {
		if !strings.Contains(template, "{"+name+"}") {
			continue
		}
		text, err := block(execute, name, p)
		if err != nil {
			return nil, err
		}
		all = append(all, "{"+name+"}", text)
	}
	return all, nil
}

func block(execute func(io.Writer, string, any) error, name string, p any) (string, error) {
	var out bytes.Buffer
	if err := execute(&out, name, p); err != nil {
		return "", errors.New("the block " + name + " cannot be filled") // the error's text may hold values
	}
	return strings.TrimSpace(out.String()), nil
}

// orderLink leads to the page of the order; its codes say from which mail, and to whom that went.
func (s *server) orderLink(p orderPage, t mailTemplate, codes linkCodes) string {
	link := s.cfg.PublicURL + "/account/order?identifier=" + linkCode(p.Identifier) + "&em_cd=" + linkCode(t.Code)
	switch {
	case codes.member != "":
		return link + "&mb_cd=" + linkCode(codes.member)
	case codes.prospect != "":
		return link + "&pr_cd=" + linkCode(codes.prospect)
	}
	return link
}

// unsubscribe is a link for a person who is known, or "".
func (s *server) unsubscribe(t mailTemplate, codes linkCodes) string {
	if codes.prospectToken == "" {
		return ""
	}
	return s.cfg.PublicURL + "/account/email-unsubscribe?em_cd=" + linkCode(t.Code) + "&pr_cd=" +
		linkCode(codes.prospect) + "&pr_token=" + linkCode(codes.prospectToken)
}
