package events

import (
	"net/http"

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

// How far back the commands' report and lists reach unless told otherwise, and at most, in days.
const (
	summaryDays, maxSummaryDays = 30, 366
	tableDays, maxDays          = 366, 3660
)
