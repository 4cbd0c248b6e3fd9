package events

import (
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// partReport is a report by names: by product, source, page.
type partReport struct {
	path, title, text string
	kind              string // a kind of day_part
	name, detail      string // titles of the columns; no column if ""
	measures          []string
	empty             string
}

var (
	sourcesReport = partReport{
		path:  "/reports/sources",
		title: "Sources",
		kind:  "source",
		name:  "Source",
		text: "What brought visitors: ads and mails by the codes in their links, campaigns by utm_source, other " +
			"sites. An order counts for the last one in the 30 days before it.",
		measures: []string{"visits", "orders", "sales"},
		empty:    "No visits on these days.",
	}
	productsReport = partReport{
		path:     "/reports/products",
		title:    "Products",
		kind:     "product",
		name:     "Product",
		text:     "What was sold, at its price before codes.",
		measures: []string{"sales", "pieces", "orders"},
		empty:    "Nothing was sold on these days.",
	}
	collectionsReport = partReport{
		path:     "/reports/collections",
		title:    "Collections",
		kind:     "collection",
		name:     "Collection",
		text:     "What was sold from each collection, as it was then. A product counts in each of its collections.",
		measures: []string{"sales", "pieces", "orders"},
		empty:    "Nothing from a collection was sold on these days.",
	}
	codesReport = partReport{
		path:     "/reports/codes",
		title:    "Codes",
		kind:     "code",
		name:     "Code",
		detail:   "Description",
		text:     "Orders in which a code took something off, with everything charged for them.",
		measures: []string{"orders", "sales"},
		empty:    "No code was used on these days.",
	}
	countriesReport = partReport{
		path:     "/reports/countries",
		title:    "Countries",
		kind:     "country",
		name:     "Country",
		text:     "Where orders are sent.",
		measures: []string{"sales", "orders", "pieces"},
		empty:    "No orders on these days.",
	}
	pagesReport = partReport{
		path:     "/reports/pages",
		title:    "Pages",
		kind:     "page",
		name:     "Page",
		text:     "Which pages were viewed, without their parameters.",
		measures: []string{"views", "visits"},
		empty:    "No page views on these days.",
	}
	searchesReport = partReport{
		path:     "/reports/searches",
		title:    "Searches",
		kind:     "search",
		name:     "Searched for",
		text:     "What people searched for but did not find.",
		measures: []string{"views"},
		empty:    "No searches without results on these days.",
	}
	errorsReport = partReport{
		path:     "/reports/errors",
		title:    "Errors",
		kind:     "error",
		name:     "Page",
		detail:   "Error",
		text:     "Calls that failed and scripts that broke in browsers, by page.",
		measures: []string{"views"},
		empty:    "No errors on these days.",
	}
)

// measureTitles are the titles of columns.
var measureTitles = map[string]string{"visits": "Visits", "views": "Times", "orders": "Orders", "pieces": "Pieces",
	"sales": "Sales"}

// staffParts shows a report by names, sorted by a measure.
func (s *server) staffParts(report partReport) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		listing, err := adminui.ReadListing(r, adminui.ListSpec{
			Filters: []string{"from", "to"},
			Sorts:   report.measures,
		})
		if err != nil {
			return nil, err
		}
		data, _, err := s.readReport(r, &listing, report.path)
		if err != nil {
			return nil, err
		}

		data.Text, data.Days, data.Hours = report.text, nil, nil
		data.Parts, err = s.readNamedParts(r, partsWanted{
			Kind:       report.kind,
			Measure:    listing.Sort,
			Up:         !listing.Down,
			From:       data.Period.From,
			To:         data.Period.To,
			BeforeFrom: data.Period.BeforeFrom,
			Rows:       listing.Rows + 1,
		})
		if err != nil {
			return nil, err
		}

		if data.More = len(data.Parts) > listing.Rows; data.More {
			data.Parts = data.Parts[:listing.Rows]
		}
		if sort := r.URL.Query().Get("sort"); sort != "" {
			data.Picker.Kept = []adminui.Option{{Value: "sort", Text: sort}}
		}

		table := adminui.NewTable(listing, report.title, report.columns(listing.Sort, data.Parts), data.Parts,
			func(p part) any { return p.Name })
		table.Empty, table.Labelled = report.empty, true
		return adminui.Page{Title: report.title, Template: "report.html", Data: data, Table: table}, nil
	}
}

// readNamedParts reads parts and gives them the names that people know.
func (s *server) readNamedParts(r *http.Request, want partsWanted) ([]part, error) {
	parts, err := readParts(r.Context(), s.pool, want)
	if err != nil || want.Kind != "source" {
		for i := range parts {
			if want.Kind == "code" { // descriptions are not unique: people know a code by itself
				parts[i].Title, parts[i].Detail = parts[i].Name, parts[i].Title
			}
			if parts[i].Title == "" {
				parts[i].Title = parts[i].Name
			}
			if parts[i].Title == "" {
				parts[i].Title = "Not known"
			}
		}
		return parts, err
	}

	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = p.Name
	}

	titles, err := readSourceTitles(r.Context(), s.pool, names)
	if err != nil {
		return nil, err
	}
	known := map[string]sourceTitle{}
	for _, t := range titles {
		known[t.Source] = t
	}

	mayOpen := adminui.Who(r).May(adminui.CampaignsView)
	for i := range parts {
		t := known[parts[i].Name]
		parts[i].Title, parts[i].To = sourceText(parts[i].Name, t.Title), t.page(mayOpen)
	}
	return parts, nil
}

// page is the path of the ad, or of the campaign if the person may open it.
func (t sourceTitle) page(campaigns bool) string {
	switch {
	case t.ID == 0:
		return ""
	case strings.HasPrefix(t.Source, "ad:"):
		return "/ads/" + web.ID(t.ID)
	case campaigns:
		return "/campaigns/" + web.ID(t.ID)
	}
	return ""
}

// sourceText is what people call a source; title is that of its ad or mail.
func sourceText(source, title string) string {
	kind, name, _ := strings.Cut(source, ":")
	if title != "" {
		name = title
	}
	switch kind {
	case "ad":
		return "Ad: " + name
	case "mail":
		return "Mail: " + name
	case "campaign":
		return "Campaign: " + name
	case "site":
		return name
	case "direct":
		return "Direct"
	case "unknown":
		return "Not known"
	}
	return source
}

// measure is a part's figure.
func (p part) measure(name string) int64 {
	switch name {
	case "visits":
		return p.Visits
	case "views":
		return p.Views
	case "orders":
		return p.Orders
	case "pieces":
		return p.Pieces
	}
	return int64(p.Sales)
}

// cell is a part's figure as its column shows it.
func (p part) cell(name string) any {
	if name == "sales" {
		return p.Sales
	}
	return p.measure(name)
}

// columns are the columns of a report: the name with a bar for the sorted measure, the figures, and
// the change.
func (report partReport) columns(sort string, parts []part) []adminui.Column[part] {
	var largest int64
	for _, p := range parts {
		largest = max(largest, p.measure(sort))
	}

	list := []adminui.Column[part]{{Title: report.name, Value: func(p part) any {
		return adminui.NewPart(p.Title, p.To, p.measure(sort), largest)
	}}}
	if report.detail != "" {
		list = append(list, adminui.Column[part]{Title: report.detail, Value: func(p part) any { return p.Detail }})
	}
	for _, name := range report.measures {
		list = append(list, adminui.Column[part]{
			Title: measureTitles[name],
			Sort:  name,
			Minor: name == "pieces",
			Value: func(p part) any { return p.cell(name) },
		})
	}

	before := measureTitles[sort] + " before"
	return append(list, adminui.Column[part]{
		Title: before,
		Minor: true,
		Value: func(p part) any {
			p.Sales, p.Visits, p.Views, p.Orders, p.Pieces = 0, p.Before, p.Before, p.Before, p.Before
			if sort == "sales" {
				p.Sales = moneyOf(p.Before)
			}
			return p.cell(sort)
		},
	}, adminui.Column[part]{
		Title: "Change",
		Minor: true,
		Value: func(p part) any {
			return adminui.Change(p.measure(sort), p.Before)
		},
	})
}
