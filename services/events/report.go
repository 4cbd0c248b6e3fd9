package events

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/printout"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// configuration tells edge what it hands to pages.
func (s *server) configuration(w http.ResponseWriter, r *http.Request) error {
	c, err := readConfiguration(r.Context(), s.pool)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}

// summary is the report for staff: visits and orders by day, the pages most seen, the calls that
// failed most, what mails and ads brought.
func (s *server) summary(w http.ResponseWriter, r *http.Request) error {
	days, err := askedDays(r, summaryDays, mostSummaryDays)
	if err != nil {
		return err
	}
	report, err := readSummary(r.Context(), s.pool, days)
	if err != nil {
		return err
	}
	raw, err := json.Marshal(report)
	if err != nil {
		return fmt.Errorf("marshal a report: %w", err)
	}
	return web.RawJSON(w, http.StatusOK, printout.JSON(raw)) // staff read it in a terminal
}

// tableRows is a table of what browsers reported, the last days of it, as CSV.
func (s *server) tableRows(w http.ResponseWriter, r *http.Request) error {
	table, ok := listed[chi.URLParam(r, "table")]
	if !ok {
		return web.NotFound()
	}
	days, err := askedDays(r, tableDays, mostDays)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", "attachment; filename="+chi.URLParam(r, "table")+".csv")
	w.Header().Set("Cache-Control", "no-store")
	return table.write(r.Context(), s.pool, days, printout.NewList(w))
}

// How far back a report and a list reach unless told otherwise, and at most, in days.
const (
	summaryDays, mostSummaryDays = 30, 366
	tableDays, mostDays          = 366, 3660
)

func askedDays(r *http.Request, without, most int) (int, error) {
	q, err := web.Query(r)
	if err != nil {
		return 0, err
	}
	text, ok := q.Lookup("days")
	if !ok {
		return without, nil
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 1 || days > most {
		return 0, web.BadRequest("days")
	}
	return days, nil
}
