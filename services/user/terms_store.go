package user

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// terms are one version of the terms of use.
type terms struct {
	Version int
	Note    string
}

// newestTerms are the ones in force.
func newestTerms(ctx context.Context, db database) (t terms, err error) {
	if err := db.QueryRow(ctx, `SELECT version, note FROM terms_version ORDER BY version DESC LIMIT 1`).Scan(&t.Version, &t.Note); err != nil {
		return terms{}, fmt.Errorf("read the newest terms of use: %w", err)
	}
	return t, nil
}

// termsOfMember are the newest terms and whether a member has agreed to them.
func termsOfMember(ctx context.Context, db database, member int64) (t terms, agreed, found bool, err error) {
	err = db.QueryRow(ctx, `
		SELECT t.version, t.note, EXISTS (SELECT FROM terms_agreed g WHERE g.member_id = a.id AND g.version = t.version)
		FROM account a, (SELECT version, note FROM terms_version ORDER BY version DESC LIMIT 1) t WHERE a.id = $1`,
		member).Scan(&t.Version, &t.Note, &agreed)
	if errors.Is(err, pgx.ErrNoRows) {
		return terms{}, false, false, nil
	}
	if err != nil {
		return terms{}, false, false, fmt.Errorf("read the terms of use of member %d: %w", member, err)
	}
	return t, agreed, true, nil
}

func termsKnown(ctx context.Context, db database, version int) (known bool, err error) {
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM terms_version WHERE version = $1)`, version).Scan(&known); err != nil {
		return false, fmt.Errorf("look for terms of use %d: %w", version, err)
	}
	return known, nil
}

// agreeToTerms says whether the agreement is a new one.
func agreeToTerms(ctx context.Context, db database, member int64, version int) (fresh bool, err error) {
	tag, err := db.Exec(ctx, `INSERT INTO terms_agreed (member_id, version) VALUES ($1, $2) ON CONFLICT (member_id, version) DO NOTHING`, member, version)
	if err != nil {
		return false, fmt.Errorf("note that member %d agreed to terms of use %d: %w", member, version, err)
	}
	return tag.RowsAffected() == 1, nil
}

// publishTerms adds a version, which must be the highest. Publishing the same text again changes
// nothing; another text under a known number is refused, since people agreed to the first.
func publishTerms(ctx context.Context, tx pgx.Tx, t terms) (fresh bool, err error) {
	if _, err := tx.Exec(ctx, `LOCK TABLE terms_version IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return false, fmt.Errorf("lock the terms of use: %w", err)
	}
	var note string
	err = tx.QueryRow(ctx, `SELECT note FROM terms_version WHERE version = $1`, t.Version).Scan(&note)
	switch {
	case err == nil && note == t.Note:
		return false, nil
	case err == nil:
		return false, fmt.Errorf("version %d is published with another note: take a higher number", t.Version)
	case !errors.Is(err, pgx.ErrNoRows):
		return false, fmt.Errorf("look for terms of use %d: %w", t.Version, err)
	}
	tag, err := tx.Exec(ctx, `INSERT INTO terms_version (version, note) SELECT $1, $2 WHERE $1 > (SELECT max(version) FROM terms_version)`, t.Version, t.Note)
	if err != nil {
		return false, fmt.Errorf("publish terms of use %d: %w", t.Version, err)
	}
	if tag.RowsAffected() == 0 {
		return false, fmt.Errorf("version %d is below the one in force", t.Version)
	}
	return true, nil
}
