package mailer

import (
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// parkedMails lists what needs a human, newest first. Receivers and content stay in the ledger.
func (s *service) parkedMails(w http.ResponseWriter, r *http.Request) error {
	mails, err := listParked(r.Context(), s.pool)
	if err != nil {
		return err
	}
	messages, err := listParkedMessages(r.Context(), s.pool)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, map[string]any{"mails": mails, "messages": messages})
}

// retryParked has a parked mail tried again, with a deadline of its own.
func (s *service) retryParked(w http.ResponseWriter, r *http.Request) error {
	id, err := strconv.ParseInt(chi.URLParam(r, "id"), 10, 64)
	if err != nil {
		return web.NotFound()
	}
	ok, err := requeue(r.Context(), s.pool, id)
	if err != nil {
		return err
	}
	if !ok {
		return web.NotFound()
	}
	s.wakeSender()
	s.log.Info("parked mail is tried again", "id", id)
	return web.JSON(w, http.StatusOK, map[string]bool{"queued": true})
}
