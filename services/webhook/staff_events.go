package webhook

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// storedEvent is an event of Stripe as staff see it.
type storedEvent struct {
	ID       string    `json:"id"`
	Type     string    `json:"type"`
	Object   string    `json:"object,omitempty"`  // what it is about: a session, a charge, a refund, …
	Payment  string    `json:"payment,omitempty"` // its payment intent
	Paid     bool      `json:"paid"`
	Created  time.Time `json:"created"` // at Stripe
	Received time.Time `json:"received"`
}

// Path is the event's page.
func (e storedEvent) Path() string { return "/stripe/events/" + url.PathEscape(e.ID) }

// eventPlace is an event's place in the list.
type eventPlace struct {
	At time.Time `json:"a"`
	ID string    `json:"i"`
}

var eventColumns = []adminui.Column[storedEvent]{
	{Title: "Event", Value: func(e storedEvent) any { return adminui.Link{Text: e.Type, To: e.Path()} }},
	{Title: "About", Value: func(e storedEvent) any { return e.Object }},
	{Title: "Payment", Minor: true, Value: func(e storedEvent) any { return e.Payment }},
	{Title: "Received", Value: func(e storedEvent) any { return e.Received }},
}

// staffEvents lists what Stripe sent, newest first, or what it sent about one thing.
func (s *server) staffEvents(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	before, _, err := adminui.ReadCursor[eventPlace](listing)
	if err != nil {
		return nil, err
	}
	list, err := listEvents(r.Context(), s.pool, keysOf(listing.Search), before, listing.Rows+1)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "stripe-events", eventColumns, list,
		func(e storedEvent) any { return eventPlace{At: e.Received, ID: e.ID} })
	table.WithSearch(listing, "Id of an event, session, payment, refund or dispute")
	table.Empty = "No matching events from Stripe."

	return adminui.Page{
		Title: "Stripe's events",
		Data: struct {
			Events []storedEvent `json:"events"`
			Next   string        `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
	}, nil
}

// keysOf returns the searched id as a list; nil without a search.
func keysOf(search string) []string {
	if search == "" {
		return nil
	}
	return []string{search}
}

// eventPanel is what Stripe sent about a payment: a part of an order's page.
type eventPanel struct {
	Events []storedEvent `json:"events"`
	All    string        `json:"-"` // path of the whole list, if it is longer
}

const (
	panelRows = 20
	panelKeys = 10
)

// staffPanel shows the events about what the parameters "key" name: a session, a payment.
func (s *server) staffPanel(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	keys := q.Values["key"]
	if len(keys) == 0 || len(keys) > panelKeys {
		return nil, web.BadRequest("key")
	}

	list, err := listEvents(r.Context(), s.pool, keys, eventPlace{}, panelRows+1)
	p := eventPanel{Events: list[:min(len(list), panelRows)]}
	if len(list) > panelRows {
		p.All = "/stripe?" + url.Values{"q": {keys[len(keys)-1]}}.Encode()
	}

	return adminui.Page{Title: "What Stripe sent", Template: "panel.html", Data: p, Narrow: true}, err
}

// eventPage is one event with what it says.
type eventPage struct {
	Event     storedEvent      `json:"event"`
	Payload   string           `json:"payload"`
	Dashboard string           `json:"dashboard"` // Stripe's page about it
	Facts     []adminui.Detail `json:"-"`
}

func (s *server) staffEvent(r *http.Request) (adminui.Answer, error) {
	e, payload, err := findEvent(r.Context(), s.pool, adminui.Param(r, "id"))
	if err != nil {
		return nil, err
	}
	p := eventPage{Event: e, Payload: adminui.Readable(payload), Dashboard: "https://dashboard.stripe.com/"}
	if !gjson.GetBytes(payload, "livemode").Bool() {
		p.Dashboard += "test/"
	}
	p.Dashboard += "events/" + url.PathEscape(e.ID)

	p.Facts = []adminui.Detail{{Label: "Event", Value: e.ID}, {Label: "About", Value: e.Object},
		{Label: "Payment", Value: e.Payment}, {Label: "Made", Value: e.Created}, {Label: "Received", Value: e.Received}}
	return adminui.Page{Title: strings.ReplaceAll(e.Type, "_", " "), Template: "event.html", Data: p}, nil
}
