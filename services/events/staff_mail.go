package events

import (
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/money"
)

// mailFigures is what the links of a newsletter or another mail with a code brought. Sales are
// cents.
type mailFigures struct {
	Clicks int64       `json:"clicks"`
	Visits int64       `json:"visits"`
	Orders int64       `json:"orders"`
	Sales  money.Cents `json:"sales"`
}

// mailPanel shows these figures as a part of a campaign's page.
type mailPanel struct {
	mailFigures
	Facts []adminui.Detail `json:"-"`
	Code  string           `json:"code"`
}

// staffMailFigures shows what the links with a mail's code brought.
func (s *server) staffMailFigures(r *http.Request) (adminui.Answer, error) {
	code := adminui.Param(r, "code")
	f, err := readMailFigures(r.Context(), s.pool, code)
	facts := []adminui.Detail{{Label: "Clicks", Value: f.Clicks}, {Label: "Visits", Value: f.Visits},
		{Label: "Orders", Value: f.Orders}, {Label: "Sales", Value: f.Sales}}
	return adminui.Page{
		Title:    "What its links brought",
		Template: "mail-figures.html",
		Data:     mailPanel{mailFigures: f, Facts: facts, Code: code},
	}, err
}
