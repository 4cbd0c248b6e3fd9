package mailer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// leaseTTL is how long other senders leave a claimed mail alone. No running sender takes longer:
// asking whether it was accepted (5 s), dialling twice (2 × 20 s), sending (30 s). A sender that
// does because the database is unavailable writes its result before others claim again
// (awaitDatabase).
const leaseTTL = 2 * time.Minute

const (
	// claimTimeout bounds a claim. A later answer does not count.
	claimTimeout = 10 * time.Second
	// orphanAfter is how old a claim of this process is before the process takes the mail for an
	// orphan if none of its senders has it: the connection broke between the database's commit and
	// its answer.
	orphanAfter = claimTimeout + 5*time.Second
)

// deliveriesEffect inserts commands into the ledger; an existing key stays as it is. Mails to
// people who were erased in the meantime are left out: those to members by id, because another
// person may have the address, too.
func deliveriesEffect(list []newDelivery) *bus.Effect {
	rows := make([]deliveryRow, len(list))
	payloads := make([][]byte, len(list)) // separate from rows, since JSON would have to encode them
	for i, d := range list {
		rows[i], payloads[i] = d.row(), d.payload
	}

	return &bus.Effect{What: "store mails", Args: []any{rows, payloads}, SQL: `
		mails AS (
		  INSERT INTO delivery (
		    key, kind, message_id, prospect_code, to_hashes, left_out, state, done_at, payload,
		    member_id, newsletter_id, order_identifier, created_at, deadline, next_at)
		  SELECT key, kind, message_id, nullif(code, ''), to_hashes, left_out, state,
		    CASE WHEN state = 'queued' THEN NULL ELSE now() END, payload,
		    nullif(member, 0), nullif(newsletter, 0), nullif("order", ''), created_at, deadline, coalesce(due, now())
		  FROM ROWS FROM (
		    jsonb_to_recordset($3::jsonb) AS (
		      key text, kind text, message_id text, code text, to_hashes text[], left_out text[], state text,
		      member bigint, newsletter bigint, "order" text, created_at timestamptz, deadline timestamptz,
		      due timestamptz, marks text[]),
		    unnest($4::bytea[])
		  ) AS n (
		    key, kind, message_id, code, to_hashes, left_out, state,
		    member, newsletter, "order", created_at, deadline, due, marks, payload)
		  JOIN fresh USING (key)
		  WHERE NOT EXISTS (SELECT FROM unnest(marks) AS mark
		    WHERE ` + erasure.ForgottenSince("mark", "CASE WHEN member <> 0 THEN '-infinity' ELSE created_at END") + `)
		  ON CONFLICT (key) DO NOTHING
		)`}
}

// insertDeliveries is deliveriesEffect as a part of a transaction.
func insertDeliveries(ctx context.Context, tx pgx.Tx, list []newDelivery) error {
	keys := make([]string, len(list))
	for i, d := range list {
		keys[i] = d.key
	}
	return deliveriesEffect(list).Apply(ctx, tx, keys...)
}

func (d newDelivery) row() deliveryRow {
	r := deliveryRow{
		Key:        d.key,
		Kind:       d.kind,
		MessageID:  d.messageID,
		Code:       d.prospectCode,
		ToHashes:   []string{},
		LeftOut:    append([]string{}, d.leftOut...),
		State:      d.state,
		Member:     d.memberID,
		Newsletter: d.newsletter,
		Order:      pg.StorableText(d.order, 0),
		CreatedAt:  d.createdAt,
		Deadline:   d.deadline,
		Due:        d.due,
		Marks:      []erasure.HexHash{},
	}

	for _, one := range d.receivers {
		r.ToHashes = append(r.ToHashes, one.hash)
	}
	if d.memberID != 0 {
		r.Marks = append(r.Marks, erasure.Hash(erasure.MemberKey(d.memberID)))
		return r
	}

	for _, address := range d.addresses {
		r.Marks = append(r.Marks, erasure.Hash(address))
	}
	return r
}

// deliveryRow is a new row as it is sent to the database, beside its payload: unnest would flatten
// arrays of arrays.
type deliveryRow struct {
	Key        string            `json:"key"`
	Kind       string            `json:"kind"`
	MessageID  string            `json:"message_id"`
	Code       string            `json:"code"`
	ToHashes   []string          `json:"to_hashes"`
	LeftOut    []string          `json:"left_out"`
	State      string            `json:"state"`
	Member     int64             `json:"member"`
	Newsletter int64             `json:"newsletter"`
	Order      string            `json:"order"` // the order's identifier
	CreatedAt  time.Time         `json:"created_at"`
	Deadline   time.Time         `json:"deadline"`
	Due        time.Time         `json:"due,omitzero"`
	Marks      []erasure.HexHash `json:"marks"` // hashes under which an erased receiver would be listed
}

// delivery is a claimed row.
type delivery struct {
	ID           int64
	Key          string
	Kind         string
	Payload      []byte
	Written      []byte // see content
	MessageID    string
	Attempts     int
	Refusals     int
	WasMaybeSent bool
	More         bool // more mails are due
	MemberID     *int64
	ProspectCode *string
	LeftOut      []string
	NewsletterID *int64
	CreatedAt    time.Time
	Deadline     time.Time
}

// dueSQL selects the longest due mail that meets a condition.
func dueSQL(condition string) string {
	return `
			SELECT id, maybe FROM delivery
			WHERE state = 'queued' AND ` + condition + ` AND (next_at <= now() OR ($4 AND outage)) AND NOT id = ANY($3)
			  AND (claimed_until IS NULL OR claimed_until < now()
			    OR (claimed_by = $1 AND claimed_until < now() + $2::interval - $5::interval))
			ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED`
}

// claim leases one due mail to this process, or returns nil. Mails to single people come before
// newsletters. With deferred, mails that were put off while the server refused everything count as
// due. Mails in flight in this process are excluded, whatever their lease. From here on the row is
// marked maybe, until a definite refusal is written.
func claim(ctx context.Context, pool *pgxpool.Pool, slot int, inFlight []int64, deferred bool) (*delivery, error) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, claimTimeout)
	defer cancel()
	d, found, err := pg.One[delivery](ctx, pool, "claim a mail", `
		WITH single AS (`+dueSQL("newsletter_id IS NULL")+`),
		     many AS (`+dueSQL("newsletter_id IS NOT NULL AND NOT EXISTS (SELECT FROM single)")+`),
		     chosen AS (SELECT * FROM single UNION ALL SELECT * FROM many)
		UPDATE delivery d SET claimed_by = $1, claimed_until = now() + $2, attempts = attempts + 1, maybe = true
		FROM chosen c WHERE d.id = c.id
		RETURNING d.id, d.key, d.kind, d.payload, d.written, d.message_id, d.attempts, d.refusals,
		  c.maybe AS was_maybe_sent, d.member_id, d.prospect_code, d.left_out, d.newsletter_id,
		  d.created_at, d.deadline,
		  EXISTS (SELECT FROM delivery o
		    WHERE o.state = 'queued' AND (o.next_at <= now() OR ($4 AND o.outage))
		      AND o.claimed_until IS NULL AND o.id <> d.id) AS more`,
		slot, leaseTTL, inFlight, deferred, orphanAfter)
	if err != nil || !found {
		return nil, err // nil: no mail is due
	}
	// If this process was stopped in the meantime, others may take the mail for an orphan.
	if time.Since(began) > claimTimeout {
		return nil, fmt.Errorf("claim a mail: %w", context.DeadlineExceeded)
	}
	return &d, nil
}

// anyDue reports whether there is a mail to claim.
func anyDue(ctx context.Context, pool *pgxpool.Pool, deferred bool) (bool, error) {
	return pg.Get[bool](ctx, pool, "find a mail that is due", `
		SELECT EXISTS (SELECT FROM delivery
		  WHERE state = 'queued' AND (next_at <= now() OR ($1 AND outage))
		    AND (claimed_until IS NULL OR claimed_until < now()))`, deferred)
}

// updateWritten stores the text of a claimed mail, unless another sender has overtaken this
// attempt.
func updateWritten(ctx context.Context, pool *pgxpool.Pool, d *delivery, data []byte, subject string) (bool, error) {
	return pg.ExecOne(ctx, pool, "update the text of a mail", `
		UPDATE delivery SET written = $3, subject = $4 WHERE id = $1 AND state = 'queued' AND attempts = $2`,
		d.ID, d.Attempts, data, subject)
}

// markSent marks a mail sent, and publishes that if the mail was still queued. It needs no token:
// it does not matter which sender holds the row now. taken are the hashes of the addresses that the
// server accepted: they no longer count as bounced, unless a report came later.
func markSent(ctx context.Context, outbox *bus.Outbox, d *delivery, reply string, taken []string,
	done msg.MailDone) error {
	_, err := outbox.Change(ctx, "mark a mail sent", `done AS (
		  UPDATE delivery SET state = 'sent', done_at = now(), maybe = false, outage = false,
		    claimed_by = NULL, claimed_until = NULL, smtp_reply = $2, em_cd = nullif($3, '')
		  WHERE id = $1 AND state = 'queued' RETURNING id, newsletter_id
		), back AS (DELETE FROM bounced WHERE hash = ANY($4::text[]) AND NOT late)`+d.countedSQL(`'accepted'`),
		[]any{d.ID, reply, done.EmailCode, taken},
		msg.Message{Key: "mail.sent:" + d.Key, Subject: msg.MailSentSubject, Payload: done})
	return err
}

// markParked ends a mail that cannot be sent and publishes that, unless another sender has
// overtaken this attempt.
func markParked(ctx context.Context, outbox *bus.Outbox, d *delivery, reply string, maybeSent bool,
	done msg.MailDone) error {
	_, err := outbox.Change(ctx, "mark a mail parked", `done AS (
		  UPDATE delivery SET state = 'parked', done_at = now(), claimed_by = NULL, claimed_until = NULL,
		    smtp_reply = $3, reason = $4, maybe = $5
		  WHERE id = $1 AND state = 'queued' AND attempts = $2 RETURNING id, newsletter_id, smtp_reply)`+
		d.countedSQL(failedAsSQL),
		[]any{d.ID, d.Attempts, reply, done.Reason, maybeSent},
		msg.Message{Key: parkedKey(d), Subject: msg.MailParkedSubject, Payload: done})
	return err
}

// deleteUnwanted deletes a mail that is no longer wanted, unless another sender has overtaken this
// attempt.
func deleteUnwanted(ctx context.Context, pool *pgxpool.Pool, d *delivery) error {
	return pg.Exec(ctx, pool, "delete an unwanted mail", `
		WITH gone AS (
		  DELETE FROM delivery WHERE id = $1 AND state = 'queued' AND attempts = $2
		  RETURNING id, newsletter_id
		)`+countingSQL(`SELECT id, newsletter_id, 'dropped', 1 FROM gone`), d.ID, d.Attempts)
}

// retryPlan says how a claimed mail that was not sent is tried again.
type retryPlan struct {
	after     time.Duration
	refused   bool // lengthens the next delay
	outage    bool
	maybeSent bool
	reply     string
}

// reschedule gives a claimed mail back, due again later but never after its deadline.
func reschedule(ctx context.Context, pool *pgxpool.Pool, d *delivery, p retryPlan) error {
	return pg.Exec(ctx, pool, "reschedule a mail", `
		UPDATE delivery SET next_at = greatest(now(), least(now() + $3, deadline)), refusals = refusals + $4::int,
		  outage = $5, maybe = $6, smtp_reply = $7, claimed_by = NULL, claimed_until = NULL
		WHERE id = $1 AND state = 'queued' AND attempts = $2`, d.ID, d.Attempts, p.after, boolToInt(p.refused),
		p.outage, p.maybeSent, p.reply)
}

func boolToInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// makeDeferredDue makes the mails due that were put off while the server refused everything.
func makeDeferredDue(ctx context.Context, pool *pgxpool.Pool) error {
	return pg.Exec(ctx, pool, "make deferred mails due", `
		UPDATE delivery SET next_at = now(), outage = false WHERE state = 'queued' AND outage AND claimed_by IS NULL`)
}

// freeLeases ends the leases of a slot whose owner is gone.
func freeLeases(ctx context.Context, pool *pgxpool.Pool, slot int) (int64, error) {
	return pg.ExecRows(ctx, pool, "free the leases of slot $1", `
		UPDATE delivery SET claimed_by = NULL, claimed_until = NULL, next_at = least(next_at, now())
		WHERE state = 'queued' AND claimed_by = $1`, slot)
}

func countQueued(ctx context.Context, pool *pgxpool.Pool) (n int, err error) {
	return pg.Get[int](ctx, pool, "count queued mails", `SELECT count(*) FROM delivery WHERE state = 'queued'`)
}

// clearContent clears the personal content of mails 30 days after they were sent, 7 days after they
// were suppressed and 90 days after they were parked.
func clearContent(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	return pg.ExecRows(ctx, pool, "clear the content of old mails", `
		UPDATE delivery SET payload = NULL, smtp_reply = NULL, written = NULL, subject = NULL
		WHERE payload IS NOT NULL AND (
		  state = 'sent' AND done_at < now() - interval '30 days'
		  OR state = 'suppressed' AND done_at < now() - interval '7 days'
		  OR state = 'parked' AND done_at < now() - interval '90 days')`)
}
