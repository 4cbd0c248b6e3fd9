package events

import (
	"bytes"
	"encoding/csv"
	"errors"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// Exported tables are safe to open in a spreadsheet or a terminal, and arguments that make no sense
// are refused.
func TestExportedTables(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.start()

	e.Exec(`
		INSERT INTO page_view (event_id, url, page_width, remote_addr, user_agent, at) VALUES
			('old', '/old', 1, NULL, NULL, now() - interval '400 days'),
			('a', '=HYPERLINK("//evil")', 390, '203.0.113.9', E'@cmd\x1b[2J', now())`)
	e.Exec(`
		WITH a AS (INSERT INTO call_error (event_id, url, error_id, at) VALUES ('e', '/e', '+1', now())),
		     b AS (INSERT INTO click (event_id, url, button_id, at) VALUES ('b', '/b', '-1+1', now()))
		INSERT INTO arrival (event_id, url, email_id, at)
		SELECT 'l', '/l', id, now() FROM email_code WHERE em_cd = 'A1jAqhMyLVpBVgxjuknq'`)

	for path, want := range map[string][]string{
		"pageview":     {"'=HYPERLINK(\"//evil\")", "", "", "390", "203.0.113.9", "'@cmd\ufffd[2J"},
		"ajax_error":   {"/e", "", "", "'+1"},
		"button_click": {"/b", "", "", "'-1+1"},
		"link_event":   {"/l", "", "", "", "A1jAqhMyLVpBVgxjuknq", ""},
	} {
		var out bytes.Buffer
		err := exportTables[path].write(t.Context(), e.pool, 366, printout.NewList(&out))
		rows, broken := csv.NewReader(&out).ReadAll()
		if err != nil || broken != nil || len(rows) != 2 || rows[0][0] != "at" || !slices.Equal(rows[1][1:], want) {
			t.Errorf("%s: %v, %v\n%q, want %q", path, err, broken, rows, want)
		}
	}

	for _, args := range [][]string{{"table"}, {"table", "member"}, {"table", "pageview", "-days", "0"},
		{"table", "pageview", "-days", "x"}} {
		if _, err := readCommand(args); !errors.Is(err, boot.ErrUsage) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
