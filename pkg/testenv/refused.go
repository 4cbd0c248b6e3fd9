package testenv

import (
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// Refused posts nothing, and then the first version of a row alone, to each form of a service's
// staff, as programs do: what is refused has to say why, as errors by field or as the text of one.
// parts are as in Faces; least is how many forms have to be refused with errors, so that the walk
// is about something. The client is a person who may do everything.
func (c *Client) Refused(pages adminui.Pages, least int, parts map[string]string) {
	c.TB.Helper()
	asked := *c
	asked.Handler = Mount(c.TB, c.Staff.Service, pages, http.NotFoundHandler())
	asked.Header = http.Header{"Accept": {"application/json"}}

	forms := 0
	for _, route := range pages.Routes {
		if route.Method != http.MethodPost {
			continue
		}
		refused := false
		for _, form := range [][]string{nil, {"version", "1"}} {
			path, _, _ := strings.Cut(pathOf(route, parts), "?")
			a := asked.Post(path, form...)
			switch {
			case a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusConflict:
				continue
			case a.At("error") != nil: // no form: a refusal in words
				continue
			}
			refused = true
			errs, _ := a.At("errors").(map[string]any)
			if len(errs) == 0 && a.Text("problem") == "" {
				c.TB.Errorf("%s %v does not say why: %s", path, form, a)
			}
		}
		if refused {
			forms++
		}
	}

	if forms < least {
		c.TB.Errorf("%d forms were refused with errors, want %d", forms, least)
	}
}
