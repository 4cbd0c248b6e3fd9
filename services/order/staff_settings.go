package order

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// settingGroup is a form for some keys of the configuration. Its fields are named by their keys.
type settingGroup struct {
	path, title, intro string
	keys               []string
	fields             func(ctx context.Context, s *server) ([]adminui.Field, error)
	// check says what is wrong with values, and may normalize them before they are stored.
	check func(ctx context.Context, s *server, values map[string]string, wrong adminui.FieldErrors) error
	// enqueue enqueues the messages of a change in its transaction; nil if no other service has to
	// be told.
	enqueue func(ctx context.Context, s *server, tx pgx.Tx) error
}

// settingGroups are all of them.
var settingGroups = []settingGroup{shopGroup, checkoutGroup, taxGroup, automaticGroup}

// groupValues are the current values of a group.
type groupValues struct {
	values    map[string]string
	version   int64
	changedBy string
	changedAt time.Time
}

func readGroup(ctx context.Context, db pg.DB, g settingGroup) (h groupValues, err error) {
	rows, err := readSettings(ctx, db, g.keys)
	h.values = map[string]string{}
	h.version = 1 // if the group has no value yet
	for _, row := range rows {
		h.values[row.Key] = pg.Text(row.Value)
		h.version += row.Version
		if row.ChangedAt.After(h.changedAt) {
			h.changedAt, h.changedBy = row.ChangedAt, row.ChangedBy
		}
	}
	return h, err
}

// settingsPage is a group of settings.
type settingsPage struct {
	formPage
	Values map[string]string `json:"values"`
}

func (s *server) settingsPage(ctx context.Context, g settingGroup) (p settingsPage, h groupValues, err error) {
	if h, err = readGroup(ctx, s.pool, g); err != nil {
		return p, h, err
	}
	p.Values, p.Intro, p.Edit = h.values, g.intro, adminui.SettingsEdit
	p.Form = adminui.Form{Action: "/settings/" + g.path, Cancel: "/settings", Version: h.version}
	if p.Form.Fields, err = g.fields(ctx, s); err != nil {
		return p, h, err
	}
	for i, f := range p.Form.Fields {
		if p.Form.Fields[i].Value = h.values[f.Name]; f.Kind == "check" && h.values[f.Name] != settingOn {
			p.Form.Fields[i].Value = ""
		}
	}
	return p, h, nil
}

// settingOn is the value of a switch that is on.
const settingOn = "on"

func (g settingGroup) page(p settingsPage, status int) adminui.Page {
	return adminui.Page{Title: g.title, Template: "form.html", Data: p, Status: status, Narrow: true}
}

// showSettings is the handler that shows a group.
func (s *server) showSettings(g settingGroup) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		p, _, err := s.settingsPage(r.Context(), g)
		return g.page(p, http.StatusOK), err
	}
}

// updateSettings is the handler that changes a group.
func (s *server) updateSettings(g settingGroup) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		sent, err := adminui.ReadForm(r)
		if err != nil {
			return nil, err
		}

		values, wrong := map[string]string{}, adminui.FieldErrors{}
		for _, key := range g.keys {
			if values[key] = strings.TrimSpace(sent.Get(key)); utf8.RuneCountInString(values[key]) > maxSetting {
				wrong[key] = fmt.Sprintf("At most %d characters.", maxSetting)
			}
		}
		if err := g.check(r.Context(), s, values, wrong); err != nil {
			return nil, err
		}

		if len(wrong) == 0 {
			err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
				return s.changeSettings(r, tx, g, values, sent.Version)
			})
			if err == nil {
				return adminui.Done{To: "/settings/" + g.path, Text: "Saved. It takes effect at once."}, nil
			}
		}

		p, h, perr := s.settingsPage(r.Context(), g)
		if perr != nil {
			return nil, perr
		}
		var status int
		p.Form, p.Errors, status, err = refusedForm(p.Form, sent, wrong, err,
			rowNow{h.version, h.changedBy, h.changedAt, h.values})
		return g.page(p, status), err
	}
}

// maxSetting is the length of the longest value, in characters.
const maxSetting = 5000

func (s *server) changeSettings(r *http.Request, tx pgx.Tx, g settingGroup, values map[string]string,
	version int64) error {
	if err := lockSettings(r.Context(), tx); err != nil {
		return err
	}
	h, err := readGroup(r.Context(), tx, g)
	switch {
	case err != nil:
		return err
	case h.version != version:
		return adminui.ErrStale
	}

	stored, before, after := make([]*string, len(g.keys)), map[string]string{}, map[string]string{}
	for i, key := range g.keys {
		stored[i] = filled(values[key])
		if values[key] != h.values[key] {
			before[key], after[key] = h.values[key], values[key]
		}
	}

	if len(after) == 0 {
		return nil
	}
	if err := storeSettings(r.Context(), tx, g.keys, stored, adminui.Who(r).Name); err != nil {
		return err
	}

	if g.enqueue != nil {
		if err := g.enqueue(r.Context(), s, tx); err != nil {
			return err
		}
	}
	return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "settings", Key: g.path,
		Text: "Changed settings: " + strings.ToLower(g.title), Before: before, After: after})
}

// checkoutGroup are the settings of the checkout and of new orders.
var checkoutGroup = settingGroup{
	path:  "checkout",
	title: "Checkout and orders",
	intro: "Carts change at once. Open payment pages keep the settings they were made with.",
	keys: []string{settingMembers, settingVisitors, settingCountries, settingDefaultShipping, settingFirstStatus,
		settingMemberMail, settingVisitorMail},
	fields: checkoutFields,
	check:  checkCheckout,
}

func checkoutFields(ctx context.Context, s *server) ([]adminui.Field, error) {
	methods, err := activeShippingMethods(ctx, s.pool)
	if err != nil {
		return nil, err
	}
	statuses, err := orderStatuses(ctx, s.pool)
	if err != nil {
		return nil, err
	}

	shipping := adminui.Field{Name: settingDefaultShipping, Label: "Shipping that carts begin with", Kind: "choice"}
	for _, m := range methods {
		shipping.Options = append(shipping.Options, adminui.Option{Value: m.Identifier, Text: m.Carrier})
	}
	first := adminui.Field{Name: settingFirstStatus, Label: "Status of new orders", Kind: "choice"}
	for _, st := range statuses {
		if !endsAnOrder(st.Identifier) {
			first.Options = append(first.Options, adminui.Option{Value: st.Identifier, Text: st.Title})
		}
	}

	const code = "The code of a mail template. If no template has it, the shop's own text is used."
	return []adminui.Field{
		{Name: settingMembers, Label: "Members who may check out", Kind: "multiline",
			Hint: "User names, separated by commas. * means everyone, empty means no one."},
		{Name: settingVisitors, Label: "Visitors who may check out", Kind: "multiline",
			Hint: "Cart ids, separated by commas. * means everyone, empty means no one."},
		{Name: settingCountries, Label: "Countries that are shipped to", Kind: "multiline", Required: true,
			Hint: "Two-letter codes (ISO 3166), separated by commas: US, CA."},
		shipping, first,
		{Name: settingMemberMail, Label: "Confirmation for members", Kind: "text", MaxLength: 100, Hint: code},
		{Name: settingVisitorMail, Label: "Confirmation for visitors", Kind: "text", MaxLength: 100, Hint: code},
	}, nil
}

func checkCheckout(ctx context.Context, s *server, values map[string]string, wrong adminui.FieldErrors) error {
	for _, key := range []string{settingMembers, settingVisitors} {
		values[key] = strings.Join(wordsOf(values[key]), ",")
	}
	codes := wordsOf(strings.ToUpper(values[settingCountries]))
	values[settingCountries] = strings.Join(codes, ",")
	if len(codes) == 0 {
		wrong[settingCountries] = "Nothing can be sold without a country."
	}

	for _, code := range codes {
		if !slices.Contains(stripe.ShipTo, code) {
			wrong[settingCountries] = "Stripe does not ship to a country with the code " + firstRunes(code, 10) + "."
		}
	}

	for _, key := range []string{settingMemberMail, settingVisitorMail} {
		if len(values[key]) > 100 || strings.Trim(values[key], random.Letters+"-_") != "" {
			wrong[key] = "Use letters and digits only."
		}
	}

	fields, err := checkoutFields(ctx, s)
	for _, f := range fields {
		known := slices.ContainsFunc(f.Options, func(o adminui.Option) bool { return o.Value == values[f.Name] })
		if f.Kind == "choice" && !known {
			wrong[f.Name] = "Choose one of these."
		}
	}
	return err
}

// firstRunes is the beginning of a text.
func firstRunes(text string, maxLength int) string {
	if r := []rune(text); len(r) > maxLength {
		return string(r[:maxLength]) + "…"
	}
	return text
}

// settingsLink is an entry on the page of all settings.
type settingsLink struct {
	Title string `json:"title"`
	To    string `json:"to"`
	Text  string `json:"text"`
}

// staffSettings links to all settings.
func (s *server) staffSettings(r *http.Request) (adminui.Answer, error) {
	var links []settingsLink
	for _, g := range settingGroups {
		links = append(links, settingsLink{g.title, "/settings/" + g.path, g.intro})
	}
	links = append(links,
		settingsLink{"Shipping methods", "/settings/shipping",
			"What shipping costs: flat, by weight or by order value, and free above a set value."},
		settingsLink{"Weights", "/settings/weights", "How much each SKU weighs, for prices by weight."},
		settingsLink{"Order statuses", "/settings/statuses", "What shoppers read about the progress of an order."})
	f, err := readGuideFacts(r.Context(), s.pool)
	return adminui.Page{Title: "Settings", Template: "settings.html", Data: struct {
		Settings []settingsLink `json:"settings"`
		Hidden   bool           `json:"guide_hidden"`
		Guide    adminui.Form   `json:"-"`
	}{links, f.Hidden != nil, adminui.Form{ID: "guide", Action: "/settings/guide/show", Submit: "Show the guide"}},
		Narrow: true}, err
}

// staffWeights lists what SKUs weigh.
func (s *server) staffWeights(r *http.Request) (adminui.Answer, error) {
	return s.weightsPage(r, nil, nil, nil)
}

var weightColumns = []adminui.Column[skuWeight]{
	{Title: "SKU", Value: func(w skuWeight) any { return int(w.SKU) }},
	{Title: "Product", Value: func(w skuWeight) any { return w.Product }},
	{Title: "Variant", Value: func(w skuWeight) any { return w.Variant }},
	{Title: "Grams", Value: func(w skuWeight) any {
		if w.Grams == nil {
			return ""
		}
		return fmt.Sprint(*w.Grams)
	}},
}

// weightsPage is the list, with the form for new weights; wrong and cause say why the weights that
// were sent were refused.
func (s *server) weightsPage(r *http.Request, sent *adminui.PostedForm, wrong adminui.FieldErrors,
	cause error) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	list, err := listWeights(r.Context(), s.pool, listing.Search, after, listing.Rows+1)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "weights", weightColumns, list, func(w skuWeight) any { return w.SKU })
	table.WithSearch(listing, "Number of a SKU, identifier of a product")
	version, err := weightsVersion(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}

	page := struct {
		Weights []skuWeight         `json:"weights"`
		Version int64               `json:"version"`
		Next    string              `json:"next,omitempty"`
		Errors  adminui.FieldErrors `json:"errors,omitempty"`
		Form    adminui.Form        `json:"-"`
	}{list[:len(table.Rows)], version, table.Next, nil, adminui.Form{Action: "/settings/weights",
		Submit: "Set these weights", Version: version, Fields: []adminui.Field{{Name: "weights", Label: "New weights",
			Kind: "multiline", Required: true, Hint: "One line per SKU, with its number and the grams per piece: 6 " +
				"120. You can paste two columns of a spreadsheet."}}}}

	status := http.StatusOK
	if sent != nil {
		now, nerr := weightsNow(r.Context(), s.pool, *sent, version)
		if nerr != nil {
			return nil, nerr
		}
		page.Form, page.Errors, status, err = refusedForm(page.Form, *sent, wrong, cause, now)
	}
	return adminui.Page{Title: "Weights", Template: "weights.html", Data: page, Table: table, Status: status}, err
}

// weightsNow are the weights that others have set since the version of a form, of the SKUs that the
// form sets.
func weightsNow(ctx context.Context, db pg.DB, sent adminui.PostedForm, version int64) (rowNow, error) {
	skus, _, _ := readWeights(sent.Get("weights"))
	since, err := weighedSince(ctx, db, skus, sent.Version)
	if err != nil || len(since) == 0 {
		return rowNow{version: version}, err
	}
	var lines []string
	for _, w := range since {
		lines = append(lines, fmt.Sprintf("%d %d", w.SKU, w.Grams))
	}
	return rowNow{version: version, changedBy: since[0].By, changedAt: since[0].At,
		values: map[string]string{"weights": strings.Join(lines, "\n")}}, nil
}

// maxGrams is the largest weight of a piece, in grams.
const maxGrams = 10_000_000

// readWeights reads lines of a SKU's number and grams.
func readWeights(text string) (skus []int64, grams []int, wrong adminui.FieldErrors) {
	seen := map[int64]bool{}
	for n, line := range strings.Split(text, "\n") {
		words := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\r,;:=", r) })
		if len(words) == 0 {
			continue
		}
		sku, ok := rowID(words[0])
		weight, isWeight := int64(0), len(words) == 2
		if isWeight {
			weight, isWeight = web.Number(words[1], maxGrams)
		}
		if !ok || !isWeight || seen[sku] {
			return nil, nil, adminui.FieldErrors{"weights": fmt.Sprintf(
				"Line %d: enter a SKU number and grams, each SKU once.", n+1)}
		}
		seen[sku], skus, grams = true, append(skus, sku), append(grams, int(weight))
	}
	if len(skus) == 0 || len(skus) > maxWeights {
		return nil, nil, adminui.FieldErrors{"weights": fmt.Sprintf("Enter 1 to %d lines.", maxWeights)}
	}
	return skus, grams, nil
}

// maxWeights is how many weights can be set with one form.
const maxWeights = 10_000

// staffUpdateWeights sets the weights of SKUs, all of them or none.
func (s *server) staffUpdateWeights(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	skus, grams, wrong := readWeights(sent.Get("weights"))
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			unknown, err := storeWeights(r.Context(), tx, skus, grams, sent.Version, adminui.Who(r).Name)
			if err != nil {
				return err
			}
			if len(unknown) > 0 {
				list := firstRunes(strings.Join(texts(unknown), ", "), 100)
				wrong = adminui.FieldErrors{"weights": "There is no SKU " + list + "."}
				return nil
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "settings", Key: "weights",
				Text: fmt.Sprintf("Set the weights of %d SKUs", len(skus))})
		})
	}
	if len(wrong) > 0 || err != nil {
		return s.weightsPage(r, &sent, wrong, err)
	}

	return adminui.Done{To: "/settings/weights", Text: fmt.Sprintf("Set %d weights.", len(skus))}, nil
}
