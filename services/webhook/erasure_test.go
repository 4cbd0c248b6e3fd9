package webhook

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// An export has every event that names the person, whatever their bodies hold, and is empty for
// others.
func TestExportSurvivesWhatPostgreSQLCannotRead(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "webhook", Migrations()...)
	payloads := []string{
		`{"id":"evt_0","email":"ann@mail.example.com","name":"A\u0000nn"}`,
		`{"id":"evt_1","email":"ann@mail.example.com","name":"A\ud800"}`,
		`{"id":"evt_2","email":"ann@mail.example.com","name":"\udc00\ud83d"}`,
		"{\"id\":\"evt_3\",\"email\":\"ann@mail.example.com\",\"name\":\"\xff\xfe\"}",
		`ann@mail.example.com is not JSON`,
		`{"id":"evt_5","email":"ann@mail.example.com","name":"Ann"}`,
	}

	for i, payload := range payloads {
		if _, err := pool.Exec(t.Context(), `INSERT INTO event (id, type, received, payload) VALUES ('evt_' || $1::int, 'x', now() + `+
			`$1::int * interval '1 second', $2)`, i, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}

	raw, err := ExportEvents(t.Context(), pool, erasure.Person{Emails: []string{"Ann@mail.example.com"}})
	if err != nil {
		t.Fatal(err)
	}

	var got struct {
		Events []struct {
			ID      string
			Type    string
			Payload json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil || len(got.Events) != len(payloads) {
		t.Fatalf("%d events, %v: %s", len(got.Events), err, raw)
	}

	for i, e := range got.Events {
		want := strings.ToValidUTF8(payloads[i], "\ufffd")
		if i == 4 {
			want = `"` + want + `"`
		}
		if e.ID == "" || e.Type != "x" || string(e.Payload) != want {
			t.Errorf("event %d is exported as %s %s, want %s", i, e.ID, e.Payload, want)
		}
	}

	if raw, err = ExportEvents(t.Context(), pool, erasure.Person{Emails: []string{"bob@mail.example.com"}}); err != nil ||
		string(raw) != `{"events":[]}` {
		t.Errorf("a person without events: %s, %v", raw, err)
	}
}
