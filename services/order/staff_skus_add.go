package order

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// combinationsForm is the form for SKUs of each color in each size.
func combinationsForm(p staffProduct) adminui.Form {
	page := staffSKUsPage{ColorName: p.ColorName, SizeName: p.SizeName}
	return adminui.Form{ID: "add", Action: productPath(p.Identifier) + "/skus/add", Version: p.SKUVersion,
		Submit: "Add combinations", Fields: []adminui.Field{
			{Name: "colors", Label: page.Column("color"), Kind: "text", Hint: "Separated by commas: Oak, Walnut"},
			{Name: "sizes", Label: page.Column("size"), Kind: "text", Hint: "Separated by commas: S, M, L"},
			{Name: "price", Label: "Price", Kind: "money", Required: true},
		}}
}

// staffCreateSKUs adds a SKU for each combination of colors and sizes that does not exist yet.
func (s *server) staffCreateSKUs(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, p.SKUVersion); err != nil {
		return nil, err
	}
	page, err := s.skusPage(r, p)
	if err != nil {
		return nil, err
	}

	page.Errors = adminui.FieldErrors{}
	edit := skusEdit{colorName: p.ColorName, sizeName: p.SizeName, reason: "counted"}
	price, err := money.Parse(strings.TrimSpace(form.Get("price")))
	if err != nil || price < 1 || price > stripe.MaxTotal {
		page.Errors["price"] = "An amount such as 12.50, at most " + stripe.MaxTotal.String() + "."
	}
	for _, color := range commaList(form.Get("colors")) {
		for _, size := range commaList(form.Get("sizes")) {
			if utf8.RuneCountInString(color) > 500 || utf8.RuneCountInString(size) > 500 {
				page.Errors["colors"] = "At most 500 characters."
			}
			if slices.ContainsFunc(page.SKUs, func(k skuRow) bool { return k.Color == color && k.Size == size }) {
				continue
			}
			state, none := "in-stock", ""
			edit.rows = append(edit.rows, skuEdit{row: skuRow{New: true}, color: &color, size: &size, state: &state,
				description: &none, price: &price})
		}
	}

	if len(page.SKUs)+len(edit.rows) > maxSKUs {
		page.Errors["colors"] = fmt.Sprintf("A product has at most %d SKUs.", maxSKUs)
	}
	if len(page.Errors) > 0 {
		page.Add = page.Add.WithInput(form).WithErrors(page.Errors)
		return page.answer(http.StatusUnprocessableEntity), nil
	}

	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		_, err := changeSKUs(r, tx, p.ID, form.Version, edit)
		return err
	})
	if errors.Is(err, adminui.ErrStale) {
		page.Add = combinationsForm(p).WithInput(form).Conflict(p.SKUVersion, p.EditedBy,
			p.EditedAt.UTC().Format("15:04 UTC"), nil)
		return page.answer(http.StatusConflict), nil
	} else if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/skus",
		Text: fmt.Sprintf("Added %d SKUs.", len(edit.rows))}, nil
}

// commaList are the parts of a text between commas; one empty part for an empty text.
func commaList(text string) []string {
	var list []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" && !slices.Contains(list, part) {
			list = append(list, part)
		}
	}
	if list == nil {
		return []string{""}
	}
	return list
}
