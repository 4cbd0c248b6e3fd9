package admin

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// home is where a day begins.
func (s *server) home(*http.Request) (adminui.Answer, error) {
	return adminui.Page{Title: "Home", Template: "home.html"}, nil
}
