package user

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// terms are one version of the terms of use.
type terms struct {
	Version int
	Note    string
}

// newestTerms are the terms in force.
func newestTerms(ctx context.Context, db pg.DB) (t terms, err error) {
	return pg.Get[terms](ctx, db, "read the newest terms of use", `
		SELECT version, note FROM terms_version ORDER BY version DESC LIMIT 1`)
}

// termsOfMember are the newest terms and whether a member has agreed to them.
func termsOfMember(ctx context.Context, db pg.DB, member int64) (t terms, agreed, found bool, err error) {
	row, found, err := pg.One[struct {
		terms
		Agreed bool
	}](ctx, db, "read the terms of use of member $1", `
		SELECT t.version, t.note,
		  EXISTS (SELECT FROM terms_agreed g WHERE g.member_id = a.id AND g.version = t.version) AS agreed
		FROM account a, (SELECT version, note FROM terms_version ORDER BY version DESC LIMIT 1) t WHERE a.id = $1`,
		member)
	return row.terms, row.Agreed, found, err
}

func termsKnown(ctx context.Context, db pg.DB, version int) (known bool, err error) {
	return pg.Get[bool](ctx, db, "find terms of use $1", `
		SELECT EXISTS (SELECT FROM terms_version WHERE version = $1)`, version)
}

// agreeToTerms reports whether the agreement is a new one.
func agreeToTerms(ctx context.Context, db pg.DB, member int64, version int) (fresh bool, err error) {
	return pg.ExecOne(ctx, db, "note that member $1 agreed to terms of use $2", `
		INSERT INTO terms_agreed (member_id, version) VALUES ($1, $2) ON CONFLICT (member_id, version) DO NOTHING`,
		member, version)
}

// lockTerms makes others who publish wait until tx ends.
func lockTerms(ctx context.Context, tx pgx.Tx) error {
	return pg.Exec(ctx, tx, "lock the terms of use", `LOCK TABLE terms_version IN SHARE ROW EXCLUSIVE MODE`)
}

// publishTerms adds a version, which must be the highest. Publishing the same text again changes
// nothing; another text under a known number is refused, since people agreed to the first.
func publishTerms(ctx context.Context, tx pgx.Tx, t terms) (fresh bool, err error) {
	if err := lockTerms(ctx, tx); err != nil {
		return false, err
	}
	note, found, err := pg.One[string](ctx, tx, "find terms of use $1", `
		SELECT note FROM terms_version WHERE version = $1`, t.Version)
	switch {
	case err != nil:
		return false, err
	case found && note == t.Note:
		return false, nil
	case found:
		return false, fmt.Errorf("version %d is published with another note: take a higher number", t.Version)
	}
	fresh, err = pg.ExecOne(ctx, tx, "publish terms of use $1", `
		INSERT INTO terms_version (version, note) SELECT $1, $2 WHERE $1 > (SELECT max(version) FROM terms_version)`,
		t.Version, t.Note)
	if err == nil && !fresh {
		err = fmt.Errorf("version %d is below the one in force", t.Version)
	}
	return fresh, err
}

// publishNext adds the version after the newest; it returns false if there is a newer one already.
func publishNext(ctx context.Context, tx pgx.Tx, t terms) (fresh bool, err error) {
	if err := lockTerms(ctx, tx); err != nil {
		return false, err
	}
	return pg.ExecOne(ctx, tx, "publish terms of use $1", `
		INSERT INTO terms_version (version, note)
		SELECT $1, $2 WHERE $1 = 1 + (SELECT coalesce(max(version), 0) FROM terms_version)`, t.Version, t.Note)
}

// listTerms lists the versions, newest first.
func listTerms(ctx context.Context, db pg.DB) ([]termsRow, error) {
	return pg.List[termsRow](ctx, db, "list the terms of use", `
		SELECT version, note, published FROM terms_version ORDER BY version DESC LIMIT 200`)
}

// countAgreed counts members, and those who have not agreed to a version, each up to a limit.
func countAgreed(ctx context.Context, db pg.DB, version int, limit int64) (members, missing int64, err error) {
	type counts struct{ Members, Missing int64 }
	c, err := pg.Get[counts](ctx, db, "count who agreed to terms of use $1", `
		SELECT (SELECT count(*) FROM (SELECT FROM account WHERE merged_member IS NULL LIMIT $2) a) AS members,
		  (SELECT count(*) FROM (
		    SELECT FROM account a
		    WHERE merged_member IS NULL AND NOT EXISTS (
		      SELECT FROM terms_agreed g WHERE g.member_id = a.id AND g.version = $1) LIMIT $2) m) AS missing`, version,
		limit)
	return c.Members, c.Missing, err
}

// listAgreed lists who agreed to a version, newest first, below the id after unless it is 0.
func listAgreed(ctx context.Context, db pg.DB, version int, after int64, rows int) ([]agreedRow, error) {
	return pg.List[agreedRow](ctx, db, "list who agreed to terms of use $1", `
		SELECT g.id, a.id AS member, a.first_name || ' ' || a.last_name AS name, a.email, g.agreed AS at
		FROM terms_agreed g JOIN account a ON a.id = g.member_id
		WHERE g.version = $1 AND ($2 = 0 OR g.id < $2) ORDER BY g.id DESC LIMIT $3`, version, after, rows)
}
