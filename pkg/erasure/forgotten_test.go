package erasure_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Forget deletes the messages that mention the person from the outbox, and no others.
func TestForget(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "user", bus.Tables())
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		err := bus.Enqueue(t.Context(), tx, msg.Message{Key: "a", Subject: "mail.send.verify",
			Payload: map[string]string{"to": "Ann@mail.example.com"}},
			msg.Message{Key: "b", Subject: "mail.send.verify", Payload: map[string]string{"to": "bob@mail.example.com"}})
		if err != nil {
			return err
		}
		return erasure.Forget(t.Context(), tx, erasure.Person{Emails: []string{"ann@mail.example.com", ""}, Codes: []string{"Code1"}},
			time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
	var left string
	if err := pool.QueryRow(t.Context(), `SELECT string_agg(key, ',') FROM outbox`).Scan(&left); err != nil || left != "b" {
		t.Errorf("left %q, %v; want b", left, err)
	}
}

// Messages from before the erasure are about a person who is gone, later ones about a new one.
func TestForgottenKnowsEarlierMessages(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "user", bus.Tables())
	erased := time.Now().Truncate(time.Microsecond)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		return erasure.Forget(t.Context(), tx, erasure.Person{MemberIDs: []int64{7}, Emails: []string{"Ann@mail.example.com "}}, erased)
	})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		key  string
		at   time.Time
		want bool
	}{
		{"ANN@mail.example.com", erased, true},
		{"ann@mail.example.com", erased.Add(time.Microsecond), false},
		{erasure.MemberKey(7), erased.Add(-time.Hour), true},
		{erasure.ProspectKey(7), erased, false},
		{"", erased, false},
	} {
		if got, err := erasure.IsForgotten(t.Context(), pool, c.at, "", c.key); err != nil || got != c.want {
			t.Errorf("%q at %s: %t, %v", c.key, c.at, got, err)
		}
		var not bool
		if err := pool.QueryRow(t.Context(), `SELECT `+erasure.NotForgotten("$1"), erasure.Hash(c.key)).Scan(&not); err != nil {
			t.Fatal(err)
		}
		if known := c.want || c.key == "ann@mail.example.com"; not == known {
			t.Errorf("%q: the condition is %t", c.key, not)
		}
	}

	if _, err := pool.Exec(t.Context(), `UPDATE forgotten SET at = now() - interval '41 days' WHERE hash = $1`,
		erasure.Hash(erasure.MemberKey(7))); err != nil {
		t.Fatal(err)
	}
	if rows, err := erasure.PruneForgotten(t.Context(), pool); err != nil || rows != 1 {
		t.Errorf("%d rows were pruned, %v; want the old one", rows, err)
	}
}
