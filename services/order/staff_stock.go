package order

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// stockRow is a change of a count by staff.
type stockRow struct {
	ID     int64     `json:"id"`
	SKU    int64     `json:"sku" db:"sku"`
	Name   string    `json:"name"`
	Change *int32    `json:"change"` // nil if counting began or ended
	Stock  *int32    `json:"stock"`  // the new count; nil if it is not counted
	Reason string    `json:"reason"`
	Note   string    `json:"note"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
}

// What describes the change.
func (c stockRow) What() string {
	switch {
	case c.Stock == nil:
		return "not counted any more"
	case c.Change == nil:
		return "counted from now on: " + strconv.Itoa(int(*c.Stock))
	case *c.Change > 0:
		return "+" + strconv.Itoa(int(*c.Change)) + " → " + strconv.Itoa(int(*c.Stock))
	}
	return "−" + strconv.Itoa(int(-*c.Change)) + " → " + strconv.Itoa(int(*c.Stock))
}

// Why is the reason in words.
func (c stockRow) Why() string {
	for _, o := range stockReasons {
		if o.Value == c.Reason {
			return o.Text
		}
	}
	return c.Reason
}

// staffStockPage is the page of a product's stock.
type staffStockPage struct {
	productHead
	SKUs    []skuRow            `json:"skus"`
	History []stockRow          `json:"history"` // the latest first
	Errors  adminui.FieldErrors `json:"errors,omitempty"`
	Form    adminui.Form        `json:"-"`
}

// maxStockRows is how many changes are shown.
const maxStockRows = 200

// stockColumns are the columns of the changes as a file.
var stockColumns = []adminui.Column[stockRow]{
	{Title: "When", Value: func(c stockRow) any { return c.At }},
	{Title: "SKU", Value: func(c stockRow) any { return web.ID(c.SKU) }},
	{Title: "Name", Value: func(c stockRow) any { return c.Name }},
	{Title: "Change", Value: func(c stockRow) any { return inFile(c.Change) }},
	{Title: "Stock", Value: func(c stockRow) any { return inFile(c.Stock) }},
	{Title: "Why", Value: func(c stockRow) any { return c.Why() }},
	{Title: "Note", Value: func(c stockRow) any { return c.Note }},
	{Title: "By", Value: func(c stockRow) any { return c.By }},
}

// inFile is a count in a file, empty if nothing is counted.
func inFile(n *int32) any {
	if n == nil {
		return ""
	}
	return int(*n)
}

// staffStock shows counts and who changed them; as a file, all changes.
func (s *server) staffStock(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	if listing.File {
		rows, err := listStockChanges(r.Context(), s.pool, p.ID, listing.Rows)
		return adminui.Page{Table: adminui.NewTable(listing, "stock", stockColumns, rows,
			func(c stockRow) any { return c.ID })}, err
	}
	page, err := s.stockPage(r, p)
	if err != nil {
		return nil, err
	}
	return page.answer(http.StatusOK), nil
}

func (s *server) stockPage(r *http.Request, p staffProduct) (page staffStockPage, err error) {
	page.productHead = s.productHead(p, "Stock")
	if page.SKUs, err = listSKURows(r.Context(), s.pool, p.ID); err != nil {
		return page, err
	}
	if page.History, err = listStockChanges(r.Context(), s.pool, p.ID, maxStockRows); err != nil {
		return page, err
	}
	field := adminui.Field{Name: "sku", Label: "SKU", Kind: "choice"}
	for _, k := range page.SKUs {
		if k.Stock != nil {
			field.Options = append(field.Options, adminui.Option{Value: web.ID(k.ID), Text: k.Label()})
		}
	}
	if len(field.Options) > 0 {
		page.Form = adminui.Form{ID: "adjust", Action: productPath(p.Identifier) + "/stock", Submit: "Adjust",
			Version: p.SKUVersion, Fields: []adminui.Field{field,
				{Name: "change", Label: "Pieces", Kind: "text", Required: true, Hint: "More or fewer: 25 or -3"},
				{Name: "reason", Label: "Why", Kind: "choice", Value: "received",
					Options: stockReasons[:len(stockReasons)-1]},
				{Name: "note", Label: "Note", Kind: "text", MaxLength: 500}}}
	}
	return page, nil
}

func (p staffStockPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Product.Title + ": stock", Template: "stock.html", Data: p, Status: status,
		Live: "catalog"}
}

// staffAdjustStock changes a count by some pieces.
func (s *server) staffAdjustStock(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, p.SKUVersion); err != nil {
		return nil, err // a form that is sent twice would count twice
	}
	sku, err := strconv.ParseInt(form.Get("sku"), 10, 64)
	if err != nil {
		return nil, web.BadRequest("sku")
	}

	wrong := adminui.FieldErrors{}
	n, err := strconv.ParseInt(strings.TrimPrefix(strings.TrimSpace(form.Get("change")), "+"), 10, 32)
	if err != nil || n == 0 || n < -maxStock || n > maxStock {
		wrong["change"] = "A whole number: how many more, or fewer with a minus."
	}
	edit := skusEdit{colorName: p.ColorName, sizeName: p.SizeName, reason: form.Get("reason"),
		note: strings.TrimSpace(form.Get("note")), rows: []skuEdit{{row: skuRow{ID: sku}, change: int32(n)}}}
	if !known(edit.reason, stockReasons) {
		wrong["reason"] = "Choose a reason."
	}

	if utf8.RuneCountInString(edit.note) > 500 {
		wrong["note"] = "At most 500 characters."
	}
	if err = wrong; len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			_, err := changeSKUs(r, tx, p.ID, form.Version, edit)
			return err
		})
	}

	refused, isRefused := errors.AsType[adminui.FieldErrors](err)
	if stale := errors.Is(err, adminui.ErrStale); stale || isRefused {
		page, err := s.stockPage(r, p)
		if err != nil {
			return nil, err
		}
		if page.Errors, page.Form = refused, page.Form.WithInput(form).WithErrors(refused); !stale {
			page.Form.Version = form.Version
			return page.answer(http.StatusUnprocessableEntity), nil
		}
		page.Errors = adminui.FieldErrors{"": adminui.ErrStale.Error()}
		page.Form = page.Form.Conflict(p.SKUVersion, p.EditedBy, p.EditedAt.UTC().Format("15:04 UTC"), nil)
		return page.answer(http.StatusConflict), nil
	}
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/stock", Text: "Adjusted."}, nil
}

// stockState is the text about a stock state for shoppers.
type stockState struct {
	ID          int64  `json:"-"`
	Identifier  string `json:"identifier"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Version     int64  `json:"version"`
	SKUs        int64  `json:"skus" db:"skus"`
}

var stockStateColumns = []adminui.Column[stockState]{
	{Title: "State", Value: func(c stockState) any {
		return adminui.Link{Text: c.Title, To: "/catalog/states/" + c.Identifier}
	}},
	{Title: "Identifier", Value: func(c stockState) any { return c.Identifier }},
	{Title: "What shoppers read", Minor: true, Value: func(c stockState) any { return c.Description }},
	{Title: "SKUs", Value: func(c stockState) any { return c.SKUs }},
}

// staffStockStates lists stock states.
func (s *server) staffStockStates(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	list, err := listStockStates(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing.Rows = len(list)
	table := adminui.NewTable(listing, "stock-states", stockStateColumns, list, func(c stockState) any { return c.ID })
	return adminui.Page{Title: "Stock states", Table: table, Data: struct {
		States []stockState `json:"states"`
	}{list}}, nil
}

func stateForm(c stockState) adminui.Form {
	return adminui.Form{Action: "/catalog/states/" + c.Identifier, Version: c.Version, Cancel: "/catalog/states",
		Fields: []adminui.Field{
			{Name: "title", Label: "What it is called", Kind: "text", Value: c.Title, MaxLength: 100, Required: true},
			{Name: "description", Label: "What shoppers read below it", Kind: "multiline", Value: c.Description,
				MaxLength: 500},
		}}
}

func statePage(c stockState, form adminui.Form, status int) adminui.Page {
	return adminui.Page{Title: "Stock state " + c.Identifier, Template: "catalog-form.html", Narrow: true,
		Data: catalogFormPage{Form: form}, Status: status}
}

func (s *server) stockStateFromPath(r *http.Request) (stockState, error) {
	list, err := listStockStates(r.Context(), s.pool)
	if err != nil {
		return stockState{}, err
	}
	for _, c := range list {
		if c.Identifier == adminui.Param(r, "state") {
			return c, nil
		}
	}
	return stockState{}, web.NotFound()
}

// staffStockState shows the form for the texts of a stock state.
func (s *server) staffStockState(r *http.Request) (adminui.Answer, error) {
	c, err := s.stockStateFromPath(r)
	if err != nil {
		return nil, err
	}
	return statePage(c, stateForm(c), http.StatusOK), nil
}

// staffUpdateStockState stores the form.
func (s *server) staffUpdateStockState(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	c, err := s.stockStateFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, c.Version); err != nil {
		return nil, err
	}

	title, text := strings.TrimSpace(form.Get("title")), strings.TrimSpace(form.Get("description"))
	wrong := adminui.FieldErrors{}
	if n := utf8.RuneCountInString(title); n < 1 || n > 100 {
		wrong["title"] = "1 to 100 characters."
	}
	if utf8.RuneCountInString(text) > 500 {
		wrong["description"] = "At most 500 characters."
	}

	if len(wrong) > 0 {
		return statePage(c, stateForm(c).WithInput(form).WithErrors(wrong), http.StatusUnprocessableEntity), nil
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		changed, err := updateStockState(r.Context(), tx, c.ID, form.Version, title, text)
		if err != nil {
			return err
		}
		if !changed {
			return adminui.ErrStale
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogEdit, Kind: "stock-state", Key: c.Identifier,
			Text: "Changed the stock state", Before: map[string]any{"title": c.Title, "description": c.Description},
			After: map[string]any{"title": title, "description": text}})
	})
	if errors.Is(err, adminui.ErrStale) {
		again := stateForm(c).WithInput(form).Conflict(c.Version, "Another person", "a moment ago",
			map[string]string{"title": c.Title, "description": c.Description})
		return statePage(c, again, http.StatusConflict), nil
	}
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: "/catalog/states", Text: "Saved."}, nil
}
