package pg

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// scramRounds is PostgreSQL's own number of iterations.
const scramRounds = 4096

// SetPasswords gives roles their passwords; url is a login that may, or the roles have these
// passwords already. Only the SCRAM verifier travels to the server, so no log of statements ever
// holds a password. Open connections stay as they are.
func SetPasswords(ctx context.Context, url string, passwords map[string]string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	for _, role := range slices.Sorted(maps.Keys(passwords)) {
		verifier, err := scramVerifier(passwords[role])
		if err != nil {
			return fmt.Errorf("set the password of %s: %w", role, err)
		}
		// ALTER ROLE takes no parameters; a verifier has no quotes.
		_, err = conn.Exec(ctx, "ALTER ROLE "+pgx.Identifier{role}.Sanitize()+" PASSWORD '"+verifier+"'")
		if code(err) == "42501" && logsIn(ctx, conn.Config(), role, passwords[role]) {
			continue // the administrator who made the roles gave it, too
		}
		if err != nil {
			return fmt.Errorf("set the password of %s: %w", role, err)
		}
	}
	return nil
}

// CheckPasswords refuses passwords that would lock out who is served already: roles belong to the
// whole server, so a migration of a second database (a restored backup, a slip of the pen) must not
// change those of a shop that runs. A shop's own database is the one of its name, or of its owner,
// as shop create makes it.
func CheckPasswords(ctx context.Context, url, shop string, passwords map[string]string) error {
	if len(passwords) == 0 {
		return nil
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // nothing depends on it
	type home struct{ Role, Database string }
	homes, err := List[home](ctx, conn, "look where roles are at home", `
		SELECT DISTINCT ON (r.rolname) r.rolname AS role, d.datname AS database
		FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
		WHERE r.rolname = ANY($1) AND a.privilege_type = 'CONNECT' AND d.datname <> current_database()
		  AND d.datallowconn AND (d.datname = $2 OR pg_get_userbyid(d.datdba) = $3)
		ORDER BY r.rolname, d.datname`, slices.Sorted(maps.Keys(passwords)), shop, Role(shop, "owner"))
	if err != nil {
		return err
	}

	for _, h := range homes {
		at := conn.Config().Copy()
		at.Database = h.Database
		if !logsIn(ctx, at, h.Role, passwords[h.Role]) {
			return fmt.Errorf("%w: %s has another password, with which it serves the database %s; if that one is "+
				"no longer in use, drop it", ErrServesAnother, h.Role, h.Database)
		}
	}

	return nil
}

// ErrServesAnother says that a role's password is in use by the shop of another database.
var ErrServesAnother = errors.New("the roles of SHOP_NAME serve another database of this server")

// logsIn reports whether a role has a password.
func logsIn(ctx context.Context, at *pgx.ConnConfig, role, password string) bool {
	as := at.Copy()
	as.User, as.Password = role, password
	conn, err := pgx.ConnectConfig(ctx, as)
	if err != nil {
		return false
	}
	_ = conn.Close(ctx) // it was let in
	return true
}

// scramVerifier is what PostgreSQL stores of a password (RFC 5803).
func scramVerifier(password string) (string, error) {
	// Other characters would need a normal form first (SASLprep), on which clients differ.
	if password == "" || strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errors.New("it is empty or has characters outside printable ASCII")
	}
	salt := make([]byte, 16)
	rand.Read(salt) //nolint:errcheck // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, scramRounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive the verifier: %w", err)
	}
	sign := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	b64 := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", scramRounds, b64(salt), b64(stored[:]), b64(sign("Server Key"))),
		nil
}
