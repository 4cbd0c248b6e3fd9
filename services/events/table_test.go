package events

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
)

func TestTablesForStaff(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.start()
	e.Exec(`
		INSERT INTO page_view (event_id, url, page_width, remote_addr, user_agent, at) VALUES
			('old', '/old', 1, NULL, NULL, now() - interval '40 days'),
			('a', '=HYPERLINK("//evil")', 390, '203.0.113.9', E'@cmd\x1b[2J', now())`)
	e.Exec(`
		WITH a AS (INSERT INTO call_error (event_id, url, error_id, at) VALUES ('e', '/e', '+1', now())),
		  b AS (INSERT INTO click (event_id, url, button_id, at) VALUES ('b', '/b', '-1', now()))
		INSERT INTO arrival (event_id, url, email_id, at) SELECT 'l', '/l', id, now() FROM email_code
		  WHERE em_cd = 'A1jAqhMyLVpBVgxjuknq'`)
	for path, want := range map[string][]string{
		"pageview?days=30": {"'=HYPERLINK(\"//evil\")", "", "", "390", "203.0.113.9", "'@cmd\ufffd[2J"},
		"ajax_error":       {"/e", "", "", "'+1"},
		"button_click":     {"/b", "", "", "'-1"},
		"link_event":       {"/l", "", "", "", "A1jAqhMyLVpBVgxjuknq", ""},
	} {
		a := e.staff().Get("/staff/tables/" + path)
		rows, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
		if a.Status != 200 || err != nil || len(rows) != 2 || rows[0][0] != "at" || !slices.Equal(rows[1][1:], want) {
			t.Errorf("%s: %d %v\n%q, want %q", path, a.Status, err, rows, want)
		}
	}
	for path, want := range map[string]int{"member": 404, "pageview%3B": 404, "pageview?days=0": 400, "pageview?days=x": 400} {
		if a := e.staff().Get("/staff/tables/" + path); a.Status != want {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
	}
}
