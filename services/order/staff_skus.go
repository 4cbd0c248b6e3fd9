package order

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// skuRow is a SKU in the table of a product's SKUs.
type skuRow struct {
	ID          int64        `json:"id"`
	Color       string       `json:"color"`
	Size        string       `json:"size"`
	Description string       `json:"description"`
	Code        string       `json:"code"`
	Price       *money.Cents `json:"price" db:"price"` // the current regular price; nil without one
	State       string       `json:"state"`            // identifier of its stock state
	Stock       *int32       `json:"stock"`            // nil: not counted
	BackOrder   bool         `json:"back_order"`
	Held        int64        `json:"held"` // pieces that unpaid payment pages hold
	Sale        *money.Cents `json:"sale_price"`

	New    bool                `json:"-" db:"-"`
	Retire bool                `json:"-" db:"-"`
	Typed  map[string]string   `json:"-" db:"-"`
	Errors adminui.FieldErrors `json:"-" db:"-"`
}

// key is the prefix of the names of a row's fields; a new row has the number of its place.
func (k skuRow) key() string {
	if k.New {
		return "n" + web.ID(k.ID)
	}
	return "k" + web.ID(k.ID)
}

// Name is the name of a field of the row.
func (k skuRow) Name(field string) string { return k.key() + "-" + field }

// Was is the value that a field had when the form was made.
func (k skuRow) Was(field string) string {
	switch field {
	case "color":
		return k.Color
	case "size":
		return k.Size
	case "description":
		return k.Description
	case "code":
		return k.Code
	case "state":
		return k.State
	case "price":
		if k.Price != nil {
			return k.Price.String()
		}
	case "stock":
		if k.Stock != nil {
			return strconv.Itoa(int(*k.Stock))
		}
	case "back_order":
		if k.BackOrder {
			return "yes"
		}
		return "no"
	}
	return ""
}

// Value is the value that a field shows: the typed one, or the current one.
func (k skuRow) Value(field string) string {
	if typed, there := k.Typed[field]; there {
		return typed
	}
	return k.Was(field)
}

// Label is the SKU in words.
func (k skuRow) Label() string {
	if k.New {
		return "new SKU " + web.ID(k.ID)
	}
	if name := joinFilled(", ", k.Color, k.Size, k.Description); name != "" {
		return name
	}
	return "SKU " + web.ID(k.ID)
}

// skuFields are the fields of a row that people fill in.
var skuFields = []string{"color", "size", "description", "code", "state", "price", "stock", "back_order"}

// Texts are the fields of a row that are texts, in the order of the table.
func (k skuRow) Texts() []string { return []string{"color", "size", "description", "code"} }

// Says is the name of a field for those who do not see its column.
func (k skuRow) Says(field string) string {
	return map[string]string{"color": "First option", "size": "Second option", "description": "Text",
		"code": "Article number", "price": "Price", "state": "State", "stock": "Pieces",
		"back_order": "Back orders"}[field] + " of " + k.Label()
}

// empty reports whether nothing was typed into a new row.
func (k skuRow) empty() bool {
	for _, field := range []string{"color", "size", "description", "code", "price", "stock"} {
		if k.Typed[field] != "" {
			return false
		}
	}
	return true
}

// stockReasons are the reasons for changing a count of stock.
var stockReasons = []adminui.Option{{Value: "counted", Text: "Counted"}, {Value: "received", Text: "Goods received"},
	{Value: "returned", Text: "Came back"}, {Value: "damaged", Text: "Damaged or lost"},
	{Value: "sold-elsewhere", Text: "Sold elsewhere"}, {Value: "correction", Text: "Correction"},
	{Value: "import", Text: "Import"}}

// staffSKUsPage is the table of a product's SKUs.
type staffSKUsPage struct {
	productHead
	SKUs   []skuRow            `json:"skus"`
	Errors adminui.FieldErrors `json:"errors,omitempty"`

	ColorName, SizeName string           `json:"-"`
	States              []adminui.Option `json:"-"`
	Reasons             []adminui.Option `json:"-"`
	Reason, Note        string           `json:"-"`
	Version             int64            `json:"-"`
	Changed             string           `json:"-"` // the person who changed the SKUs in the meantime
	Prices              bool             `json:"-"` // the person may change prices
	Add                 adminui.Form     `json:"-"`
}

// Column is the name of an option of this product.
func (p staffSKUsPage) Column(option string) string {
	switch {
	case option == "color" && p.ColorName != "":
		return p.ColorName
	case option == "size" && p.SizeName != "":
		return p.SizeName
	case option == "color":
		return "Colour"
	}
	return "Size"
}

const (
	// maxSKUs is how many SKUs a product may have.
	maxSKUs = 500
	// newRows is how many empty rows are below the table.
	newRows = 3
	// maxOptionName is the length of the longest name of an option, in characters.
	maxOptionName = 40
)

// staffSKUs shows the SKUs of a product.
func (s *server) staffSKUs(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	page, err := s.skusPage(r, p)
	if err != nil {
		return nil, err
	}
	return page.answer(http.StatusOK), nil
}

func (s *server) skusPage(r *http.Request, p staffProduct) (page staffSKUsPage, err error) {
	page.productHead, page.Version = s.productHead(p, "SKUs"), p.SKUVersion
	page.ColorName, page.SizeName, page.Reasons = p.ColorName, p.SizeName, stockReasons[:len(stockReasons)-1]
	page.Prices, page.Add = adminui.Who(r).May(adminui.CatalogPrice), combinationsForm(p)
	if page.SKUs, err = listSKURows(r.Context(), s.pool, p.ID); err != nil {
		return page, err
	}
	page.States, err = stockStates(r.Context(), s.pool)
	return page, err
}

// Blank are the empty rows for new SKUs.
func (p staffSKUsPage) Blank() (rows []skuRow) {
	added := 0
	for _, k := range p.SKUs {
		if k.New {
			added++
		}
	}
	for i := range newRows {
		rows = append(rows, skuRow{ID: int64(added + i + 1), New: true, State: "in-stock"})
	}
	return rows
}

func (p staffSKUsPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Product.Title + ": SKUs", Template: "skus.html", Data: p, Status: status}
}

// skuEdit is the change of a row; nil fields stay.
type skuEdit struct {
	row                             skuRow
	color, size, description, state *string
	code                            *string
	price                           *money.Cents
	backOrder                       *bool
	// Stock: count sets a count or ends counting, change adds to a count. So pieces that were sold
	// since the form was made stay sold.
	stopCounting bool
	count        *int32
	change       int32
	retire       bool
}

// changes reports whether there is anything to store.
func (e skuEdit) changes() bool {
	return e.row.New || e.retire || e.stopCounting || e.count != nil || e.change != 0 || e.price != nil ||
		e.color != nil || e.size != nil || e.description != nil || e.state != nil || e.code != nil || e.backOrder != nil
}

// skusEdit is the content of the form of all SKUs.
type skusEdit struct {
	rows                []skuEdit
	colorName, sizeName string
	reason, note        string
}

// prices reports whether the form sets prices, which requires another right.
func (e skusEdit) prices() bool {
	return slices.ContainsFunc(e.rows, func(row skuEdit) bool { return row.price != nil })
}

// readSKUs reads the form of the table into its rows; ok is false if one of them has an error.
func (p *staffSKUsPage) readSKUs(form adminui.PostedForm) (e skusEdit, ok bool) {
	ok = true
	for n := int64(1); n <= maxSKUs; n++ {
		row := skuRow{ID: n, New: true, State: "in-stock"}
		if _, there := form.Lookup(row.Name("color")); !there {
			break
		}
		if row.note(form); !row.empty() {
			p.SKUs = append(p.SKUs, row)
		}
	}

	for i := range p.SKUs {
		row := &p.SKUs[i]
		row.note(form)
		edit := row.read(form, p.States)
		ok = ok && len(row.Errors) == 0
		e.rows = append(e.rows, edit)
	}

	text := func(name, was string, maxLength int) string {
		sent, there := form.Lookup(name)
		if !there {
			return was
		}
		if sent = strings.TrimSpace(sent); utf8.RuneCountInString(sent) > maxLength {
			p.Errors[name], ok = "At most "+strconv.Itoa(maxLength)+" characters.", false
		}
		return sent
	}

	e.colorName = text("color_name", p.ColorName, maxOptionName)
	e.sizeName = text("size_name", p.SizeName, maxOptionName)
	e.reason, e.note = text("reason", "counted", 40), text("note", "", 500)
	p.Reason, p.Note = e.reason, e.note
	if !known(e.reason, stockReasons) {
		p.Errors["reason"], ok = "Choose a reason.", false
	}
	if len(p.SKUs) > maxSKUs {
		p.Errors[""], ok = fmt.Sprintf("A product has at most %d SKUs.", maxSKUs), false
	}
	return e, ok
}

// note notes what was typed into a row.
func (k *skuRow) note(form adminui.PostedForm) {
	k.Typed = map[string]string{}
	for _, field := range skuFields {
		if sent, there := form.Lookup(k.Name(field)); there {
			k.Typed[field] = strings.TrimSpace(sent)
		}
	}
	k.Retire = !k.New && form.Get(k.Name("retire")) != ""
}

// typed is the text that was typed into a field if it differs from the field's former value.
func (k skuRow) typed(form adminui.PostedForm, field string) (string, bool) {
	typed, there := k.Typed[field]
	was := k.Was(field)
	if sent, ok := form.Lookup(k.Name(field + "-was")); ok {
		was = sent
	}
	return typed, there && (typed != was || k.New)
}

// read reads the fields of a row.
func (k *skuRow) read(form adminui.PostedForm, states []adminui.Option) (e skuEdit) {
	k.Errors = adminui.FieldErrors{}
	e.retire = k.Retire
	text := func(field string, maxLength int) *string {
		typed, differs := k.typed(form, field)
		if !differs {
			return nil
		}
		if utf8.RuneCountInString(typed) > maxLength {
			k.Errors[field] = "At most " + strconv.Itoa(maxLength) + " characters."
		}
		return &typed
	}

	e.color, e.size, e.description = text("color", 500), text("size", 500), text("description", 1000)
	e.code, e.state = text("code", 100), text("state", 100)
	if e.state != nil && !known(*e.state, states) {
		k.Errors["state"] = "Choose a state."
	}
	if typed, differs := k.typed(form, "price"); differs {
		price, err := money.Parse(typed)
		if err != nil || price < 1 || price > stripe.MaxTotal {
			k.Errors["price"] = "An amount such as 12.50, at most " + stripe.MaxTotal.String() + "."
		}
		e.price = &price
	} else if k.New && k.Typed["price"] == "" {
		k.Errors["price"] = "A SKU needs a price."
	}

	if typed, differs := k.typed(form, "back_order"); differs {
		yes := typed == "yes"
		if e.backOrder = &yes; !yes && typed != "no" {
			k.Errors["back_order"] = "Yes or no."
		}
	}
	k.readStock(form, &e)
	e.row = *k
	return e
}

// readStock reads a count: a new one becomes the difference to what the form showed.
func (k *skuRow) readStock(form adminui.PostedForm, e *skuEdit) {
	typed, differs := k.typed(form, "stock")
	switch {
	case !differs:
		return
	case typed == "":
		e.stopCounting = !k.New
		return
	}

	n, ok := readStockCount(typed)
	if !ok {
		k.Errors["stock"] = "A whole number, or empty if pieces are not counted."
		return
	}

	was, sent := form.Lookup(k.Name("stock-was"))
	if !sent {
		was = k.Was("stock")
	}
	if before, err := strconv.ParseInt(was, 10, 32); err == nil && !k.New {
		change := int64(n) - before
		if change < minStock-maxStock || change > maxStock-minStock {
			k.Errors["stock"] = "This count is out of range."
			return
		}
		e.change = int32(change) //nolint:gosec // bounded above
		return
	}
	e.count = &n
}

// staffUpdateSKUs stores the table of SKUs.
func (s *server) staffUpdateSKUs(r *http.Request) (adminui.Answer, error) {
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
	edit, ok := page.readSKUs(form)
	if edit.prices() {
		if err := adminui.Require(adminui.Who(r), adminui.CatalogPrice); err != nil {
			return nil, err
		}
	}
	page.Version, page.ColorName, page.SizeName = form.Version, edit.colorName, edit.sizeName

	if !ok {
		if page.Errors[""] == "" {
			page.Errors[""] = "Some values need correcting."
		}
		return page.answer(http.StatusUnprocessableEntity), nil
	}

	changed := 0
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		changed, err = changeSKUs(r, tx, p.ID, form.Version, edit)
		return err
	})

	refused, isRefused := errors.AsType[adminui.FieldErrors](err)
	switch {
	case isRefused:
		page.Errors = refused
		return page.answer(http.StatusUnprocessableEntity), nil
	case errors.Is(err, adminui.ErrStale):
		now, err := s.productFromPath(r)
		if err != nil {
			return nil, err
		}
		page.Version, page.Changed = now.SKUVersion, now.EditedBy
		page.Errors[""] = adminui.ErrStale.Error()
		return page.answer(http.StatusConflict), nil
	case err != nil:
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/skus", Text: fmt.Sprintf("Saved. Changed %d.", changed)}, nil
}

// changeSKUs stores the table of the version that the person saw, and records it.
func changeSKUs(r *http.Request, tx pgx.Tx, id, version int64, e skusEdit) (changed int, err error) {
	ctx := r.Context()
	p, err := web.OrNotFound(lockProduct(ctx, tx, id))
	switch {
	case err != nil:
		return 0, err
	case p.SKUVersion != version:
		return 0, adminui.ErrStale
	}

	var changes []any
	who := adminui.Who(r)
	for _, row := range e.rows {
		if !row.changes() {
			continue
		}
		done, err := storeSKU(ctx, tx, id, row, e, who)
		if err != nil {
			return 0, err
		}
		changes = append(changes, done)
	}

	if len(changes) == 0 && e.colorName == p.ColorName && e.sizeName == p.SizeName {
		return 0, nil
	}
	if err := nextSKUVersion(ctx, tx, id, e.colorName, e.sizeName, who.Name); err != nil {
		return 0, err
	}

	action := adminui.CatalogEdit
	if e.prices() {
		action = adminui.CatalogPrice
	}
	return len(changes), adminui.Record(r, tx, adminui.Act{Action: action, Kind: "product", Key: p.Identifier,
		Text: fmt.Sprintf("Changed %d SKUs", len(changes)), After: map[string]any{"skus": changes}})
}
