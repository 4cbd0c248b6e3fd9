package events

import (
	"fmt"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// dayReport says what a report by days shows.
type dayReport struct {
	path, title, text string
	figures           func(now, before totals) []adminui.Figure
	charts            []dayChart
	columns           []adminui.Column[dayTotals]
	steps             bool // show the steps to an order
}

// dayChart is a chart of a report by days. A report of one day shows its hours, if these are
// counted.
type dayChart struct {
	id, title string
	money     bool
	measure   func(totals) int64
	hour      func(hourTotals) int64
}

// reportData is a report as JSON, and what only its page shows.
type reportData struct {
	Period period       `json:"period"`
	Totals totals       `json:"totals"`
	Before totals       `json:"before"`
	Days   []dayTotals  `json:"days,omitempty"`
	Hours  []hourTotals `json:"hours,omitempty"`
	Parts  []part       `json:"rows,omitempty"`
	// Problems say in sentences what in the address made no sense.
	Problems []string `json:"problems,omitempty"`

	Text    string           `json:"-"`
	Tabs    []adminui.Tab    `json:"-"`
	Picker  adminui.Period   `json:"-"`
	Figures []adminui.Figure `json:"-"`
	Charts  []adminui.Chart  `json:"-"`
	Steps   []adminui.Step   `json:"-"`
	Ranks   []ranking        `json:"-"`
	More    bool             `json:"-"` // the file has more rows than the page
}

// maxDayRows is how many days the table of a page shows; its file has all.
const maxDayRows = 100

// staffDays shows a report by days.
func (s *server) staffDays(report dayReport) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"from", "to"}})
		if err != nil {
			return nil, err
		}
		data, before, err := s.readReport(r, &listing, report.path)
		if err != nil {
			return nil, err
		}

		data.Text, data.Figures = report.text, report.figures(data.Totals, data.Before)
		for _, c := range report.charts {
			data.Charts = append(data.Charts, c.draw(data, before))
		}
		if report.steps {
			data.Steps = steps(data.Totals, data.Before)
		}

		rows := newestFirst(data.Days)
		if data.More = adminui.WantsHTML(r) && len(rows) > maxDayRows; data.More {
			rows = rows[:maxDayRows]
		}

		listing.Rows = len(rows)
		table := adminui.NewTable(listing, report.title, report.columns, rows, func(d dayTotals) any { return d.Day })
		table.Labelled = true
		return adminui.Page{Title: report.title, Template: "report.html", Data: data, Table: table}, nil
	}
}

// readReport reads the days of a report and the days before.
func (s *server) readReport(r *http.Request, listing *adminui.Listing,
	path string) (data reportData, before []dayTotals, err error) {
	now := time.Now()
	if data.Period, err = readPeriod(listing, now); err != nil {
		return data, nil, err
	}
	p := data.Period
	data.Picker, data.Tabs = p.picker(*listing, path, now), tabs(*listing, reportTabs, path)
	data.Problems, listing.Problems = listing.Problems, nil // shown next to the days, not once more above a table

	days, err := readDayTotals(r.Context(), s.pool, p.BeforeFrom, p.To)
	if err != nil {
		return data, nil, err
	}

	before, data.Days = days[:p.days()], days[p.days():]
	for i := range data.Days {
		data.Before.add(before[i].totals)
		data.Totals.add(data.Days[i].totals)
	}
	if p.days() == 1 {
		data.Hours, err = readHours(r.Context(), s.pool, p.From)
	}
	return data, before, err
}

func (c dayChart) draw(data reportData, before []dayTotals) adminui.Chart {
	chart := adminui.Chart{ID: c.id, Title: c.title, Money: c.money}

	if len(data.Hours) > 0 && c.hour != nil {
		chart.Title += ", by hour (UTC)"
		for _, h := range data.Hours {
			chart.Points = append(chart.Points, adminui.Point{Label: fmt.Sprintf("%02d:00", h.Hour), Value: c.hour(h)})
		}
		return chart
	}

	switch data.Period.bucket() {
	case 1:
		chart.Title += ", by day"
	case 7:
		chart.Title += ", by week"
	default:
		chart.Title += ", by 30 days"
	}

	chart.Compared = data.Picker.Compared
	chart.Points = data.Period.points(data.Days, before, c.measure)
	return chart
}

func newestFirst(days []dayTotals) []dayTotals {
	rows := make([]dayTotals, 0, len(days))
	for i := len(days) - 1; i >= 0; i-- {
		rows = append(rows, days[i])
	}
	return rows
}

// share is n of all in thousandths.
func share(n, all int64) int {
	if all <= 0 {
		return 0
	}
	return int((1000*n + all/2) / all)
}

// steps are the stages from a visit to an order.
func steps(now, before totals) []adminui.Step {
	counts := func(t totals) []int64 { return []int64{t.Visits, t.ToProduct, t.ToCart, t.ToCheckout, t.ToOrder} }
	n, b := counts(now), counts(before)
	var list []adminui.Step
	for i, title := range []string{"Visits", "Looked at a product", "Looked at the cart", "Went to the checkout",
		"Ordered"} {
		step := adminui.Step{Title: title, Count: n[i], OfAll: share(n[i], n[0]), OfLast: -1}
		if i > 0 {
			step.OfLast = share(n[i], n[i-1])
			if b[0] > 0 {
				step.Before = adminui.Share(share(b[i], b[0]))
			}
		}
		list = append(list, step)
	}
	return list
}

// amount shows cents.
func amount(n int64) string { return adminui.Amount(money.Cents(n)) }

// average is the sales per order; 0 without orders.
func average(sales money.Cents, orders int64) int64 {
	if orders == 0 {
		return 0
	}
	return int64(sales) / orders
}

func dayColumn(d dayTotals) any { return d.Day.UTC().Format(dayText) }

func givenBackFigure(now, before totals) adminui.Figure {
	return adminui.NewFigure("Given back", int64(now.GivenBack), int64(before.GivenBack), amount).Less()
}

// taxFigure has no tone: neither more nor less tax is better.
func taxFigure(now, before totals) adminui.Figure {
	figure := adminui.NewFigure("Tax", int64(now.Tax), int64(before.Tax), amount)
	figure.Change.Tone = ""
	return figure
}

func netFigure(now, before totals) adminui.Figure {
	return adminui.NewFigure("Net", int64(now.Net), int64(before.Net), amount)
}

var (
	salesChart = dayChart{
		id:      "sales",
		title:   "Sales",
		money:   true,
		measure: func(t totals) int64 { return int64(t.Sales) },
		hour:    func(h hourTotals) int64 { return int64(h.Sales) },
	}
	ordersChart = dayChart{
		id:      "orders",
		title:   "Orders",
		measure: func(t totals) int64 { return t.Orders },
		hour:    func(h hourTotals) int64 { return h.Orders },
	}
	visitsChart = dayChart{
		id:      "visits",
		title:   "Visits",
		measure: func(t totals) int64 { return t.Visits },
		hour:    func(h hourTotals) int64 { return h.Visits },
	}
	viewsChart = dayChart{
		id:      "views",
		title:   "Page views",
		measure: func(t totals) int64 { return t.Views },
		hour:    func(h hourTotals) int64 { return h.Views },
	}
)

var salesReport = dayReport{
	path:  "/reports/sales",
	title: "Sales",
	text: "Orders on the day they were placed, with everything charged. Given back: refunds that succeeded and " +
		"disputes that were lost, on their own days. Tax is that of the orders, less its share in what was given " +
		"back. Net is sales without both.",
	figures: func(now, before totals) []adminui.Figure {
		return []adminui.Figure{
			adminui.NewFigure("Sales", int64(now.Sales), int64(before.Sales), amount),
			givenBackFigure(now, before),
			taxFigure(now, before),
			netFigure(now, before),
			adminui.NewFigure("Orders", now.Orders, before.Orders, adminui.Count),
			adminui.NewFigure("An order, on average", average(now.Sales, now.Orders),
				average(before.Sales, before.Orders), amount),
			adminui.NewFigure("Pieces", now.Pieces, before.Pieces, adminui.Count),
			adminui.NewFigure("Taken off by codes", int64(now.Discount), int64(before.Discount), amount).Less(),
		}
	},
	charts: []dayChart{salesChart, ordersChart},
	columns: []adminui.Column[dayTotals]{
		{Title: "Day (UTC)", Value: dayColumn},
		{Title: "Orders", Value: func(d dayTotals) any { return d.Orders }},
		{Title: "Pieces", Minor: true, Value: func(d dayTotals) any { return d.Pieces }},
		{Title: "Taken off by codes", Minor: true, Value: func(d dayTotals) any { return d.Discount }},
		{Title: "Sales", Value: func(d dayTotals) any { return d.Sales }},
		{Title: "Given back", Value: func(d dayTotals) any { return d.GivenBack }},
		{Title: "Tax", Minor: true, Value: func(d dayTotals) any { return d.Tax }},
		{Title: "Net", Value: func(d dayTotals) any { return d.Net }},
	},
}

var visitsReport = dayReport{
	path:  "/reports/visits",
	title: "Visits",
	text: "A visit is what a browser does with less than half an hour " +
		"between; it ends at midnight, UTC. A visitor is a browser on a day. Browsers that send no reports " +
		"are not counted.",
	figures: func(now, before totals) []adminui.Figure {
		return []adminui.Figure{
			adminui.NewFigure("Visitors", now.Visitors, before.Visitors, adminui.Count),
			adminui.NewFigure("Visits", now.Visits, before.Visits, adminui.Count),
			adminui.NewFigure("Page views", now.Views, before.Views, adminui.Count),
		}
	},
	charts: []dayChart{visitsChart, viewsChart},
	columns: []adminui.Column[dayTotals]{
		{Title: "Day (UTC)", Value: dayColumn},
		{Title: "Visitors", Value: func(d dayTotals) any { return d.Visitors }},
		{Title: "Visits", Value: func(d dayTotals) any { return d.Visits }},
		{Title: "Page views", Minor: true, Value: func(d dayTotals) any { return d.Views }},
	},
}

var funnelReport = dayReport{
	path:  "/reports/funnel",
	title: "Funnel",
	text:  "How far visits got. A visit counts at its furthest step and at each one before.",
	steps: true,
	figures: func(now, before totals) []adminui.Figure {
		return []adminui.Figure{
			adminui.NewShare("Visits that ordered", share(now.ToOrder, now.Visits),
				share(before.ToOrder, before.Visits)),
			adminui.NewShare("Carts that went to the checkout", share(now.ToCheckout, now.ToCart),
				share(before.ToCheckout, before.ToCart)),
			adminui.NewShare("Checkouts that were paid", share(now.ToOrder, now.ToCheckout),
				share(before.ToOrder, before.ToCheckout)),
		}
	},
	charts: []dayChart{{id: "ordered", title: "Visits that ordered",
		measure: func(t totals) int64 { return t.ToOrder }}},
	columns: []adminui.Column[dayTotals]{
		{Title: "Day (UTC)", Value: dayColumn},
		{Title: "Visits", Value: func(d dayTotals) any { return d.Visits }},
		{Title: "Product", Value: func(d dayTotals) any { return d.ToProduct }},
		{Title: "Cart", Value: func(d dayTotals) any { return d.ToCart }},
		{Title: "Checkout", Value: func(d dayTotals) any { return d.ToCheckout }},
		{Title: "Ordered", Value: func(d dayTotals) any { return d.ToOrder }},
	},
}

var buyersReport = dayReport{
	path:  "/reports/buyers",
	title: "Buyers",
	text:  "Orders by returning and by new buyers. A visitor is recognized by the e-mail address.",
	figures: func(now, before totals) []adminui.Figure {
		return []adminui.Figure{
			adminui.NewFigure("Orders of returning buyers", now.AgainOrders, before.AgainOrders, adminui.Count),
			adminui.NewShare("Share of all orders", share(now.AgainOrders, now.Orders),
				share(before.AgainOrders, before.Orders)),
			adminui.NewFigure("Sales to returning buyers", int64(now.AgainSales), int64(before.AgainSales), amount),
			adminui.NewFigure("Orders of new buyers", now.Orders-now.AgainOrders, before.Orders-before.AgainOrders,
				adminui.Count),
		}
	},
	charts: []dayChart{
		{id: "again", title: "Orders of returning buyers", measure: func(t totals) int64 { return t.AgainOrders }},
		{id: "new", title: "Orders of new buyers", measure: func(t totals) int64 { return t.Orders - t.AgainOrders }},
	},
	columns: []adminui.Column[dayTotals]{
		{Title: "Day (UTC)", Value: dayColumn},
		{Title: "Orders of new buyers", Value: func(d dayTotals) any { return d.Orders - d.AgainOrders }},
		{Title: "Orders of returning buyers", Value: func(d dayTotals) any { return d.AgainOrders }},
		{Title: "Sales to returning buyers", Value: func(d dayTotals) any { return d.AgainSales }},
	},
}
