package mailer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// listLimit bounds the lists for staff.
const listLimit = 500

// listedMail is a mail that was not sent: it was parked or the ceiling held it back.
type listedMail struct {
	ID        int64    `json:"id"`
	Key       string   `json:"key"`
	Kind      string   `json:"kind"`
	Reason    string   `json:"reason"`
	Reply     *string  `json:"smtp_reply"`
	Attempts  int      `json:"attempts"`
	Maybe     bool     `json:"maybe_sent"`
	Retryable bool     `json:"retryable"`
	CreatedAt web.Time `json:"created_at"`
	ParkedAt  web.Time `json:"parked_at"`
}

// listMails lists the newest mails in a final state.
func listMails(ctx context.Context, pool *pgxpool.Pool, state string) ([]listedMail, error) {
	rows, err := pool.Query(ctx, `
		SELECT id, key, kind, coalesce(reason, '') AS reason, smtp_reply, attempts, maybe,
		  payload IS NOT NULL AS retryable, created_at, done_at
		FROM delivery WHERE state = $2 ORDER BY id DESC LIMIT $1`, listLimit, state)
	if err != nil {
		return nil, fmt.Errorf("list %s mails: %w", state, err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p listedMail, err error) {
		var created, parked time.Time
		err = row.Scan(&p.ID, &p.Key, &p.Kind, &p.Reason, &p.Reply, &p.Attempts, &p.Maybe, &p.Retryable, &created,
			&parked)
		p.CreatedAt, p.ParkedAt = web.Time(created), web.Time(parked)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("list %s mails: %w", state, err)
	}
	return append([]listedMail{}, list...), nil
}
