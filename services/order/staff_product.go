package order

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/markdown"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffProduct is a product with what its page for staff needs.
type staffProduct struct {
	ID           int64      `json:"-"`
	Identifier   string     `json:"identifier"`
	Version      int64      `json:"version"`
	MediaVersion int64      `json:"media_version"`
	SKUVersion   int64      `json:"sku_version" db:"sku_version"`
	State        string     `json:"state"`
	Title        string     `json:"title"`
	TitleURL     string     `json:"title_url"`
	Headline     string     `json:"headline"`
	Part1        string     `json:"description_part_1" db:"part1"`
	Part2        string     `json:"description_part_2" db:"part2"`
	Published    bool       `json:"published"`
	OnSaleFrom   *time.Time `json:"on_sale_from"`
	OnSaleUntil  *time.Time `json:"on_sale_until"`
	RetiredAt    *time.Time `json:"retired_at"`
	Collections  []string   `json:"collections"` // addresses
	Former       []string   `json:"former_addresses"`
	EditedBy     string     `json:"edited_by"`
	EditedAt     time.Time  `json:"edited_at"`
	Image        string     `json:"image"` // address of its main picture
	SKUs         int64      `json:"skus" db:"skus"`
	ColorName    string     `json:"color_name"` // names for the options of its SKUs; empty: color and size
	SizeName     string     `json:"size_name"`
}

// productHead is the head of each page about a product.
type productHead struct {
	Product staffProduct `json:"product"`
	Tab     string       `json:"-"` // the tab of the page
	Picture string       `json:"-"` // URL of the picture for browsers
	Preview string       `json:"-"` // URL of the product in the shop
}

// Head is used by the template that all pages about a product share.
func (h productHead) Head() productHead { return h }

// Badge is the product's state.
func (h productHead) Badge() adminui.Badge { return shownBadge(h.Product.State, h.Product.SKUs) }

// Tabs link to the pages about the product.
func (h productHead) Tabs() []adminui.Tab {
	at := productPath(h.Product.Identifier)
	tabs := []adminui.Tab{{Title: "Product", To: at}, {Title: "Pictures and videos", To: at + "/media"},
		{Title: "SKUs", To: at + "/skus"}, {Title: "Prices", To: at + "/prices"}, {Title: "Stock", To: at + "/stock"}}
	for i := range tabs {
		tabs[i].Count, tabs[i].Active = -1, tabs[i].Title == h.Tab
	}
	return tabs
}

// staffProductPage is the page of a product.
type staffProductPage struct {
	productHead
	Errors    adminui.FieldErrors `json:"errors,omitempty"`
	Form      adminui.Form        `json:"-"`
	Facts     []adminui.Detail    `json:"-"`
	Previewed template.HTML       `json:"-"` // its texts as the shop shows them
	New       bool                `json:"-"`
}

// productEdit is the content of a product's form.
type productEdit struct {
	Title, TitleURL, Headline, Part1, Part2 string
	Published                               bool
	OnSaleFrom, OnSaleUntil                 *time.Time
	Collections                             []string
}

// The longest texts that the table permits, in characters.
const (
	maxTitle = 200
	maxText  = 5000
)

// titleURLPattern matches valid addresses of products.
var titleURLPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`)

// productFromPath reads the product that the path names.
func (s *server) productFromPath(r *http.Request) (staffProduct, error) {
	return web.OrNotFound(findStaffProduct(r.Context(), s.pool, adminui.Param(r, "identifier")))
}

func (s *server) productHead(p staffProduct, tab string) productHead {
	return productHead{Product: p, Tab: tab, Picture: s.pictureURL(p.Image), Preview: s.previewLink(p, time.Now())}
}

// pictureURL is the URL of a picture for browsers. An address that begins with a slash is in the
// shop.
func (s *server) pictureURL(address string) string {
	if strings.HasPrefix(address, "/") {
		return strings.TrimRight(s.cfg.PublicURL, "/") + address
	}
	return address
}

// previewTTL is how long a link to a draft is valid: long enough to be sent to someone.
const previewTTL = 24 * time.Hour

// Shown reports whether shoppers see a product: it is on sale, and there is something to sell.
func (p staffProduct) Shown() bool { return p.State == productOnSale && p.SKUs > 0 }

// previewLink is the URL of a product in the shop, with a token that shows it if shoppers cannot
// see it.
func (s *server) previewLink(p staffProduct, now time.Time) string {
	link := strings.TrimRight(s.cfg.PublicURL, "/") + "/product/" + p.Identifier
	if p.Shown() {
		return link
	}
	until := strconv.FormatInt(now.Add(previewTTL).Unix(), 10)
	return link + "?" + url.Values{"preview": {until + "." + web.MAC(s.previewKey(), p.Identifier, until)}}.Encode()
}

// validPreview reports whether a token was made by previewLink and is still valid.
func (s *server) validPreview(identifier, token string, now time.Time) bool {
	until, mark, _ := strings.Cut(token, ".")
	seconds, err := strconv.ParseInt(until, 10, 64)
	return err == nil && now.Unix() <= seconds && web.ValidMAC(s.previewKey(), mark, identifier, until)
}

// previewKey signs links to previews. Its name must stay, since links with it are in use.
func (s *server) previewKey() []byte { return s.cfg.Key("catalogue preview") }

// staffProduct shows a product.
func (s *server) staffProduct(r *http.Request) (adminui.Answer, error) {
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	page, err := s.productPage(r, p)
	if err != nil {
		return nil, err
	}
	return page.answer(http.StatusOK), nil
}

func (s *server) productPage(r *http.Request, p staffProduct) (page staffProductPage, err error) {
	page.productHead = s.productHead(p, "Product")
	page.Facts = []adminui.Detail{{Label: "Identifier", Value: p.Identifier}, {Label: "SKUs", Value: p.SKUs},
		{Label: "Changed", Value: p.EditedAt}, {Label: "By", Value: p.EditedBy}}
	if len(p.Former) > 0 {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Former addresses",
			Value: strings.Join(p.Former, ", ")})
	}
	page.Form, err = s.productForm(r, p)
	if err == nil {
		page.Previewed, err = previewed(p.Headline, p.Part1, p.Part2)
	}
	return page, err
}

func (p staffProductPage) answer(status int) adminui.Page {
	title := p.Product.Title
	if p.New {
		title = "New product"
	}
	return adminui.Page{Title: title, Template: "product.html", Data: p, Status: status}
}

// productForm is the form for a product's texts, times and collections.
func (s *server) productForm(r *http.Request, p staffProduct) (f adminui.Form, err error) {
	collections, err := listStaffCollections(r.Context(), s.pool)
	if err != nil {
		return f, err
	}

	state := "draft"
	if p.Published {
		state = "published"
	}
	f = adminui.Form{ID: "product", Action: productPath(p.Identifier), Version: p.Version, Fields: []adminui.Field{
		{Name: "title", Label: "Title", Kind: "text", Value: p.Title, MaxLength: maxTitle, Required: true},
		{Name: "title_url", Label: "Address", Kind: "text", Value: p.TitleURL, MaxLength: 100, Required: true,
			Hint: "Letters, digits, - and _. Links with an earlier address lead here too."},
		{Name: "headline", Label: "Headline", Kind: "text", Value: p.Headline, MaxLength: maxText,
			Hint: "One sentence, shown in lists and search results."},
		{Name: "description_part_1", Label: "Text", Kind: "multiline", Value: p.Part1, MaxLength: maxText,
			Hint: "Markdown: **bold**, *italics*, - lists, [links](https://…)."},
		{Name: "description_part_2", Label: "More text", Kind: "multiline", Value: p.Part2, MaxLength: maxText},
		{Name: "state", Label: "In the shop", Kind: "choice", Value: state, Options: []adminui.Option{
			{Value: "draft", Text: "Draft: for staff alone"}, {Value: "published", Text: "Published"}}},
		{Name: "on_sale_from", Label: "On sale from (UTC)", Kind: "datetime", Value: timeField(p.OnSaleFrom),
			Hint: "At once if empty."},
		{Name: "on_sale_until", Label: "On sale until (UTC)", Kind: "datetime", Value: timeField(p.OnSaleUntil),
			Hint: "No end if empty."},
	}}

	if len(collections) > 0 {
		field := adminui.Field{Name: "collections", Label: "Collections", Kind: "checks", Checked: p.Collections}
		for _, c := range collections {
			field.Options = append(field.Options, adminui.Option{Value: c.Address, Text: c.Title})
		}
		f.Fields = append(f.Fields, adminui.Field{Name: "collections", Kind: "hidden"}, field)
	}
	return f, nil
}

// timeLayout is the format of a browser's date and time field; seconds may follow.
const timeLayout = "2006-01-02T15:04"

func timeField(t *time.Time) string {
	if t == nil {
		return ""
	}
	if t.UTC().Second() != 0 {
		return t.UTC().Format(timeLayout + ":05")
	}
	return t.UTC().Format(timeLayout)
}

// readTime reads a moment in UTC; nil for an empty text.
func readTime(text string) (*time.Time, bool) {
	if text == "" {
		return nil, true
	}
	for _, layout := range []string{timeLayout, timeLayout + ":05"} {
		if t, err := time.Parse(layout, text); err == nil && t.Year() >= 1970 && t.Year() < 10000 {
			return &t, true
		}
	}
	return nil, false
}

// readProductEdit reads the form of a product. Fields that were not sent stay as they are: a client
// that sends one field changes one.
func readProductEdit(form adminui.PostedForm, now staffProduct) (e productEdit, wrong adminui.FieldErrors) {
	wrong = adminui.FieldErrors{}
	text := func(name, was string, maxLength int) string {
		if !form.Has(name) {
			return was
		}
		sent := strings.TrimSpace(form.Text(name))
		if utf8.RuneCountInString(sent) > maxLength {
			wrong[name] = "At most " + strconv.Itoa(maxLength) + " characters."
		}
		return sent
	}

	moment := func(name string, was *time.Time) *time.Time {
		sent, there := form.Lookup(name)
		if !there || sent == timeField(was) {
			return was
		}
		t, ok := readTime(sent)
		if !ok {
			wrong[name] = "A day and a time, such as 2026-05-01T09:00."
		}
		return t
	}

	e = productEdit{
		Title:       text("title", now.Title, maxTitle),
		TitleURL:    text("title_url", now.TitleURL, 100),
		Headline:    text("headline", now.Headline, maxText),
		Part1:       text("description_part_1", now.Part1, maxText),
		Part2:       text("description_part_2", now.Part2, maxText),
		Published:   now.Published,
		OnSaleFrom:  moment("on_sale_from", now.OnSaleFrom),
		OnSaleUntil: moment("on_sale_until", now.OnSaleUntil),
		Collections: now.Collections,
	}

	if e.Title == "" {
		wrong["title"] = "A product needs a title."
	}
	if e.TitleURL != now.TitleURL && !titleURLPattern.MatchString(e.TitleURL) {
		wrong["title_url"] = "Letters, digits, - and _, at most 100."
	}
	switch state, there := form.Lookup("state"); {
	case !there:
	case state != "draft" && state != "published":
		wrong["state"] = "Draft or published."
	default:
		e.Published = state == "published"
	}

	if e.OnSaleFrom != nil && e.OnSaleUntil != nil && !e.OnSaleFrom.Before(*e.OnSaleUntil) {
		wrong["on_sale_until"] = "This must be after the start."
	}
	if sent, there := form.Values.Values["collections"]; there {
		e.Collections = slices.DeleteFunc(slices.Clone(sent), func(address string) bool { return address == "" })
	}
	return e, wrong
}

// staffUpdateProduct stores the form of a product.
func (s *server) staffUpdateProduct(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.productFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, p.Version); err != nil {
		return nil, err
	}

	edit, wrong := readProductEdit(form, p)
	if form.Get("preview") != "" {
		return s.typedProduct(r, p, form, nil, http.StatusOK)
	}
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error { return s.changeProduct(r, tx, p, form.Version, edit) })
	} else {
		err = wrong
	}

	if refused, ok := errors.AsType[adminui.FieldErrors](err); ok {
		return s.typedProduct(r, p, form, refused, http.StatusUnprocessableEntity)
	} else if errors.Is(err, adminui.ErrStale) {
		return s.typedProduct(r, p, form, adminui.FieldErrors{"": adminui.ErrStale.Error()}, http.StatusConflict)
	} else if err != nil {
		return nil, err
	}
	s.catalogChanged()
	return adminui.Done{To: productPath(p.Identifier), Text: "Saved."}, nil
}

// catalogChanged makes the effect of a command visible to shoppers at once.
func (s *server) catalogChanged() {
	s.outbox.Wake()
	wait.Wake(s.clockWork)
}

// changeProduct stores an edit of the version that the person saw, and records it.
func (s *server) changeProduct(r *http.Request, tx pgx.Tx, was staffProduct, version int64, e productEdit) error {
	ctx := r.Context()
	p, err := web.OrNotFound(lockProduct(ctx, tx, was.ID))
	switch {
	case err != nil:
		return err
	case p.Version != version:
		return adminui.ErrStale
	case p.RetiredAt != nil:
		return adminui.FieldErrors{"": "This product is retired. Bring it back first."}
	}

	before, after := productDiff(p, e)
	if len(after) == 0 {
		return nil
	}

	if e.TitleURL != p.TitleURL {
		if free, err := takeAddress(ctx, tx, p.ID, e.TitleURL); err != nil {
			return err
		} else if !free {
			return adminui.FieldErrors{"title_url": "Another product has or had this address."}
		}
	}
	if err := updateProduct(ctx, tx, p.ID, e, adminui.Who(r).Name); err != nil {
		return err
	}

	if !sameSet(p.Collections, e.Collections) {
		if all, err := setCollections(ctx, tx, p.ID, e.Collections); err != nil {
			return err
		} else if !all {
			return adminui.FieldErrors{"collections": "One of these collections no longer exists."}
		}
	}
	return adminui.Record(r, tx, adminui.Act{Action: adminui.CatalogEdit, Kind: "product", Key: p.Identifier,
		Text: "Changed the product", Before: before, After: after})
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))),
		slices.Compact(slices.Sorted(slices.Values(b))))
}

// productDiff is the change that an edit makes, for the log.
func productDiff(p staffProduct, e productEdit) (before, after map[string]any) {
	before, after = map[string]any{}, map[string]any{}
	add := func(name string, was, is any, same bool) {
		if !same {
			before[name], after[name] = was, is
		}
	}
	for name, pair := range map[string][2]string{
		"title":              {p.Title, e.Title},
		"title_url":          {p.TitleURL, e.TitleURL},
		"headline":           {p.Headline, e.Headline},
		"description_part_1": {p.Part1, e.Part1},
		"description_part_2": {p.Part2, e.Part2},
		"on_sale_from":       {timeField(p.OnSaleFrom), timeField(e.OnSaleFrom)},
		"on_sale_until":      {timeField(p.OnSaleUntil), timeField(e.OnSaleUntil)},
	} {
		add(name, pair[0], pair[1], pair[0] == pair[1])
	}
	add("published", p.Published, e.Published, p.Published == e.Published)
	add("collections", p.Collections, e.Collections, sameSet(p.Collections, e.Collections))
	return before, after
}

// typedProduct shows the form again with everything that was typed: its texts as the shop would
// show them, what is wrong, or what another person stored in the meantime.
func (s *server) typedProduct(r *http.Request, p staffProduct, form adminui.PostedForm, wrong adminui.FieldErrors,
	status int) (adminui.Answer, error) {
	if status == http.StatusConflict { // the current product
		var err error
		if p, err = s.productFromPath(r); err != nil {
			return nil, err
		}
	}
	page, err := s.productPage(r, p)
	if err != nil {
		return nil, err
	}

	theirs := map[string]string{}
	for _, field := range page.Form.Fields {
		theirs[field.Name] = field.Value
		if field.Kind == "checks" {
			theirs[field.Name] = strings.Join(field.Checked, ", ")
		}
	}

	page.Errors, page.Form = wrong, page.Form.WithInput(form)
	page.Form.Version = form.Version
	if status == http.StatusConflict {
		page.Form = page.Form.Conflict(p.Version, p.EditedBy, p.EditedAt.UTC().Format("15:04 UTC"), theirs)
	} else {
		page.Form = page.Form.WithErrors(wrong)
	}
	shown, _ := readProductEdit(form, p)
	page.Previewed, err = previewed(shown.Headline, shown.Part1, shown.Part2)
	return page.answer(status), err
}

// staffPreviewTexts renders the typed texts as the shop would, for a page that shows them while one
// types.
func (s *server) staffPreviewTexts(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	shown, err := previewed(form.Get("headline"), form.Get("description_part_1"), form.Get("description_part_2"))
	return adminui.Page{Title: "Preview", Template: "preview.html", Data: struct {
		Previewed template.HTML `json:"html"`
	}{shown}}, err
}

// previewed are texts as the page of a product shows them.
func previewed(headline string, texts ...string) (template.HTML, error) {
	var out strings.Builder
	if headline != "" {
		out.WriteString(`<p class="lead">` + template.HTMLEscapeString(headline) + "</p>")
	}
	for _, text := range texts {
		part, err := markdown.HTML(text)
		if err != nil {
			return "", err
		}
		out.WriteString(string(part))
	}
	return template.HTML(out.String()), nil //nolint:gosec // escaped, and sanitized by pkg/markdown
}
