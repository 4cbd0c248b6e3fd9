package order

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// Kinds of prices.
const (
	kindPrice = "price" // the regular price, until another one begins
	kindSale  = "sale"  // a lower one for a time
)

// priceRow is a price of a SKU in the history.
type priceRow struct {
	Kind    string      `json:"kind"` // price or sale
	ID      int64       `json:"id"`
	SKU     int64       `json:"sku" db:"sku"`
	Name    string      `json:"name"`
	Price   money.Cents `json:"price"`
	From    time.Time   `json:"from"`
	Until   *time.Time  `json:"until"`
	By      string      `json:"by"`
	NotedAt time.Time   `json:"noted_at"`
	Now     bool        `json:"now"`     // it applies now
	Planned bool        `json:"planned"` // it begins later
}

// CanEnd reports whether it can be taken back: a planned price, or a sale that is planned or
// running.
func (p priceRow) CanEnd() bool { return p.Planned || p.Kind == kindSale && p.Now }

// Badge says when it applies.
func (p priceRow) Badge() adminui.Badge {
	switch {
	case p.Planned:
		return adminui.Badge{Text: "planned", Tone: "warn"}
	case p.Now:
		return adminui.Badge{Text: "now", Tone: "good"}
	}
	return adminui.Badge{Text: "over"}
}

// staffPricesPage is the page of a product's prices.
type staffPricesPage struct {
	productHead
	Prices  []priceRow          `json:"prices"` // the latest first
	Errors  adminui.FieldErrors `json:"errors,omitempty"`
	Form    adminui.Form        `json:"-"`
	Version int64               `json:"-"`
}

// maxPrices is how many rows of the history are shown.
const maxPrices = 200

// priceColumns are the columns of the history as a file.
var priceColumns = []adminui.Column[priceRow]{
	{Title: "SKU", Value: func(p priceRow) any { return web.ID(p.SKU) }},
	{Title: "Name", Value: func(p priceRow) any { return p.Name }},
	{Title: "Kind", Value: func(p priceRow) any { return p.Kind }},
	{Title: "Price", Value: func(p priceRow) any { return p.Price }},
	{Title: "When", Value: func(p priceRow) any { return p.Badge().Text }},
	{Title: "From", Value: func(p priceRow) any { return p.From }},
	{Title: "Until", Value: func(p priceRow) any {
		if p.Until == nil {
			return ""
		}
		return *p.Until
	}},
	{Title: "By", Value: func(p priceRow) any { return p.By }},
	{Title: "Noted", Value: func(p priceRow) any { return p.NotedAt }},
}

// staffPrices shows the past, current and planned prices of SKUs; as a file, all of them.
func (s *server) staffPrices(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	if listing.File {
		rows, err := listPrices(r.Context(), s.pool, p.ID, listing.Rows)
		return adminui.Page{Table: adminui.NewTable(listing, "prices", priceColumns, rows,
			func(p priceRow) any { return p.ID })}, err
	}
	page, err := s.pricesPage(r, p)
	if err != nil {
		return nil, err
	}
	return page.answer(http.StatusOK), nil
}

func (s *server) pricesPage(r *http.Request, p staffProduct) (page staffPricesPage, err error) {
	page.productHead, page.Version = s.productHead(p, "Prices"), p.SKUVersion
	if page.Prices, err = listPrices(r.Context(), s.pool, p.ID, maxPrices); err != nil {
		return page, err
	}
	skus, err := listSKUNames(r.Context(), s.pool, p.ID)
	if err != nil {
		return page, err
	}

	field := adminui.Field{Name: "sku", Label: "SKUs", Kind: "checks"}
	for _, k := range skus {
		field.Options = append(field.Options, adminui.Option{Value: web.ID(k.ID), Text: k.Name})
		field.Checked = append(field.Checked, web.ID(k.ID))
	}

	page.Form = adminui.Form{ID: "plan", Action: productPath(p.Identifier) + "/prices", Submit: "Set the price",
		Version: p.SKUVersion, Fields: []adminui.Field{field,
			{Name: "kind", Label: "As", Kind: "choice", Options: []adminui.Option{
				{Value: kindPrice, Text: "the price from then on"},
				{Value: kindSale, Text: "a sale price for a time"}}},
			{Name: "amount", Label: "Amount", Kind: "money", Required: true,
				Hint: "12.50, or a percentage off for a sale: 20%"},
			{Name: "from", Label: "From (UTC)", Kind: "datetime", Hint: "Now if empty."},
			{Name: "until", Label: "Until (UTC)", Kind: "datetime", Hint: "For a sale. Until you end it if empty."},
		}}
	return page, nil
}

func (p staffPricesPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Product.Title + ": prices", Template: "prices.html", Data: p, Status: status}
}

// pricePlan is the content of the form.
type pricePlan struct {
	skus        []int64
	kind        string
	amount      money.Cents
	percent     money.Cents // in hundredths; 0 for an amount
	from, until *time.Time
}

// maxYearsAhead is how far ahead prices can be planned; a later date is a mistyped year.
const maxYearsAhead = 5

// readPricePlan reads the form.
func readPricePlan(form adminui.PostedForm, now time.Time) (p pricePlan, wrong adminui.FieldErrors) {
	wrong = adminui.FieldErrors{}
	for _, text := range form.Values.Values["sku"] {
		sku, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			wrong["sku"] = "One of these SKUs no longer exists."
		}
		p.skus = append(p.skus, sku)
	}
	if len(p.skus) == 0 {
		wrong["sku"] = "Choose at least one."
	}

	if p.kind = form.Get("kind"); p.kind != kindPrice && p.kind != kindSale {
		wrong["kind"] = "Choose a price or a sale."
	}
	text := strings.TrimSpace(form.Get("amount"))
	if share, isShare := strings.CutSuffix(text, "%"); isShare && p.kind == kindSale {
		rate, err := money.Parse(strings.TrimSpace(share))
		if err != nil || rate < 1 || rate >= 10000 {
			wrong["amount"] = "More than 0% and less than 100%."
		}
		p.percent = rate
	} else if amount, err := money.Parse(text); err != nil || amount < 1 || amount > stripe.MaxTotal {
		wrong["amount"] = "An amount such as 12.50, at most " + stripe.MaxTotal.String() + "."
	} else {
		p.amount = amount
	}

	var okFrom, okUntil bool
	p.from, okFrom = readTime(form.Get("from"))
	p.until, okUntil = readTime(form.Get("until"))
	switch {
	case !okFrom:
		wrong["from"] = "A day and a time, such as 2026-05-01T09:00."
	case p.from != nil && p.from.Before(now.Add(-time.Minute)):
		wrong["from"] = "This is in the past. If empty, it starts now."
	case p.from != nil && p.from.After(now.AddDate(maxYearsAhead, 0, 0)):
		wrong["from"] = fmt.Sprintf("This is more than %d years ahead.", maxYearsAhead)
	}

	switch {
	case !okUntil:
		wrong["until"] = "A day and a time, such as 2026-05-08T09:00."
	case p.until != nil && p.kind == kindPrice:
		wrong["until"] = "A price lasts until the next one begins. Make it a sale, or leave this empty."
	case p.until != nil && (!p.until.After(now) || p.from != nil && !p.until.After(*p.from)):
		wrong["until"] = "This must be after the start."
	}
	return p, wrong
}

// staffPlanPrice sets a price or a sale, now or for later.
func (s *server) staffPlanPrice(r *http.Request) (adminui.Answer, error) {
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

	plan, wrong := readPricePlan(form, time.Now())
	if err = wrong; len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error { return planPrice(r, tx, p.ID, form.Version, plan) })
	}
	refused, isRefused := errors.AsType[adminui.FieldErrors](err)
	if stale := errors.Is(err, adminui.ErrStale); stale || isRefused {
		page, err := s.pricesPage(r, p)
		if err != nil {
			return nil, err
		}
		page.Errors, page.Form = refused, page.Form.WithInput(form).WithErrors(refused)
		page.Form.Version = form.Version
		if stale {
			page.Errors = adminui.FieldErrors{"": adminui.ErrStale.Error()}
			page.Form = page.Form.Conflict(p.SKUVersion, p.EditedBy, p.EditedAt.UTC().Format("15:04 UTC"), nil)
			return page.answer(http.StatusConflict), nil
		}
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/prices", Text: "Set."}, nil
}

// planPrice stores a plan and records it.
func planPrice(r *http.Request, tx pgx.Tx, product, version int64, plan pricePlan) error {
	ctx, by := r.Context(), adminui.Who(r).Name
	p, err := web.OrNotFound(lockProduct(ctx, tx, product))
	switch {
	case err != nil:
		return err
	case p.SKUVersion != version:
		return adminui.ErrStale
	}

	skus, err := listSKURows(ctx, tx, product)
	if err != nil {
		return err
	}

	prices := map[string]any{}
	for _, sku := range plan.skus {
		i := slices.IndexFunc(skus, func(k skuRow) bool { return k.ID == sku })
		if i < 0 {
			return adminui.FieldErrors{"sku": "One of these SKUs no longer exists."}
		}
		price, err := plan.priceOf(skus[i])
		if err != nil {
			return err
		}
		prices[web.ID(sku)] = price
		if plan.kind == kindPrice {
			err = insertPrice(ctx, tx, sku, int64(price), plan.from, by)
		} else {
			err = insertSale(ctx, tx, sku, int64(price), plan.from, plan.until, by)
		}
		if err != nil {
			return err
		}
	}

	if err := nextSKUVersion(ctx, tx, product, p.ColorName, p.SizeName, by); err != nil {
		return err
	}
	return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogPrice, Kind: "product", Key: p.Identifier,
		Text: "Set a " + plan.kind, After: map[string]any{"prices": prices, "from": timeField(plan.from),
			"until": timeField(plan.until)}})
}

// priceOf is the planned price of a SKU. A sale must be lower than the current regular price.
func (plan pricePlan) priceOf(k skuRow) (money.Cents, error) {
	if plan.kind == kindPrice {
		return plan.amount, nil
	}
	if k.Price == nil {
		return 0, adminui.FieldErrors{"sku": k.Label() + " has no price yet."}
	}
	price := plan.amount
	if plan.percent > 0 {
		price = max(*k.Price-k.Price.Percent(plan.percent), 1)
	}
	if price >= *k.Price {
		return 0, adminui.FieldErrors{"amount": fmt.Sprintf("%s costs %s: that is not a sale.", k.Label(), k.Price)}
	}
	return price, nil
}

// staffEndPrice takes back a planned price, or ends a sale.
func (s *server) staffEndPrice(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}

	row, err := strconv.ParseInt(form.Get("id"), 10, 64)
	kind := form.Get("kind")
	if err != nil || kind != kindPrice && kind != kindSale {
		return nil, web.BadRequest("id")
	}

	ended := false
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if ended, err = endPrice(r.Context(), tx, p.ID, kind, row); err != nil || !ended {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogPrice, Kind: "product", Key: p.Identifier,
			Text: "Ended a " + kind, Before: map[string]any{"id": row}})
	})
	if err != nil {
		return nil, err
	}

	done := "Ended."
	if !ended {
		done = "It had already ended."
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier) + "/prices", Text: done}, nil
}
