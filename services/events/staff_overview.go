package events

import (
	"net/http"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func moneyOf(n int64) money.Cents { return money.Cents(n) }

func limitText(n int) string { return strconv.Itoa(n) }

// ranking is the first rows of a report by names, for the overview.
type ranking struct {
	Title, To string
	Rows      []rank
	Empty     string
}

type rank struct {
	Part  adminui.Part
	Value string
}

// overviewRanks are the reports whose first rows the overview shows.
var overviewRanks = []struct {
	report  partReport
	measure string
}{
	{productsReport, "sales"}, {sourcesReport, "visits"}, {pagesReport, "views"}, {searchesReport, "views"},
}

// staffOverview shows the most important figures, each with a link to its report.
func (s *server) staffOverview(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"from", "to"}})
	if err != nil {
		return nil, err
	}
	data, before, err := s.readReport(r, &listing, "/reports")
	if err != nil {
		return nil, err
	}

	now, then := data.Totals, data.Before
	data.Figures = []adminui.Figure{
		adminui.NewFigure("Sales", int64(now.Sales), int64(then.Sales), amount),
		givenBackFigure(now, then),
		netFigure(now, then),
		adminui.NewFigure("Orders", now.Orders, then.Orders, adminui.Count),
		adminui.NewFigure("An order, on average", average(now.Sales, now.Orders), average(then.Sales, then.Orders),
			amount),
		adminui.NewFigure("Visitors", now.Visitors, then.Visitors, adminui.Count),
		adminui.NewShare("Visits that ordered", share(now.ToOrder, now.Visits), share(then.ToOrder, then.Visits)),
	}

	for i, to := range []string{"sales", "sales", "sales", "sales", "sales", "visits", "funnel"} {
		for _, t := range tabs(listing, reportTabs, "/reports/"+to) {
			if t.Active {
				data.Figures[i].To = t.To
			}
		}
	}

	data.Charts = []adminui.Chart{salesChart.draw(data, before), visitsChart.draw(data, before)}
	data.Steps = steps(now, then)
	for _, o := range overviewRanks {
		ranks, err := s.readRanking(r, o.report, o.measure, data.Period)
		if err != nil {
			return nil, err
		}
		data.Ranks = append(data.Ranks, ranks)
	}

	return adminui.Page{Title: "Reports", Template: "overview.html", Data: data}, nil
}

func (s *server) readRanking(r *http.Request, report partReport, measure string, p period) (ranking, error) {
	parts, err := s.readNamedParts(r, partsWanted{
		Kind:       report.kind,
		Measure:    measure,
		From:       p.From,
		To:         p.To,
		BeforeFrom: p.From,
		Rows:       5,
	})
	out := ranking{Title: report.title, To: report.path, Empty: report.empty}
	for _, row := range parts {
		value := adminui.Count(row.measure(measure))
		if measure == "sales" {
			value = adminui.Amount(row.Sales)
		}
		out.Rows = append(out.Rows, rank{
			adminui.NewPart(row.Title, "", row.measure(measure), parts[0].measure(measure)), value,
		})
	}
	return out, err
}

// liveData is what happens in the shop at this moment.
type liveData struct {
	Now     nowFigures   `json:"now"`
	Pages   []namedCount `json:"pages"`
	Minutes []int64      `json:"page_views_by_minute"` // the last 30, oldest first
	Orders  []lastOrder  `json:"orders"`

	Tabs    []adminui.Tab    `json:"-"`
	Figures []adminui.Figure `json:"-"`
	Chart   adminui.Chart    `json:"-"`
	Ranks   ranking          `json:"-"`
	At      time.Time        `json:"at"`
}

var lastOrderColumns = []adminui.Column[lastOrder]{
	{Title: "Order", Value: func(o lastOrder) any {
		return adminui.Link{Text: o.Identifier, To: "/orders/" + o.Identifier}
	}},
	{Title: "Placed", Value: func(o lastOrder) any { return o.At }},
	{Title: "To", Minor: true, Value: func(o lastOrder) any { return o.Country }},
	{Title: "Pieces", Minor: true, Value: func(o lastOrder) any { return o.Pieces }},
	{Title: "Total", Value: func(o lastOrder) any { return o.Total }},
}

// staffLive shows who is in the shop now. The page reloads every ten seconds, and when an order
// comes in.
func (s *server) staffLive(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	data := liveData{Tabs: tabs(listing, reportTabs, "/reports/live"), At: time.Now().UTC()}

	ctx := r.Context()
	if data.Now, err = readNow(ctx, s.pool); err != nil {
		return nil, err
	}
	if data.Pages, err = readNowPages(ctx, s.pool); err != nil {
		return nil, err
	}
	if data.Minutes, err = readNowMinutes(ctx, s.pool); err != nil {
		return nil, err
	}
	if data.Orders, err = readLastOrders(ctx, s.pool); err != nil {
		return nil, err
	}

	count := func(title string, n int64) adminui.Figure {
		return adminui.Figure{Title: title, Value: adminui.Count(n)}
	}
	data.Figures = []adminui.Figure{
		count("Visitors now", data.Now.Visitors), count("In the last half hour", data.Now.Half),
		count("At their cart", data.Now.Carts), count("At the checkout", data.Now.Checkout),
		count("Orders in the last half hour", data.Now.Orders),
	}

	data.Chart = adminui.Chart{ID: "minutes", Title: "Page views, by minute"}
	for i, n := range data.Minutes {
		label := minutesAgo(len(data.Minutes) - 1 - i)
		data.Chart.Points = append(data.Chart.Points, adminui.Point{Label: label, Value: n})
	}

	data.Ranks = ranking{Title: "What they look at", Empty: "There is no one here just now."}
	for _, p := range data.Pages {
		data.Ranks.Rows = append(data.Ranks.Rows, rank{
			adminui.NewPart(p.Name, "", p.Count, data.Pages[0].Count), adminui.Count(p.Count),
		})
	}

	table := adminui.NewTable(listing, "last-orders", lastOrderColumns, data.Orders,
		func(o lastOrder) any { return o.Identifier })
	table.Empty = "No orders yet."
	return adminui.Page{Title: "Live", Template: "live.html", Data: data, Table: table, Live: "order"}, nil
}

func minutesAgo(n int) string {
	if n == 0 {
		return "now"
	}
	return "−" + strconv.Itoa(n) + " min"
}

// recordingData is the settings of what is recorded.
type recordingData struct {
	LogClientEvents bool          `json:"log_client_events"`
	Version         int64         `json:"version"`
	Tabs            []adminui.Tab `json:"-"`
	Form            adminui.Form  `json:"-"`
}

// staffRecordingSettings shows whether pages report what their readers do.
func (s *server) staffRecordingSettings(r *http.Request) (adminui.Answer, error) {
	return s.showRecording(r, http.StatusOK, nil)
}

func (s *server) showRecording(r *http.Request, status int, typed *adminui.PostedForm) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	c, err := readConfiguration(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}

	form := adminui.Form{
		Action:  "/records/settings",
		Submit:  "Save",
		Version: c.Version,
		Fields: []adminui.Field{{
			Name:  "log_client_events",
			Label: "Pages report views, clicks, errors and arrivals by link",
			Kind:  "check",
			Value: checked(c.LogClientEvents),
			Hint: "Without it reports of visits, sources, pages and searches stay empty; sales reports go on. Takes " +
				"effect within seconds.",
		}},
	}

	if typed != nil {
		now := map[string]string{"log_client_events": checked(c.LogClientEvents)}
		form = form.WithInput(*typed).Conflict(c.Version, "Another person", "the same time", now)
	}

	data := recordingData{
		LogClientEvents: c.LogClientEvents,
		Version:         c.Version,
		Tabs:            tabs(listing, recordTabs, "/records/settings"),
		Form:            form,
	}
	return adminui.Page{Title: "Recording", Template: "recording.html", Data: data, Status: status}, nil
}

func checked(on bool) string {
	if on {
		return "on"
	}
	return ""
}

// staffUpdateRecordingSettings sets whether pages report.
func (s *server) staffUpdateRecordingSettings(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	now, err := readConfiguration(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}

	if err := form.CheckVersion(1, now.Version); err != nil {
		return nil, err
	}

	value := form.Get("log_client_events")
	if value != "" && value != "on" {
		return nil, web.BadRequest("log_client_events")
	}
	on := value == "on"

	stored, err := s.setRecording(r, form.Version, on)
	switch {
	case err != nil:
		return nil, err
	case !stored:
		return s.showRecording(r, http.StatusConflict, &form)
	case on:
		return adminui.Done{To: "/records/settings", Text: "Pages report."}, nil
	}
	return adminui.Done{To: "/records/settings", Text: "Pages report nothing."}, nil
}

// setRecording stores the switch and puts the act on record, in one transaction.
func (s *server) setRecording(r *http.Request, version int64, on bool) (stored bool, err error) {
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if stored, err = updateLogging(r.Context(), tx, version, on); err != nil || !stored {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.ReportsEdit,
			Kind:   "setting",
			Key:    "log_client_events",
			Text:   "Switched the recording of visits",
			Before: map[string]bool{"log_client_events": !on},
			After:  map[string]bool{"log_client_events": on},
		})
	})
	return stored, err
}
