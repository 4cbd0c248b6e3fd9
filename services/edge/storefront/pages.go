package storefront

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/markdown"
)

// page is one address of the shop. Its template is templates/<name>.html, its script
// static/js/pages/<name>.js unless script says otherwise, its title and description the texts
// <name>.page_title and <name>.page_description.
type page struct {
	name   string
	path   string
	script string
	legal  string // Markdown file in content/ that fills the page
	secret bool   // links to it hold a token: no caches, no referrer
	hidden bool   // not for search engines
	live   bool   // rendered from the catalog
}

// pageTable are the pages with a fixed address. The single product is beside it (product.go).
var pageTable = []page{
	{name: "home", path: "/", script: "app.js", live: true},
	{name: "products", path: "/products", script: "pages/list.js", live: true},
	{name: "search", path: "/search", live: true, hidden: true},
	{name: "product", path: "/product", live: true},
	{name: "cart", path: "/cart"},
	{name: "confirm", path: "/checkout/confirm", hidden: true},
	{name: "success", path: "/checkout/success", hidden: true, secret: true},
	{name: "login", path: "/login", hidden: true},
	{name: "create-account", path: "/create-account", hidden: true},
	{name: "forgot-username", path: "/forgot-username", hidden: true},
	{name: "reset-password", path: "/reset-password", hidden: true},
	{name: "set-new-password", path: "/set-new-password", hidden: true, secret: true},
	{name: "account", path: "/account", hidden: true, secret: true},
	{name: "edit-my-information", path: "/account/edit-my-information", hidden: true},
	{name: "change-password", path: "/account/change-password", hidden: true},
	{name: "edit-communication-preferences", path: "/account/edit-communication-preferences", hidden: true},
	{name: "email-unsubscribe", path: "/account/email-unsubscribe", hidden: true, secret: true},
	{name: "back-in-stock", path: "/back-in-stock", script: "app.js", hidden: true},
	{name: "back-in-stock-wrong", path: "/back-in-stock/wrong", script: "app.js", hidden: true},
	{name: "back-in-stock-there", path: "/back-in-stock/in-stock", script: "app.js", hidden: true},
	{name: "back-in-stock-gone", path: "/back-in-stock/gone", script: "app.js", hidden: true},
	{name: "no-notices", path: "/account/no-notices", script: "app.js", hidden: true, secret: true},
	{name: "no-notices-done", path: "/account/no-notices/done", script: "app.js", hidden: true},
	{name: "undo-address-change", path: "/account/undo-address-change", hidden: true, secret: true},
	{name: "order", path: "/account/order", hidden: true, secret: true},
	{name: "about", path: "/about", script: "app.js", legal: "about.md"},
	{name: "contact", path: "/contact", script: "app.js"},
	{name: "pythonabot", path: "/pythonabot"},
	{name: "terms-of-use", path: "/terms-of-use", script: "app.js", legal: "terms-of-use.md"},
	{name: "terms-of-sale", path: "/terms-of-sale", script: "app.js", legal: "terms-of-sale.md"},
	{name: "privacy-policy", path: "/privacy-policy", script: "app.js", legal: "privacy-policy.md"},
	{name: "error", path: "/error", script: "app.js", hidden: true},
}

// collectionPage has an address for each collection; it looks like the page of all products.
var collectionPage = page{name: "collection", script: "pages/list.js", live: true}

// notFoundPage has no address of its own.
var notFoundPage = page{name: "not-found", script: "app.js", hidden: true}

// paths are the addresses by which a page has been linked over the years.
func (pg page) paths() []string {
	if pg.path == "/" {
		return []string{"/", "/index", "/index.html"}
	}
	return []string{pg.path, pg.path + "/", pg.path + "/index", pg.path + "/index.html"}
}

// view is the data of templates.
type view struct {
	Shop        Settings
	Name        string
	Title       string
	Description string
	Canonical   string // absolute
	Image       string // absolute, for link previews
	Script      string
	Preloads    []string
	Hidden      bool
	Content     template.HTML // from a Markdown file of ours
	Products    []product
	Product     *product
	List        *listView // on pages that list products
	Data        any       // schema.org, goes into a data block
	Status      int
}

// parseTemplates makes one template set for each page: the layout, the shared parts and the page.
func (p *Pages) parseTemplates() (map[string]*template.Template, error) {
	funcs := template.FuncMap{
		"t":       p.texts.get,
		"asset":   p.assets.path,
		"srcset":  p.pictures.srcset,
		"money":   func(amount string) string { return p.cfg.Shop.CurrencySign + amount },
		"telhref": telHref,
		"prose":   markdown.HTML,
		"list":    func(items ...string) []string { return items },
		"dict":    dict,
	}

	base, err := template.New("layout").Funcs(funcs).ParseFS(files, "templates/layout.html", "templates/parts/*.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	sets := map[string]*template.Template{}
	for _, pg := range append([]page{notFoundPage, collectionPage}, pageTable...) {
		name := pg.name
		switch {
		case pg.legal != "":
			name = "prose"
		case pg.name == "collection":
			name = "products"
		}
		set, err := base.Clone()
		if err != nil {
			return nil, fmt.Errorf("clone layout: %w", err)
		}
		if sets[pg.name], err = set.ParseFS(files, "templates/"+name+".html"); err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
	}

	return sets, nil
}

// dict lets a template pass several named values to a part.
func dict(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: a name without a value")
	}
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		m[name] = pairs[i+1]
	}
	return m, nil
}

// telHref makes a link of a phone number as people write it.
func telHref(phone string) template.URL {
	digits := strings.Map(func(r rune) rune {
		if r == '+' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, phone)
	return template.URL("tel:" + digits) // digits and plus only
}

// newView fills in the fields that all pages have.
func (p *Pages) newView(pg page) (view, error) {
	title, err := p.texts.get(pg.name + ".page_title")
	if err != nil {
		return view{}, err
	}
	description, err := p.texts.get(pg.name + ".page_description")
	if err != nil {
		return view{}, err
	}
	script := pg.script
	if script == "" {
		script = "pages/" + pg.name + ".js"
	}
	return view{
		Shop:        p.cfg.Shop,
		Name:        pg.name,
		Title:       title,
		Description: description,
		Canonical:   p.cfg.PublicURL + pg.path,
		Image:       p.absolute(p.cfg.Shop.Picture),
		Script:      p.assets.path("js/" + script),
		Preloads:    p.assets.preloads(script),
		Hidden:      pg.hidden,
		Status:      http.StatusOK,
	}, nil
}

// render renders a page's template into a finished document.
func (p *Pages) render(v view) (*document, error) {
	var buf bytes.Buffer
	if err := p.templates[v.Name].ExecuteTemplate(&buf, "layout", v); err != nil {
		return nil, fmt.Errorf("render page %s: %w", v.Name, err)
	}
	const contentType = "text/html; charset=utf-8"
	if v.List != nil || v.Product != nil {
		return newLiveDocument(squeeze(buf.Bytes()), contentType)
	}
	return newDocument(squeeze(buf.Bytes()), contentType, "")
}

// squeeze removes the indentation and empty lines of templates and styles. Neither holds text whose
// leading spaces mean anything.
func squeeze(text []byte) []byte {
	var out bytes.Buffer
	for line := range bytes.Lines(text) {
		if trimmed := bytes.TrimSpace(line); len(trimmed) > 0 {
			out.Write(trimmed)
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}

// renderStatic renders all pages that show nothing of the catalog and, once and without products,
// those that do, so that their mistakes show at the start, too.
func (p *Pages) renderStatic() error {
	for _, pg := range append([]page{notFoundPage, collectionPage}, pageTable...) {
		v, err := p.newView(pg)
		if err != nil {
			return err
		}
		if pg.legal != "" {
			if v.Content, err = p.markdown(pg.legal); err != nil {
				return err
			}
		}
		if pg.name == "not-found" {
			v.Status = http.StatusNotFound
		}
		if pg.live {
			v.List = &listView{}
		}
		if pg.name == "product" {
			v.Product = &product{}
		}
		doc, err := p.render(v)
		if err != nil {
			return err
		}
		if !pg.live {
			p.static[pg.name] = doc
		}
	}

	return nil
}

// servePage answers at one of the fixed addresses.
func (p *Pages) servePage(pg page) http.HandlerFunc {
	switch pg.name {
	case "home":
		return p.home(pg)
	case "products":
		return func(w http.ResponseWriter, r *http.Request) { p.serveList(w, r, pg, "") }
	case "search":
		return p.search(pg)
	case "product":
		return p.productByQuery
	}
	doc := p.static[pg.name]
	return func(w http.ResponseWriter, r *http.Request) {
		p.headers.set(w.Header(), pg.secret)
		doc.write(w, r, http.StatusOK)
	}
}

// NotFound answers with the page for unknown addresses.
func (p *Pages) NotFound(w http.ResponseWriter, r *http.Request) {
	p.headers.set(w.Header(), false)
	p.static["not-found"].write(w, r, http.StatusNotFound)
}

// Refuse answers a form with a page that says what is wrong with it.
func (p *Pages) Refuse(w http.ResponseWriter, r *http.Request, name string) {
	p.headers.set(w.Header(), false)
	w.Header().Set("Cache-Control", "no-store")
	p.static[name].write(w, r, http.StatusUnprocessableEntity)
}

// Error answers with a page that says only that something went wrong on our side.
func (p *Pages) Error(w http.ResponseWriter, r *http.Request, status int) {
	p.headers.set(w.Header(), false)
	w.Header().Set("Cache-Control", "no-store")
	p.static["error"].write(w, r, status)
}
