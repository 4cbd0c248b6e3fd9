package admin

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// auditRow is an entry of the log.
type auditRow struct {
	ID      int64           `json:"id"`
	At      time.Time       `json:"at"`
	Name    string          `json:"name"`
	Token   bool            `json:"token"`
	Address string          `json:"address"`
	Service string          `json:"service"`
	Action  string          `json:"action"`
	Kind    string          `json:"kind"`
	Key     string          `json:"key"`
	Text    string          `json:"text"`
	Before  json.RawMessage `json:"before"`
	After   json.RawMessage `json:"after"`
}

// who is the person, and says if a token of theirs acted.
func (a auditRow) who() string {
	if a.Token {
		return a.Name + " (token)"
	}
	return a.Name
}

// thing is the object of the act, as a link to its page if it has one.
func (a auditRow) thing() any {
	switch a.Kind {
	case "order":
		return adminui.Link{Text: a.Key, To: "/orders/" + a.Key}
	case "person":
		return adminui.Link{Text: "person " + a.Key, To: "/people/" + a.Key}
	case "":
		return nil
	}
	return a.Kind + " " + a.Key
}

// changed is one text of the values that differ before and after, by name.
func (a auditRow) changed() string {
	before, after := map[string]string{}, map[string]string{}
	readValues(before, "", a.Before)
	readValues(after, "", a.After)
	for _, values := range []map[string]string{before, after} {
		if cents, err := strconv.ParseInt(values["amount"], 10, 64); err == nil && a.Kind == "order" {
			values["amount"] = money.Cents(cents).String()
		}
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(after)) {
		was, had := before[name]
		switch is := after[name]; {
		case !had && is != "":
			parts = append(parts, name+" "+is)
		case had && was != is:
			parts = append(parts, fmt.Sprintf("%s %s → %s", name, cmp.Or(was, "nothing"), cmp.Or(is, "nothing")))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, kept := after[name]; !kept && before[name] != "" {
			parts = append(parts, fmt.Sprintf("%s %s → nothing", name, before[name]))
		}
	}
	return strings.Join(parts, " · ")
}

// readValues collects the values of a JSON object by name, including those of nested objects. A
// list is one value.
func readValues(values map[string]string, name string, raw json.RawMessage) {
	var object map[string]json.RawMessage
	var list []json.RawMessage
	var text string
	switch {
	case len(raw) == 0:
	case json.Unmarshal(raw, &object) == nil && object != nil:
		for key, value := range object {
			readValues(values, strings.TrimSpace(name+" "+strings.ReplaceAll(key, "_", " ")), value)
		}
	case json.Unmarshal(raw, &list) == nil && list != nil:
		parts := make([]string, len(list))
		for i, element := range list {
			var piece struct{ Line, Quantity *int }
			if json.Unmarshal(element, &piece) == nil && piece.Line != nil && piece.Quantity != nil { // of an order
				parts[i] = fmt.Sprintf("%d of line %d", *piece.Quantity, *piece.Line+1)
				continue
			}
			of := map[string]string{}
			readValues(of, "", element)
			var words []string
			for _, key := range slices.Sorted(maps.Keys(of)) {
				words = append(words, strings.TrimSpace(key+" "+of[key]))
			}
			parts[i] = strings.Join(words, " ")
		}
		values[name] = strings.Join(parts, ", ")
	case json.Unmarshal(raw, &text) == nil:
		values[name] = text // "" for null
	case string(raw) == "true":
		values[name] = "yes"
	case string(raw) == "false":
		values[name] = "no"
	default:
		values[name] = string(raw)
	}
}

var auditColumns = []adminui.Column[auditRow]{
	{Title: "When", Value: func(a auditRow) any { return a.At }},
	{Title: "Who", Value: func(a auditRow) any { return a.who() }},
	{Title: "What", Value: func(a auditRow) any { return a.Text }},
	{Title: "On", Value: func(a auditRow) any { return a.thing() }},
	{Title: "Changed", Minor: true, Value: func(a auditRow) any { return a.changed() }},
	{Title: "From", Minor: true, Value: func(a auditRow) any { return a.Address }},
}

// actingServices are the services in which staff act.
var actingServices = []string{"admin", "order", "user", "mailer", "events", "webhook"}

// auditLog lists the acts of the staff, the newest first.
func (s *server) auditLog(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"service", "kind", "key", "from", "to"}})
	if err != nil {
		return nil, err
	}
	from, to, err := listing.Days()
	if err != nil {
		return nil, err
	}

	if name := listing.Chosen["service"]; name != "" && !slices.Contains(actingServices, name) {
		listing.Ignore("service", "Unknown service: showing all services.")
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}

	rows, err := listAudit(r.Context(), s.pool, auditQuery{
		Search:  listing.Search,
		Service: listing.Chosen["service"],
		Kind:    listing.Chosen["kind"],
		Key:     listing.Chosen["key"],
		From:    from,
		To:      to,
		After:   after,
		Rows:    listing.Rows + 1,
	})
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "audit", auditColumns, rows, func(a auditRow) any { return a.ID })
	table.WithSearch(listing, "Who, what, or on what")
	services := []adminui.Option{{Value: "", Text: "Everything"}}
	for _, name := range actingServices {
		services = append(services, adminui.Option{Value: name, Text: name})
	}

	table.Choices = []adminui.Choice{
		{Name: "service", Label: "In", Options: services, Value: listing.Chosen["service"]},
		{Name: "from", Label: "From", Date: true, Value: listing.Chosen["from"]},
		{Name: "to", Label: "to", Date: true, Value: listing.Chosen["to"]},
	}
	table.Empty = "No matching entries."

	return adminui.Page{Title: "Log", Table: table,
		Data: auditPage{Log: rows[:len(table.Rows)], Next: table.Next, Problems: listing.Problems}}, nil
}

// auditPage is the log.
type auditPage struct {
	Log      []auditRow `json:"log"`
	Next     string     `json:"next"`     // address of the next page, "" on the last
	Problems []string   `json:"problems"` // parts of the address that were ignored, in sentences
}

// thingPage is a part of the log, the newest first.
type thingPage struct {
	Log []adminui.Event `json:"log"`
}

// thingRights are the rights to see the log of a thing on its page: those to see the thing. The
// rest of the log requires audit.view.
var thingRights = map[string]adminui.Action{"order": adminui.OrdersView, "customer": adminui.CustomersView,
	"product": adminui.CatalogView, "code": adminui.DiscountsView, "campaign": adminui.CampaignsView,
	"mail": adminui.MailsView}

// maxOfThing is how many entries a panel shows; its file has all.
const maxOfThing = 50

// thingColumns are the columns of the panel: all but the address.
var thingColumns = auditColumns[:5]

// thingLog is the part of the log about one thing: a panel of its page.
func (s *server) thingLog(r *http.Request) (adminui.Answer, error) {
	action, ok := thingRights[adminui.Param(r, "kind")]
	if !ok {
		action = adminui.AuditView
	}
	if err := adminui.Require(adminui.Who(r), action); err != nil {
		return nil, err
	}
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	if !listing.File {
		listing.Rows = maxOfThing
	}
	rows, err := listAudit(r.Context(), s.pool, auditQuery{Kind: adminui.Param(r, "kind"), Key: adminui.Param(r, "key"),
		Rows: listing.Rows})
	if err != nil {
		return nil, err
	}
	page := logPage(rows)
	page.Table = adminui.NewTable(listing, "log", thingColumns, rows, func(a auditRow) any { return a.ID })
	return page, nil
}

// recentLog is the newest part of the log: a panel of the home page.
func (s *server) recentLog(r *http.Request) (adminui.Answer, error) {
	rows, err := listAudit(r.Context(), s.pool, auditQuery{Rows: 8})
	for i := range rows { // the panel has no values, the page Log does
		rows[i].Before, rows[i].After = nil, nil
	}
	return logPage(rows), err
}

func logPage(rows []auditRow) adminui.Page {
	events := make([]adminui.Event, len(rows))
	for i, row := range rows {
		events[i] = adminui.Event{At: row.At, Text: row.Text, Detail: row.changed(), Who: row.who()}
	}
	return adminui.Page{Title: "Log", Template: "thing.html", Data: thingPage{events}}
}
