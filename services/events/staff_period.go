package events

import (
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	// usualDays is how many days a report covers by default.
	usualDays = 30
	// maxReportDays is how many days a report may cover.
	maxReportDays = 3 * 366
)

// period is the days of a report, and as many before them to compare with.
type period struct {
	From       time.Time `json:"from"`
	To         time.Time `json:"to"`
	BeforeFrom time.Time `json:"before_from"`
	BeforeTo   time.Time `json:"before_to"`
}

// days is the number of days.
func (p period) days() int { return int(p.To.Sub(p.From)/(24*time.Hour)) + 1 }

// readPeriod reads the days that a report is asked for by the parameters from and to, by default
// the last 30 days. If they are the wrong way round they are swapped.
func readPeriod(listing *adminui.Listing, now time.Time) (p period, err error) {
	today := now.UTC().Truncate(24 * time.Hour)
	if p.From, p.To, err = listing.Days(); err != nil {
		return p, err
	}

	if p.To.IsZero() {
		if p.To = today; p.From.After(today) {
			p.To = p.From
		}
	}
	if usual := today.AddDate(0, 0, 1-usualDays); p.From.IsZero() {
		if p.From = usual; p.To.Before(usual) {
			p.From = p.To.AddDate(0, 0, 1-usualDays)
		}
	}

	switch {
	case p.From.Year() < 2000 || p.To.Year() > 2999:
		return p, noPeriod("from", "A report covers days between the years 2000 and 2999.")
	case p.days() > maxReportDays:
		return p, noPeriod("to", "A report covers at most three years.")
	}

	p.BeforeTo = p.From.AddDate(0, 0, -1)
	p.BeforeFrom = p.From.AddDate(0, 0, -p.days())
	return p, nil
}

// noPeriod refuses days that a report cannot cover.
func noPeriod(parameter, why string) error {
	return &web.Error{Status: http.StatusBadRequest, Code: "bad-request", Parameter: parameter, Text: why}
}

const dayText = "2 Jan 2006"

// comparedText names the period before.
func (p period) comparedText() string {
	if p.days() == 1 {
		return "Before: " + p.BeforeTo.Format(dayText)
	}
	return "Before: " + p.BeforeFrom.Format("2 Jan") + " to " + p.BeforeTo.Format(dayText)
}

// picker offers other days, and keeps how the report is sorted.
func (p period) picker(listing adminui.Listing, path string, now time.Time) adminui.Period {
	today := now.UTC().Truncate(24 * time.Hour)
	view := adminui.Period{Path: path, From: p.From, To: p.To, Compared: p.comparedText(), Problems: listing.Problems}
	for _, ready := range []struct {
		title    string
		from, to time.Time
	}{
		{"Today", today, today},
		{"7 days", today.AddDate(0, 0, -6), today},
		{"30 days", today.AddDate(0, 0, -29), today},
		{"90 days", today.AddDate(0, 0, -89), today},
		{"12 months", today.AddDate(-1, 0, 1), today},
	} {
		view.Ready = append(view.Ready, adminui.Tab{
			Title:  ready.title,
			Active: p.From.Equal(ready.from) && p.To.Equal(ready.to),
			To:     listing.With("from", ready.from.Format(time.DateOnly), "to", ready.to.Format(time.DateOnly)),
		})
	}
	return view
}

// tabs lead to the other pages of a kind, for the same days if these were chosen.
func tabs(listing adminui.Listing, list []tabTo, current string) []adminui.Tab {
	var out []adminui.Tab
	for _, t := range list {
		to := t.path
		if from, until := listing.Chosen["from"], listing.Chosen["to"]; from != "" && until != "" {
			to += "?from=" + from + "&to=" + until
		}
		out = append(out, adminui.Tab{Title: t.title, To: to, Count: -1, Active: t.path == current})
	}
	return out
}

// bucket is how many days go into one bar, so that a chart has at most about a hundred.
func (p period) bucket() int {
	switch {
	case p.days() <= 100:
		return 1
	case p.days() <= 7*100:
		return 7
	}
	return 30
}

// points are the values of a measure for each bar, with those of the period before.
func (p period) points(now, before []dayTotals, measure func(totals) int64) []adminui.Point {
	size := p.bucket()
	var list []adminui.Point
	for i := 0; i < len(now); i += size {
		point := adminui.Point{Label: now[i].Day.UTC().Format("2 Jan")}
		if p.days() > 300 {
			point.Label = now[i].Day.UTC().Format("2 Jan 06")
		}
		for j := i; j < min(i+size, len(now)); j++ {
			point.Value += measure(now[j].totals)
			if j < len(before) {
				point.Before += measure(before[j].totals)
			}
		}
		list = append(list, point)
	}
	return list
}
