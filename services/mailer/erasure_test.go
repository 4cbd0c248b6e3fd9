package mailer

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestExportSurvivesWhatPostgreSQLCannotRead(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "mailer", Migrations()...)
	payloads := []string{`{"to":["ann@mail.example.com"],"data":{"first_name":"A\u0000nn"}}`,
		`{"to":["ann@mail.example.com"],"data":{"first_name":"\ud800"}}`, `{"to":["ann@mail.example.com"]}`}

	for _, payload := range payloads {
		if _, err := pool.Exec(t.Context(), `
			INSERT INTO delivery (key, kind, to_hashes, payload, message_id, deadline, created_at)
			VALUES (gen_random_uuid()::text, 'welcome', '{}', $1, gen_random_uuid()::text, now(), now())`, []byte(payload)); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := ExportMails(t.Context(), pool, erasure.Person{Emails: []string{"ann@mail.example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Recipients []any
		Deliveries []struct {
			Kind    string
			Payload json.RawMessage
		}
	}
	if err := json.Unmarshal(raw, &got); err != nil || got.Recipients == nil || len(got.Deliveries) != len(payloads) {
		t.Fatalf("%v: %s", err, raw)
	}

	for _, d := range got.Deliveries {
		if d.Kind != "welcome" || !slices.Contains(payloads, string(d.Payload)) {
			t.Errorf("exported: %s %s", d.Kind, d.Payload)
		}
	}
}
