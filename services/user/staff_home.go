package user

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// guideSteps are user's steps in the guide to setting a shop up.
func (s *server) guideSteps(r *http.Request) ([]adminui.GuideStep, error) {
	if !adminui.Who(r).May(adminui.SettingsView) {
		return nil, nil
	}
	own, err := publishedTerms(r.Context(), s.pool)
	return []adminui.GuideStep{{Place: 7, Title: "Publish your terms of use", Text: "Version 1 belongs to the sample " +
		"shop. " +
		"Write your own privacy and returns pages, too: docs/make-it-yours.md.", Done: own, To: "/terms"}}, err
}
