package mailer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Staff see why a mail was not sent, have it sent again, or drop it with a note; each act is on record.
func TestStaffSeeToParkedMails(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	s.outbox = bus.NewOutbox(e.broker.Bus("mailer"), e.pool)
	e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, state, deadline, created_at, done_at, reason, smtp_reply)
		SELECT 'welcome:' || n, 'welcome', '{}', ARRAY[$1], 'm' || n, 'parked', now(), now(), now(), 'refused', '550 <i>no</i>'
		FROM generate_series(1, 3) AS n`, s.hash("ann@mail.example.com"))
	server := httptest.NewServer(testenv.Mount(t, "mailer", s.staffPages(), s.routes()))
	t.Cleanup(server.Close)
	staff := (&testenv.Client{TB: t, URL: server.URL}).AsStaff("mailer", adminui.Support)
	staff.Garbage(s.staffPages(), map[string]string{"id": "1"}, "id", "note")
	staff.Get("/staff/mails").Has(200, "550 &lt;i&gt;no&lt;/i&gt;", `href="/mails/1"`, "Send again")
	staff.Get("/staff/mails/1").Has(200, "welcome:1", "Drop it")
	for path, want := range map[string]int{"/1/send": 303, "/2/drop": 422, "/9/send": 404, "/x/drop": 404, "/send": 400} {
		if a := staff.Post("/staff/mails" + path); a.Status != want {
			t.Errorf("%s: %s", path, a)
		}
	}
	if a := staff.Post("/staff/mails/1/send"); a.Status != http.StatusConflict {
		t.Error(a)
	}
	if a := staff.Post("/staff/mails/2/drop", "note", "He called."); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	if a := staff.Post("/staff/mails/send", "id", "2", "id", "3"); a.Status != http.StatusSeeOther {
		t.Error(a)
	}
	kinds, err := s.work(t.Context(), adminui.WorkShown)
	if err != nil || len(kinds) != 1 || kinds[0].Count != 0 {
		t.Errorf("work %+v, %v", kinds, err)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.mailer'`); n != 4 {
		t.Errorf("%d acts on record", n)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE convert_from(payload, 'UTF8') LIKE '%He called.%'`); n != 0 {
		t.Error("a note is in the log of acts, which no erasure reaches")
	}
	trail, err := s.trail(t.Context(), []string{"ANN@mail.example.com"})
	if err != nil || len(trail.Hops) < 3 || !strings.Contains(strings.Join(trail.Keys, " "), "mail.sent:welcome:2") {
		t.Errorf("trail %+v, %v", trail, err)
	}
}
