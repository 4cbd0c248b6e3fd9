package user

import (
	"context"
	"crypto/sha256"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// nothingToEndSQL holds for a prospect whose token has nothing to unsubscribe: the record is
// unsubscribed, and so is every member with the address. Registering takes a prospect off the list,
// while the links of the prospect's mails are still out, and the member may have asked for
// newsletters.
const nothingToEndSQL = `(p.unsubscribed AND NOT EXISTS (
	SELECT FROM account a WHERE lower(a.email) = lower(p.email) AND a.newsletter AND NOT a.unsubscribed))`

// findSubscriber looks a token up among the present ones and among those that were replaced, since
// mails with them are out. Tokens of an account that was merged into another one stand for that
// one.
func findSubscriber(ctx context.Context, db pg.DB, token string, member bool) (who subscriber, found bool, err error) {
	query := `
		SELECT id, email, ` + nothingToEndSQL + ` AS unsubscribed, false AS spent FROM prospect p
		WHERE unsubscribe_token = $1
		UNION ALL
		SELECT p.id, p.email, ` + nothingToEndSQL + `, t.spent
		FROM former_token t JOIN prospect p ON p.id = t.prospect_id WHERE t.hash = $2 LIMIT 1`
	if member {
		query = `
			SELECT a.id, a.email, a.unsubscribed, false AS spent
			FROM account t JOIN account a ON a.id = coalesce(t.merged_member, t.id) WHERE t.unsubscribe_token = $1
			UNION ALL
			SELECT a.id, a.email, a.unsubscribed, t.spent
			FROM former_token t JOIN account b ON b.id = t.member_id
			JOIN account a ON a.id = coalesce(b.merged_member, b.id)
			WHERE t.hash = $2 LIMIT 1`
	}
	who, found, err = pg.One[subscriber](ctx, db, "find an unsubscribe token", query, token, hashToken(token))
	who.member = member
	return who, found, err
}

// hashToken is what is stored of a token that is no longer mailed.
func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// replacedToken keeps a token if it was replaced.
func replacedToken(ctx context.Context, tx pgx.Tx, who subscriber, old, now string) error {
	if old == now {
		return nil
	}
	return upsertFormerToken(ctx, tx, who, old, false)
}

// upsertFormerToken stores the hash of a token, so that links in mails that are out go on working.
// spent says that it has unsubscribed its owner.
func upsertFormerToken(ctx context.Context, tx pgx.Tx, who subscriber, token string, spent bool) error {
	column := "prospect_id"
	if who.member {
		column = "member_id"
	}
	return pg.Exec(ctx, tx, "upsert a former unsubscribe token", `
		INSERT INTO former_token (hash, `+column+`, spent) VALUES ($1, $2, $3)
		ON CONFLICT (hash) DO UPDATE SET spent = former_token.spent OR excluded.spent`, hashToken(token), who.ID, spent)
}

// unsubscribeMember also replaces the token, unless the fresh one is empty.
func unsubscribeMember(ctx context.Context, tx pgx.Tx, id int64, fresh string) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET unsubscribed = true, newsletter = false,
		  unsubscribe_token = coalesce(nullif($2, ''), unsubscribe_token), version = version + 1
		WHERE id = $1 RETURNING `+accountColumnsSQL, id, fresh)
}

// unsubscribeMembers unsubscribes all members with an address but one.
func unsubscribeMembers(ctx context.Context, tx pgx.Tx, email string, but int64) ([]account, error) {
	return queryAccounts(ctx, tx, `
		UPDATE account SET unsubscribed = true, newsletter = false, version = version + 1
		WHERE lower(email) = lower($1) AND id <> $2 AND NOT unsubscribed RETURNING `+accountColumnsSQL, email, but)
}

// lockOpenProspect keeps a prospect as it is until tx ends; open is false if there is nothing to
// unsubscribe, perhaps because another call was faster.
func lockOpenProspect(ctx context.Context, tx pgx.Tx, id int64) (p prospect, open bool, err error) {
	p, found, err := queryProspect(ctx, tx, `SELECT `+prospectColumnsSQL+` FROM prospect WHERE id = $1 FOR UPDATE`, id)
	if err != nil || !found {
		return prospect{}, false, err
	}
	open, err = pg.Get[bool](ctx, tx, "lock prospect $1", `
		SELECT NOT `+nothingToEndSQL+` FROM prospect p WHERE p.id = $1`, id)
	return p, open, err
}

// unsubscribeProspect also replaces the token, unless the fresh one is empty.
func unsubscribeProspect(ctx context.Context, tx pgx.Tx, id int64, fresh string) (prospect, bool, error) {
	return queryProspect(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, unsubscribed_at = now(),
		  unsubscribe_token = coalesce(nullif($2, ''), unsubscribe_token), version = version + 1
		WHERE id = $1 RETURNING `+prospectColumnsSQL, id, fresh)
}

func insertReasons(ctx context.Context, db pg.DB, who subscriber, why reasons) error {
	column := "prospect_id"
	if who.member {
		column = "member_id"
	}
	return pg.Exec(ctx, db, "insert the reasons of an unsubscription", `
		INSERT INTO unsubscribe_reason (`+column+`, no_longer_want, never_signed_up, inappropriate, spam, other)
		VALUES ($1, $2, $3, $4, $5, $6)`,
		who.ID, why.NoLongerWant, why.NeverSignedUp, why.Inappropriate, why.Spam, why.Other)
}
