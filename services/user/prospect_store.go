package user

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// prospect is a person without an account.
type prospect struct {
	ID               int64
	Email            string
	FirstName        *string
	LastName         *string
	Unsubscribed     bool
	UnsubscribedAt   *time.Time
	UnsubscribeToken string
	Code             string `db:"pr_cd"`
	Converted        *time.Time
	Version          int64
	Tags             []string
	Aliases          []string
}

// prospectColumnsSQL are the columns of prospect, in any statement that returns one.
const prospectColumnsSQL = `id, email, first_name, last_name, unsubscribed, unsubscribed_at, unsubscribe_token,
	pr_cd, converted, version, tags,
	ARRAY(SELECT a.pr_cd FROM prospect_alias a WHERE a.prospect_id = prospect.id ORDER BY a.pr_cd)::text[] AS aliases`

// queryProspect runs a statement that returns at most one prospect.
func queryProspect(ctx context.Context, db pg.DB, sql string, args ...any) (p prospect, found bool, err error) {
	return pg.One[prospect](ctx, db, "query a prospect", sql, args...)
}

// newProspect is what the shop learns of a person first.
type newProspect struct {
	Email      string // as normalEmail returns it
	FirstName  string
	LastName   string
	Phone      string
	Comment    string // in the person's own words
	Code       string // a new one if ""
	HowExcited int    // 0 if not asked
	Note       string // where the record comes from, in words
	Source     string // where it comes from, as lists are filtered by it
	Subscribed bool   // has agreed to newsletters
	Refused    bool   // has refused them
}

// Where records of prospects come from.
const (
	sourceChat     = "chat"
	sourceWaiting  = "waiting list"
	sourceOrder    = "order"
	sourceCheckout = "checkout"
	sourceImport   = "import"
	sourceStaff    = "staff"
)

// insertProspect stores a prospect, who gets no marketing mail unless Subscribed; made is false if
// the address, in whatever case, already is a prospect's.
func insertProspect(ctx context.Context, tx pgx.Tx, n newProspect) (p prospect, made bool, err error) {
	if err := lockAddress(ctx, tx, n.Email); err != nil {
		return prospect{}, false, err
	}
	return addProspect(ctx, tx, n)
}

// addProspect is insertProspect without the lock. If another spelling comes in at the same moment
// there are two records, which count as one person all the same.
func addProspect(ctx context.Context, tx pgx.Tx, n newProspect) (p prospect, made bool, err error) {
	if n.Code == "" {
		n.Code = memberCode()
	}
	return queryProspect(ctx, tx, `
		INSERT INTO prospect (
		  email, first_name, unsubscribe_token, pr_cd, how_excited, swa_comment,
		  last_name, phone, prospect_comment, unsubscribed, unsubscribed_at, source)
		SELECT $1::text, nullif($2::text, ''), $3::text, $4::text, nullif($5::int, 0), $6::text,
		  nullif($7::text, ''), nullif($8::text, ''), $9::text, $10::boolean,
		  CASE WHEN $11::boolean THEN now() END, $12::text
		WHERE NOT EXISTS (SELECT FROM prospect WHERE lower(email) = lower($1))
		ON CONFLICT (email) DO NOTHING RETURNING `+prospectColumnsSQL,
		n.Email, n.FirstName, unsubscribeToken(), n.Code, n.HowExcited, n.Note, n.LastName, n.Phone, n.Comment,
		!n.Subscribed, n.Refused, n.Source)
}

// lockProspect keeps the prospect of an address, in whatever case, as it is until tx ends.
func lockProspect(ctx context.Context, tx pgx.Tx, email string) (prospect, bool, error) {
	return queryProspect(ctx, tx, `
		SELECT `+prospectColumnsSQL+`
		FROM prospect WHERE lower(email) = lower($1) ORDER BY id LIMIT 1 FOR UPDATE`, email)
}

// findOrMakeProspect finds or adds the prospect of an address that is locked, and locks the
// prospect as well.
func findOrMakeProspect(ctx context.Context, tx pgx.Tx, n newProspect) (p prospect, made bool, err error) {
	for range 3 { // it may be erased between the two statements
		var done bool
		if p, done, err = addProspect(ctx, tx, n); err != nil || done {
			return p, done, err
		}
		if p, done, err = lockProspect(ctx, tx, n.Email); err != nil || done {
			return p, false, err
		}
	}
	return prospect{}, false, errors.New("the prospect was erased each time before it was read")
}

// visitor is what is known about a person who visited.
type visitor struct {
	NotOurs bool // a member has proved the address, or the person was erased while the message was under way
	Known   bool // the address is a prospect's
	Taken   bool // the visit's code is in use already
}

// readVisitor locks the address of a visit and looks for the person. It does not see what was
// committed while it waited for the lock, so a caller that adds a record looks again.
func readVisitor(ctx context.Context, tx pgx.Tx, v visit) (visitor, error) {
	return pg.Get[visitor](ctx, tx, "read a visitor", `
		WITH locked AS MATERIALIZED (SELECT pg_advisory_xact_lock($5, hashtext(lower($1))))
		SELECT EXISTS (SELECT FROM account WHERE lower(email) = lower($1) AND email_verified)
		    OR `+erasure.ForgottenSince("$2::text", "$3::timestamptz")+` AS not_ours,
		  EXISTS (SELECT FROM prospect WHERE lower(email) = lower($1)) AS known,
		  EXISTS (SELECT FROM prospect WHERE pr_cd = $4)
		    OR EXISTS (SELECT FROM prospect_alias WHERE pr_cd = $4) AS taken
		FROM locked`, v.email, erasure.Hash(v.email).String(), v.seen, v.code, addressClass)
}

// insertAlias inserts a further code of a prospect, and counts it as a change.
func insertAlias(ctx context.Context, tx pgx.Tx, p prospect, code string) (prospect, error) {
	if err := pg.Exec(ctx, tx, "insert a further code of prospect $2", `
		INSERT INTO prospect_alias (pr_cd, prospect_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
		code, p.ID); err != nil {
		return prospect{}, err
	}
	p, _, err := queryProspect(ctx, tx, `
		UPDATE prospect SET version = version + 1 WHERE id = $1 RETURNING `+prospectColumnsSQL, p.ID)
	return p, err
}

// subscribeProspect lifts "unsubscribed" after a consent, unless the person has unsubscribed since,
// under any spelling of the address, or has an account, which has switches of its own.
func subscribeProspect(ctx context.Context, tx pgx.Tx, id int64, at time.Time) (p prospect, changed bool, err error) {
	return queryProspect(ctx, tx, `
		UPDATE prospect SET unsubscribed = false, version = version + 1
		WHERE id = $1 AND unsubscribed AND converted IS NULL AND NOT EXISTS (
		  SELECT FROM prospect other
		  WHERE lower(other.email) = lower(prospect.email) AND other.unsubscribed_at >= $2)
		RETURNING `+prospectColumnsSQL, id, at)
}

// refused reports whether the person has refused newsletters: it is false for one who was only
// never asked, or has an account now.
func (p prospect) refused() bool {
	return p.Unsubscribed && p.UnsubscribedAt != nil && (p.Converted == nil || !p.UnsubscribedAt.Equal(*p.Converted))
}

// queryProspects runs a statement that returns prospects.
func queryProspects(ctx context.Context, db pg.DB, sql string, args ...any) ([]prospect, error) {
	return pg.List[prospect](ctx, db, "query prospects", sql, args...)
}

// convertProspects marks the prospects of the member's address as registered: they are stamped
// once, noted, and no longer written to as prospects. Orders and chat messages wait for the proof
// of the address.
func convertProspects(ctx context.Context, tx pgx.Tx, a account) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET converted = coalesce(converted, now()), unsubscribed = true,
		  unsubscribed_at = coalesce(unsubscribed_at, now()),
		  swa_comment = right(concat_ws(E'\n', nullif(swa_comment, ''), $2::text), 5000), version = version + 1
		WHERE lower(email) = lower($1) AND position($2 IN swa_comment) = 0 RETURNING `+prospectColumnsSQL,
		a.Email, fmt.Sprintf("Registered as %s (member %d).", a.Username, a.ID))
}

// liftRefusals undoes the refusals of an address's prospects, because a member who has proved it
// asks for newsletters. It subscribes no one.
func liftRefusals(ctx context.Context, tx pgx.Tx, email string) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET unsubscribed_at = converted, version = version + 1
		WHERE lower(email) = lower($1) AND unsubscribed AND unsubscribed_at IS DISTINCT FROM converted
		RETURNING `+prospectColumnsSQL, email)
}

// refuseProspects marks all prospects of an address but one as refusing newsletters.
func refuseProspects(ctx context.Context, tx pgx.Tx, email string, but int64) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, unsubscribed_at = now(), version = version + 1
		WHERE lower(email) = lower($1) AND id <> $2 AND (NOT unsubscribed OR unsubscribed_at IS NULL)
		RETURNING `+prospectColumnsSQL, email, but)
}

// refuseMergedProspects does so for the records that were merged into a customer's, and into the
// one that a member had before they registered, if the address is proved.
func refuseMergedProspects(ctx context.Context, tx pgx.Tx, c customer) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, unsubscribed_at = now(), version = version + 1
		WHERE (CASE WHEN $1 = 'member' THEN merged_member = $2 ELSE merged_prospect = $2 END
		    OR merged_prospect = ANY(ARRAY(
		      SELECT p.id FROM prospect p JOIN account a ON lower(a.email) = lower(p.email)
		      WHERE $1 = 'member' AND a.id = $2 AND a.email_verified)))
		  AND (NOT unsubscribed OR unsubscribed_at IS NULL)
		RETURNING `+prospectColumnsSQL, c.Kind, c.ID)
}

// refusedProspects unsubscribes the prospects of an address who get newsletters. Those who were
// never asked stay as they are: our own export calls them "unsubscribed", too.
func refusedProspects(ctx context.Context, tx pgx.Tx, email string) ([]prospect, error) {
	return queryProspects(ctx, tx, `
		UPDATE prospect SET unsubscribed = true, unsubscribed_at = now(), version = version + 1
		WHERE lower(email) = lower($1) AND NOT unsubscribed RETURNING `+prospectColumnsSQL, email)
}

// refusedMembers does so for members, unless they were prospects once: our own export calls those
// "unsubscribed", whatever they chose as members.
func refusedMembers(ctx context.Context, tx pgx.Tx, email string) ([]account, error) {
	return queryAccounts(ctx, tx, `
		UPDATE account SET unsubscribed = true, newsletter = false, version = version + 1
		WHERE lower(email) = lower($1) AND newsletter AND NOT unsubscribed
		  AND NOT EXISTS (SELECT FROM prospect
		    WHERE lower(prospect.email) = lower($1) AND converted IS NOT NULL)
		RETURNING `+accountColumnsSQL, email)
}

// prospectEvents tell other services about prospects.
func prospectEvents(list []prospect) []msg.Message {
	events := make([]msg.Message, len(list))
	for i, p := range list {
		events[i] = p.event()
	}
	return events
}
