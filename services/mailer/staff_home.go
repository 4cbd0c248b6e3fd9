package mailer

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// guideSteps are mailer's steps of setting up a shop.
func (s *server) guideSteps(r *http.Request) ([]adminui.GuideStep, error) {
	if !adminui.Who(r).May(adminui.SettingsView) {
		return nil, nil
	}
	sent, err := everSent(r.Context(), s.pool)
	return []adminui.GuideStep{{Place: 6, Title: "Send mail",
		Text: "A test mail to the shop's own address shows whether mails leave.",
		Done: sent, To: "/mails", Test: &adminui.Command{Text: "Send a test mail", To: "/settings/guide/mail"}}}, err
}
