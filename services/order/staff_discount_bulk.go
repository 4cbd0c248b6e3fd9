package order

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// maxBulk is how many codes can be made in one batch.
	maxBulk = 10_000
	// bulkLetters is how many random letters a code of a batch has: 60 bits of rand.Text's
	// alphabet, so that guessing one of ten thousand takes a lifetime of tries even without the
	// limits on guessing.
	bulkLetters = 12
	// maxPrefix is the length of the longest prefix that the codes of a batch share, in characters.
	maxPrefix = 20
)

// bulkForm is the form for codes of one use each. once identifies the form, so that it makes one
// batch however often it is sent.
func (s *server) bulkForm(r *http.Request) (adminui.Form, error) {
	form, err := s.discountForm(r, discount{TypeID: 1})
	form.Fields = slices.DeleteFunc(form.Fields, func(f adminui.Field) bool {
		return f.Name == "code" || f.Name == "uses"
	})
	form.Fields = append([]adminui.Field{
		{Name: "once", Kind: "hidden", Value: rand.Text()},
		{Name: "name", Label: "Name of the batch", Kind: "text", Required: true, MaxLength: 100,
			Hint: "For staff: “Flyers in May”."},
		{Name: "many", Label: "How many codes", Kind: "number", Required: true,
			Hint: fmt.Sprintf("1 to %d.", maxBulk)},
		{Name: "prefix", Label: "Beginning", Kind: "text", MaxLength: maxPrefix,
			Hint: fmt.Sprintf("Such as MAY-; %d random letters and digits follow.", bulkLetters)},
	}, form.Fields...)
	form.Action, form.Cancel, form.Submit = "/discounts/bulk", "/discounts", "Make the codes"
	return form, err
}

func bulkPage(form adminui.Form, status int, errs adminui.FieldErrors) adminui.Page {
	return adminui.Page{Title: "Codes in bulk", Template: "form.html", Data: formPage{Form: form, Errors: errs,
		Intro: "Each code works for one order. You can download the list as a CSV file."},
		Status: status, Narrow: true}
}

func (s *server) staffNewBatch(r *http.Request) (adminui.Answer, error) {
	form, err := s.bulkForm(r)
	return bulkPage(form, http.StatusOK, nil), err
}

// bulkWanted is a batch to be made.
type bulkWanted struct {
	name, prefix, once string
	many               int
	terms              discount
}

// readBulk reads the form of a batch.
func (s *server) readBulk(r *http.Request, sent adminui.PostedForm) (b bulkWanted,
	wrong adminui.FieldErrors, err error) {
	b.once = sent.Get("once")
	if len(b.once) < 20 || len(b.once) > 60 {
		return b, nil, web.BadRequest("once")
	}
	b.name, b.prefix = strings.TrimSpace(sent.Get("name")), strings.TrimSpace(sent.Get("prefix"))
	// This code stands for those of the batch while the terms are read.
	sent.Values.Values["code"], sent.Values.Values["uses"] = []string{"x"}, []string{"1"}
	if b.terms, wrong, err = readDiscount(r.Context(), s.pool, sent, discount{}); err != nil {
		return b, wrong, err
	}
	if n := utf8.RuneCountInString(b.name); n == 0 || n > 100 {
		wrong["name"] = "Enter 1 to 100 characters."
	}
	if utf8.RuneCountInString(b.prefix) > maxPrefix || strings.ContainsFunc(b.prefix, oddInCode) {
		wrong["prefix"] = fmt.Sprintf("At most %d characters, without spaces.", maxPrefix)
	}
	n, ok := web.Number(strings.TrimSpace(sent.Get("many")), maxBulk)
	if b.many = int(n); !ok || b.many < 1 {
		wrong["many"] = fmt.Sprintf("Enter a whole number from 1 to %d.", maxBulk)
	}
	return b, wrong, nil
}

// staffCreateBatch makes a batch.
func (s *server) staffCreateBatch(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	b, wrong, err := s.readBulk(r, sent)
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		form, err := s.bulkForm(r)
		return bulkPage(form.WithInput(sent).WithErrors(wrong), http.StatusUnprocessableEntity, wrong), err
	}

	codes := make([]string, b.many)
	for i := range codes {
		codes[i] = b.prefix + rand.Text()[:bulkLetters]
	}
	var batch int64
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		number, fresh, err := insertBatch(r.Context(), tx, b.name, b.once, adminui.Who(r).Name)
		if batch = number; err != nil || !fresh {
			return err
		}
		b.terms.BatchID = &batch
		if _, err := insertDiscounts(r.Context(), tx, b.terms, codes, adminui.Who(r).Name); err != nil {
			return err
		}
		after := b.terms
		after.Code = b.prefix + "…"
		return adminui.Record(r, tx, adminui.Act{Action: adminui.DiscountsEdit, Kind: "discount-batch",
			Key: web.ID(batch), Text: fmt.Sprintf("Made %d codes, batch %s", b.many, b.name), After: after})
	})
	if err != nil {
		return nil, err
	}

	return adminui.Done{To: "/discounts?batch=" + web.ID(batch), Text: fmt.Sprintf("Made %d codes.", b.many)}, nil
}
