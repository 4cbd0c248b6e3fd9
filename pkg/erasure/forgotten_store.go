package erasure

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Forget deletes what mentions a person from a service's outbox and parked messages, and notes that
// the service forgot them at that time, now if it is zero (see Forgotten). The row of a parked
// event of Stripe stays, empty: money depends on it, and its key is Stripe's.
func Forget(ctx context.Context, tx pgx.Tx, p Person, at time.Time) error {
	if at.IsZero() {
		at = time.Now()
	}
	err := pg.Exec(ctx, tx, "note whom to forget", `
		INSERT INTO forgotten (hash, at)
		SELECT DISTINCT hash, $2::timestamptz FROM unnest($1::bytea[]) AS n (hash) ORDER BY hash
		ON CONFLICT (hash) DO UPDATE SET at = greatest(forgotten.at, excluded.at)`, p.hashes(), at.UTC())
	if err != nil {
		return err
	}

	// A copy of a parked message holds it as base64.
	waiting, err := Mentioning[int64](ctx, tx, p, "look for messages about a person", `
		SELECT seq, subject, payload FROM outbox
		WHERE subject <> '`+msg.UserErased+`' AND (subject LIKE 'dead.%' OR `+InBytes("payload", "$1")+`)`)
	if err != nil {
		return err
	}
	parked, err := Mentioning[int64](ctx, tx, p, "look for parked messages about a person",
		`SELECT id, subject, payload FROM parked WHERE `+InBytes("payload", "$1"))
	if err != nil {
		return err
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

// PruneForgotten deletes erased people from the list whom no message can be about any longer. No
// stream but DEAD keeps a message for as long as this, and no one acts on DEAD.
func PruneForgotten(ctx context.Context, pool *pgxpool.Pool) (rows int64, err error) {
	return pg.InGroups(ctx, pool, "prune the list of erased people", `
		DELETE FROM forgotten WHERE ctid IN (
		  SELECT ctid FROM forgotten WHERE at < now() - interval '40 days' LIMIT $1)`)
}

// Forgotten says when, if ever, this service was told to forget the people of keys: addresses,
// codes, MemberKey, ProspectKey. An older message is about a person who was erased while it was
// under way, and must bring no one back.
func Forgotten(ctx context.Context, db pg.DB, keys ...string) (map[string]time.Time, error) {
	byHash := make(map[string][]string, len(keys))
	var hashes [][]byte
	for _, key := range keys {
		if key != "" {
			h := Hash(key)
			hashes = append(hashes, h)
			byHash[string(h)] = append(byHash[string(h)], key)
		}
	}

	if len(hashes) == 0 {
		return nil, nil
	}
	type row struct {
		Hash []byte
		At   time.Time
	}
	rows, err := pg.List[row](ctx, db, "look for erased people", `SELECT hash, at FROM forgotten WHERE hash = ANY($1)`,
		hashes)
	if err != nil {
		return nil, err
	}

	found := map[string]time.Time{}
	for _, r := range rows {
		for _, key := range byHash[string(r.Hash)] {
			found[key] = r.At
		}
	}

	return found, nil
}

// IsForgotten reports whether something that happened at this time is about a person who was erased
// since.
func IsForgotten(ctx context.Context, db pg.DB, at time.Time, keys ...string) (bool, error) {
	found, err := Forgotten(ctx, db, keys...)
	for _, forgotten := range found {
		if !at.After(forgotten) {
			return true, err
		}
	}
	return false, err
}

// NotForgotten is the SQL condition that this service was never told to forget a key, given its
// Hash as the parameter.
func NotForgotten(param string) string {
	return ` NOT EXISTS (SELECT FROM forgotten WHERE hash = ` + param + `) `
}

// ForgottenSince is the SQL condition that the key of a HexHash was forgotten at a time or later:
// the same as IsForgotten for a message of that time.
func ForgottenSince(mark, at string) string {
	return `EXISTS (SELECT FROM forgotten WHERE hash = decode(` + mark + `, 'hex') AND forgotten.at >= ` + at + `)`
}

// HexHash is a Hash as it travels to the database in JSON: in hexadecimal.
type HexHash []byte

// String is the mark in hexadecimal.
func (m HexHash) String() string { return hex.EncodeToString(m) }

// MarshalText implements encoding.TextMarshaler.
func (m HexHash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, m), nil }

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

// hashes are what the table keeps of a person.
func (p Person) hashes() (list [][]byte) {
	for _, id := range p.MemberIDs {
		list = append(list, Hash(MemberKey(id)))
	}
	for _, id := range p.ProspectIDs {
		list = append(list, Hash(ProspectKey(id)))
	}
	for _, key := range slices.Concat(p.Emails, p.Codes) {
		if key != "" {
			list = append(list, Hash(key))
		}
	}
	return list
}

// Hash is the form of a key that the table keeps. Codes and addresses are compared without regard
// to case.
func Hash(key string) HexHash {
	sum := sha256.Sum256([]byte("forgotten:" + strings.ToLower(strings.TrimSpace(key))))
	return sum[:]
}
