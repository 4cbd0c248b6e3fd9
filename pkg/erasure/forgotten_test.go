package erasure_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

func TestForget(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "user", bus.Tables())
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		err := bus.Enqueue(t.Context(), tx, msg.Message{Key: "a", Subject: "mail.send.verify", Payload: map[string]string{"to": "Ann@mail.example.com"}},
			msg.Message{Key: "b", Subject: "mail.send.verify", Payload: map[string]string{"to": "bob@mail.example.com"}})
		if err != nil {
			return err
		}
		return erasure.Forget(t.Context(), tx, msg.Erased{Emails: []string{"ann@mail.example.com", ""}, Codes: []string{"Code1"}})
	})
	if err != nil {
		t.Fatal(err)
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(key, ',') FROM outbox`).Scan(&left); err != nil || left != "b" {
		t.Errorf("left %q, %v; want b", left, err)
	}
}
