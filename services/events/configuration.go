package events

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// configuration tells edge which settings to hand to pages.
func (s *server) configuration(w http.ResponseWriter, r *http.Request) error {
	c, err := readConfiguration(r.Context(), s.pool)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, c)
}
