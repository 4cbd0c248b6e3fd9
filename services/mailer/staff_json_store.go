package mailer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// listLimit bounds the lists for staff.
const listLimit = 500

// listedMail is a mail that was not sent: one that needs a human, or one that the ceiling held back.
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

// listMails lists the newest mails in a state that ends them.
func listMails(ctx context.Context, pool *pgxpool.Pool, state string) ([]listedMail, error) {
	rows, err := pool.Query(ctx, `
		SELECT id, key, kind, coalesce(reason, '') AS reason, smtp_reply, attempts, maybe,
		  payload IS NOT NULL AS retryable, created_at, done_at FROM delivery
		WHERE state = $2 ORDER BY id DESC LIMIT $1`, listLimit, state)
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

// parkedMessage is a message that never became a mail.
type parkedMessage struct {
	ID       int64  `json:"id"`
	Consumer string `json:"consumer"`
	Key      string `json:"key"`
	Subject  string `json:"subject"`
	Reason   string `json:"reason"`
}

func listParkedMessages(ctx context.Context, pool *pgxpool.Pool) ([]parkedMessage, error) {
	list, err := pg.List[parkedMessage](ctx, pool, "list parked messages", `
		SELECT id, consumer, key, subject, reason FROM parked WHERE resolved_at IS NULL ORDER BY id DESC LIMIT $1`,
		listLimit)
	if err != nil {
		return nil, err
	}
	return append([]parkedMessage{}, list...), nil
}

// requeue makes a parked or suppressed mail due again for three days; what may have been taken is asked
// about first, as always.
func requeue(ctx context.Context, db pg.DB, id int64) (bool, error) {
	return pg.ExecOne(ctx, db, "requeue mail $1", `
		UPDATE delivery SET state = 'queued', next_at = now(), deadline = now() + interval '72 hours', refusals = 0,
		  outage = false, done_at = NULL, reason = NULL, seen_at = NULL, seen_by = NULL, note = NULL,
			left_out = CASE WHEN state = 'suppressed' THEN '{}' ELSE left_out END
		WHERE id = $1 AND state IN ('parked', 'suppressed') AND payload IS NOT NULL`, id)
}
