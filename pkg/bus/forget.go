package bus

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// ForgetPeople deletes what mentions an erased person from a service's outbox and parked rows, and
// notes whom the service forgot (see Forgotten). Receivers of msg.Erased call it in their
// transaction. Of a parked event of Stripe the row stays, empty: there is money behind it, and its
// key is Stripe's.
func ForgetPeople(ctx context.Context, tx pgx.Tx, e msg.Erased) error {
	var hashes [][]byte
	for _, key := range forgetKeys(e) {
		hashes = append(hashes, ForgottenHash(key))
	}
	at := e.At
	if at.IsZero() {
		at = time.Now()
	}
	_, err := tx.Exec(ctx, `
		INSERT INTO forgotten (hash, at) SELECT DISTINCT hash, $2::timestamptz FROM unnest($1::bytea[]) AS n (hash) ORDER BY hash
		ON CONFLICT (hash) DO UPDATE SET at = greatest(forgotten.at, excluded.at)`, hashes, at.UTC())
	if err != nil {
		return fmt.Errorf("note whom to forget: %w", err)
	}
	waiting, err := mentioning(ctx, tx, e, `
		SELECT seq AS id, subject, payload FROM outbox
		WHERE subject <> '`+msg.UserErased+`' AND (subject LIKE 'dead.%' OR EXISTS (SELECT FROM unnest($1::text[]) AS n (needle) WHERE position(encode(convert_to(needle, 'UTF8'), 'escape') IN lower(encode(payload, 'escape'))) > 0))`)
	if err != nil {
		return fmt.Errorf("look for messages about a person: %w", err)
	}
	parked, err := mentioning(ctx, tx, e, `
		SELECT id, subject, payload FROM parked
		WHERE EXISTS (SELECT FROM unnest($1::text[]) AS n (needle) WHERE position(encode(convert_to(needle, 'UTF8'), 'escape') IN lower(encode(payload, 'escape'))) > 0)`)
	if err != nil {
		return fmt.Errorf("look for parked messages about a person: %w", err)
	}
	batch := &pgx.Batch{}
	batch.Queue(`DELETE FROM outbox WHERE seq = ANY($1)`, waiting)
	batch.Queue(`UPDATE parked SET payload = '{}' WHERE id = ANY($1) AND subject LIKE 'stripe.%'`, parked)
	batch.Queue(`DELETE FROM parked WHERE id = ANY($1) AND subject NOT LIKE 'stripe.%'`, parked)
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("forget messages about a person: %w", err)
	}
	return nil
}

// mentioning runs a query of id, subject, payload that finds too much and returns the ids of what
// mentions the person.
func mentioning(ctx context.Context, tx pgx.Tx, e msg.Erased, sql string) ([]int64, error) {
	rows, err := tx.Query(ctx, sql, e.Needles())
	if err != nil {
		return nil, err
	}
	type row struct {
		ID      int64
		Subject string
		Payload []byte
	}
	var found []int64
	about := msg.Erased{Emails: e.Emails, Codes: e.Codes} // what waits for others with a bare id may go out
	_, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (row, error) {
		one, err := pgx.RowToStructByName[row](r)
		if err == nil && about.MentionedIn(one.Subject, one.Payload) {
			found = append(found, one.ID)
		}
		return row{}, err
	})
	return found, err
}

// Forgotten says when, if ever, this service was told to forget what keys stand for: addresses,
// codes, MemberKey, ProspectKey. A message that is older than that is about somebody who was erased
// while it was under way, and must bring nobody back.
func Forgotten(ctx context.Context, tx pgx.Tx, keys ...string) (map[string]time.Time, error) {
	byHash := make(map[string][]string, len(keys))
	var hashes [][]byte
	for _, key := range keys {
		if key == "" {
			continue
		}
		h := ForgottenHash(key)
		byHash[string(h)] = append(byHash[string(h)], key)
		hashes = append(hashes, h)
	}
	if len(hashes) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, `SELECT hash, at FROM forgotten WHERE hash = ANY($1)`, hashes)
	if err != nil {
		return nil, fmt.Errorf("look for erased people: %w", err)
	}
	found := map[string]time.Time{}
	var hash []byte
	var at time.Time
	_, err = pgx.ForEachRow(rows, []any{&hash, &at}, func() error {
		for _, key := range byHash[string(hash)] {
			found[key] = at
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look for erased people: %w", err)
	}
	return found, nil
}

// IsForgotten says whether what happened at a moment is about somebody erased since.
func IsForgotten(ctx context.Context, tx pgx.Tx, at time.Time, keys ...string) (bool, error) {
	found, err := Forgotten(ctx, tx, keys...)
	for _, forgotten := range found {
		if !at.After(forgotten) {
			return true, err
		}
	}
	return false, err
}

// MemberKey stands for a member among the keys of Forgotten.
func MemberKey(id int64) string { return idKey("member", id) }

// ProspectKey stands for a prospect among the keys of Forgotten.
func ProspectKey(id int64) string { return idKey("prospect", id) }

func idKey(kind string, id int64) string {
	if id == 0 {
		return ""
	}
	return kind + ":" + strconv.FormatInt(id, 10)
}

func forgetKeys(e msg.Erased) []string {
	var keys []string
	for _, list := range [][]string{{MemberKey(e.MemberID), ProspectKey(e.ProspectID)}, e.Emails, e.Codes} {
		for _, key := range list {
			if key != "" {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// ForgottenHash is what the table keeps of a key, for a statement that looks itself. Codes and addresses are compared without case.
func ForgottenHash(key string) []byte {
	sum := sha256.Sum256([]byte("forgotten:" + strings.ToLower(strings.TrimSpace(key))))
	return sum[:]
}
