package user

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// account is a member.
type account struct {
	ID               int64
	Username         string
	Password         string
	FirstName        string
	LastName         string
	Email            string
	EmailVerified    bool
	ProvedEmail      *string // the last one that was proved, even while Email is not
	Newsletter       bool
	Unsubscribed     bool
	UnsubscribeToken string
	Code             string `db:"mb_cd"`
	Joined           time.Time
	LastLogin        *time.Time
	PasswordChanged  *time.Time
	Version          int64
	Tags             []string
}

// accountColumnsSQL are the columns of account, in any statement that returns one.
const accountColumnsSQL = `id, username, password, first_name, last_name, email, email_verified, proved_email, ` +
	`newsletter, unsubscribed, unsubscribe_token, mb_cd, joined, last_login, password_changed, version, tags`

// stillOpenSQL leaves out accounts that were merged into others. To their former owners these are
// as if erased, except that no one is given the user name.
const stillOpenSQL = `merged_member IS NULL`

// queryAccount runs a statement that returns at most one account; found is false when there is
// none.
func queryAccount(ctx context.Context, db pg.DB, sql string, args ...any) (a account, found bool, err error) {
	return pg.One[account](ctx, db, "query an account", sql, args...)
}

// queryAccounts runs a statement that returns accounts.
func queryAccounts(ctx context.Context, db pg.DB, sql string, args ...any) ([]account, error) {
	return pg.List[account](ctx, db, "query accounts", sql, args...)
}

func accountByUsername(ctx context.Context, db pg.DB, username string) (account, bool, error) {
	return queryAccount(ctx, db, `
		SELECT `+accountColumnsSQL+` FROM account WHERE username = $1 AND `+stillOpenSQL, username)
}

func accountByID(ctx context.Context, db pg.DB, id int64) (account, bool, error) {
	return queryAccount(ctx, db, `
		SELECT `+accountColumnsSQL+` FROM account WHERE id = $1 AND `+stillOpenSQL, id)
}

// lockAccount keeps an account as it is until tx ends. A caller that also locks a prospect locks
// the account first.
func lockAccount(ctx context.Context, tx pgx.Tx, id int64) (account, bool, error) {
	return queryAccount(ctx, tx, `
		SELECT `+accountColumnsSQL+` FROM account WHERE id = $1 AND `+stillOpenSQL+` FOR UPDATE`, id)
}

// usernameTaken reports whether an account has exactly this user name.
func usernameTaken(ctx context.Context, db pg.DB, username string) (taken bool, err error) {
	return pg.Get[bool](ctx, db, "find a user name", `
		SELECT EXISTS (SELECT FROM account WHERE username = $1)`, username)
}

// addressOfMember reports whether an account has the address, proved or not.
func addressOfMember(ctx context.Context, db pg.DB, email string) (known bool, err error) {
	return pg.Get[bool](ctx, db, "find an address", `
		SELECT EXISTS (SELECT FROM account WHERE lower(email) = lower($1) AND `+stillOpenSQL+`)`, email)
}

// insertAccount stores a new member, whom it stamps as logged in. made is false if the user name is
// taken, even by a registration that is just being committed.
func insertAccount(ctx context.Context, tx pgx.Tx, a account) (stored account, made bool, err error) {
	return queryAccount(ctx, tx, `
		INSERT INTO account (
		  username, password, first_name, last_name, email, newsletter, unsubscribe_token, mb_cd, last_login)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now()) ON CONFLICT (username) DO NOTHING RETURNING `+accountColumnsSQL,
		a.Username, a.Password, a.FirstName, a.LastName, a.Email, a.Newsletter, unsubscribeToken(), memberCode())
}

// updateLastLogin stamps a login and stores the password's new form if there is one. done is false
// if the password has changed since it was checked.
func updateLastLogin(ctx context.Context, db pg.DB, a account, newForm string) (stored account, done bool, err error) {
	return queryAccount(ctx, db, `
		UPDATE account SET last_login = now(), password = coalesce(nullif($3, ''), password)
		WHERE id = $1 AND password = $2 RETURNING `+accountColumnsSQL,
		a.ID, a.Password, newForm)
}

// replacePassword sets a new password; done is false if the old one is no longer in force.
func replacePassword(ctx context.Context, tx pgx.Tx, id int64, old,
	newForm string) (stored account, done bool, err error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET password = $3, password_changed = clock_timestamp(), version = version + 1
		WHERE id = $1 AND password = $2 RETURNING `+accountColumnsSQL,
		id, old, newForm)
}

// markVerified marks the member's address as proved.
func markVerified(ctx context.Context, tx pgx.Tx, id int64) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET email_verified = true, proved_email = email, version = version + 1
		WHERE id = $1 RETURNING `+accountColumnsSQL, id)
}

// updateProfile stores names, address, whether the address is proved, and which was proved last.
func updateProfile(ctx context.Context, tx pgx.Tx, a account) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET first_name = $2, last_name = $3, email = $4, email_verified = $5, proved_email = $6,
		  version = version + 1
		WHERE id = $1 RETURNING `+accountColumnsSQL,
		a.ID, a.FirstName, a.LastName, a.Email, a.EmailVerified, a.ProvedEmail)
}

// updatePreferences stores the two switches and the token.
func updatePreferences(ctx context.Context, tx pgx.Tx, a account) (account, bool, error) {
	return queryAccount(ctx, tx, `
		UPDATE account SET newsletter = $2, unsubscribed = $3, unsubscribe_token = $4, version = version + 1
		WHERE id = $1 RETURNING `+accountColumnsSQL,
		a.ID, a.Newsletter, a.Unsubscribed, a.UnsubscribeToken)
}

// upsertFormerAddress remembers an address at which a member could be reached.
func upsertFormerAddress(ctx context.Context, tx pgx.Tx, id int64, email string) error {
	return pg.Exec(ctx, tx, "upsert a former address of member $1", `
		INSERT INTO former_address (member_id, email) VALUES ($1, $2)
		ON CONFLICT (member_id, email) DO UPDATE SET until = now()`, id, email)
}

// accountPage is what the account page shows of a member, as edge composes it.
type accountPage struct {
	account
	TermsAgreed   *time.Time
	CodeRequested bool // an open code was mailed to the address
}

func readAccountPage(ctx context.Context, db pg.DB, id int64) (p accountPage, found bool, err error) {
	a, found, err := accountByID(ctx, db, id)
	if err != nil || !found {
		return accountPage{}, false, err
	}
	p.account = a
	err = db.QueryRow(ctx, `
		SELECT (SELECT agreed FROM terms_agreed WHERE member_id = $1 ORDER BY version DESC LIMIT 1),
		  EXISTS (SELECT FROM code
		    WHERE member_id = $1 AND kind = 'verify' AND used IS NULL AND superseded IS NULL AND expires > now())`,
		id).Scan(&p.TermsAgreed, &p.CodeRequested)
	if err != nil {
		return accountPage{}, false, fmt.Errorf("read the account page of member %d: %w", id, err)
	}
	return p, true, nil
}

// consent is something that a person agreed to or took back.
type consent struct {
	MemberID, ProspectID int64 // one of them is set
	What                 string
	Given                bool
	At                   time.Time // now if zero
	Source               string
}

func insertConsents(ctx context.Context, tx pgx.Tx, consents ...consent) error {
	for _, c := range consents {
		err := pg.Exec(ctx, tx, "insert a consent", `
			INSERT INTO consent (member_id, prospect_id, what, given, at, source)
			VALUES (nullif($1::bigint, 0), nullif($2::bigint, 0), $3, $4, coalesce($5, now()), $6)`,
			c.MemberID, c.ProspectID, c.What, c.Given, pg.TimeOrNull(c.At), c.Source)
		if err != nil {
			return err
		}
	}
	return nil
}

// addressVerified reports whether a member has proved an address, whatever its case.
func addressVerified(ctx context.Context, db pg.DB, email string) (verified bool, err error) {
	return pg.Get[bool](ctx, db, "find a proved address", `
		SELECT EXISTS (SELECT FROM account WHERE lower(email) = lower($1) AND email_verified)`, email)
}
