package admin

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// exporting makes all owners, except an unavailable one, answer with a person's data once all have
// been called.
func exporting(t *testing.T, away string) func(*Config) {
	t.Helper()
	return func(c *Config) {
		var asked sync.WaitGroup
		urls := map[string]*string{"order": &c.OrderURL, "user": &c.UserURL, "events": &c.EventsURL,
			"mailer": &c.MailerURL, "webhook": &c.WebhookURL, "edge": &c.EdgeURL}

		for name, url := range urls {
			if name == away {
				continue
			}
			asked.Add(1)
			pages := adminui.Pages{Routes: []adminui.Route{{Method: "GET", Path: adminui.ExportPath,
				Action: adminui.CustomersExport, Handle: func(r *http.Request) (adminui.Answer, error) {
					asked.Done()
					all := make(chan struct{})
					go func() { asked.Wait(); close(all) }()
					select {
					case <-all:
					case <-r.Context().Done():
						return nil, fmt.Errorf("%s is asked by itself", name)
					}
					return adminui.Page{Data: map[string]any{"mails": r.URL.Query()["email"]}}, nil
				}}}}
			if name == "user" {
				pages.Routes = append(pages.Routes, adminui.Route{Method: "GET", Path: "/customers/{customer}/known",
					Action: adminui.CustomersExport, Handle: func(r *http.Request) (adminui.Answer, error) {
						if adminui.Param(r, "customer") != "member-1" {
							return nil, web.NotFound()
						}
						return adminui.Page{Data: erasure.Person{Emails: []string{"ann@mail.example.com"}}}, nil
					}})
			}
			server := httptest.NewServer(testenv.Mount(t, name, pages, http.NotFoundHandler()))
			t.Cleanup(server.Close)
			*url = server.URL
		}
	}
}

// An export asks all services at once and is recorded. A person who does not exist has none, and
// neither does anyone while a service is unavailable.
func TestExportOfACustomer(t *testing.T) {
	t.Parallel()
	for _, away := range []string{"", "webhook"} {
		e := newEnv(t, exporting(t, away))
		b := e.as(adminui.Manager)
		e.Exec(`UPDATE session SET fresh_until = now() + interval '5 minutes'`)
		began := time.Now()
		a := b.Post("/customers/member-1/export")
		if took := time.Since(began); took > exportTimeout/2 {
			t.Errorf("it took %s", took)
		}
		acts := e.Number(`SELECT count(*) FROM audit WHERE text = 'Exported member-1'`)
		if away != "" {
			a.Has(503, "Not available just now")
			if acts != 0 {
				t.Error("an export that was refused is on record")
			}
			continue
		}
		for _, owner := range []string{"order", "user", "events", "mailer", "webhook", "edge"} {
			a.Want("ann@mail.example.com", owner, "mails", "0")
		}
		if acts != 1 {
			t.Errorf("%d acts on record", acts)
		}
		b.Post("/customers/member-2/export").Has(404, "Page not found")
	}
}
