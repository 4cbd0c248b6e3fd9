package events

import (
	"net/http"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// configuration tells edge what it hands to pages.
func (s *service) configuration(w http.ResponseWriter, r *http.Request) error {
	c, err := readConfiguration(r.Context(), s.pool)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}

// summary is the report for staff: visits and orders by day, the pages most seen, the calls that
// failed most, what mails and ads brought.
func (s *service) summary(w http.ResponseWriter, r *http.Request) error {
	q, err := web.Query(r)
	if err != nil {
		return err
	}
	days := 30
	if text, ok := q.Lookup("days"); ok {
		if days, err = strconv.Atoi(text); err != nil || days < 1 || days > 366 {
			return web.BadRequest("days")
		}
	}
	report, err := readSummary(r.Context(), s.pool, days)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, report)
}
