package allinone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// dbServer is a PostgreSQL server for many shops, with a login that may create roles and databases.
type dbServer struct {
	url  *url.URL
	conn *pgx.Conn
}

func openServer(ctx context.Context, address string) (*dbServer, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("SHOPS_DATABASE_URL is not set to a PostgreSQL URL: " +
			"want a login that may make roles and databases")
	}
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("SHOPS_DATABASE_URL: %w", err)
	}
	return &dbServer{u, conn}, nil
}

func (s *dbServer) close() { _ = s.conn.Close(context.Background()) } // nothing depends on it

// create makes the owner of a shop's database, the database, and a role for each service, as the
// settings say. Existing ones stay and get the passwords of the settings.
func (s *dbServer) create(ctx context.Context, name string, settings map[string]string) error {
	at, err := url.Parse(settings["DATABASE_URL"])
	if err != nil {
		return errors.New("the DATABASE_URL of the shop's settings is not a PostgreSQL URL")
	}
	owner := pg.Role(name, "owner")
	password, _ := at.User.Password()
	passwords := map[string]string{owner: password}
	for _, m := range Schemas() {
		passwords[pg.Role(name, m.Service)] = settings[strings.ToUpper(m.Service)+"_DB_PASSWORD"]
	}

	for role := range passwords {
		if err := s.createUnless(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role,
			"CREATE ROLE %s LOGIN"); err != nil {
			return err
		}
	}

	if err := pg.SetPasswords(ctx, s.url.String(), passwords); err != nil {
		return err
	}

	// Without superuser rights, only a member of a role can give it a database.
	if err := s.createUnless(ctx, `SELECT pg_has_role(current_user, $1::name,
		CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'MEMBER' ELSE 'SET' END)`, owner,
		"GRANT %s TO CURRENT_USER"); err != nil {
		return err
	}
	quoted := pgx.Identifier{owner}.Sanitize()
	if err := s.createUnless(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name,
		"CREATE DATABASE %s OWNER "+quoted); err != nil {
		return err
	}

	for role := range passwords {
		if role == owner {
			continue
		}
		if _, err := s.conn.Exec(ctx, "GRANT "+pgx.Identifier{role}.Sanitize()+" TO "+quoted); err != nil {
			return fmt.Errorf("let the owner act as %s: %w", role, err)
		}
	}

	return nil
}

// taken returns a database or role of this shop's names that the server has already, or "".
func (s *dbServer) taken(ctx context.Context, name string) (string, error) {
	roles := []string{pg.Role(name, "owner")}
	for _, m := range Schemas() {
		roles = append(roles, pg.Role(name, m.Service))
	}
	what, _, err := pg.One[string](ctx, s.conn, "look for $1", `
		SELECT 'the database ' || datname FROM pg_database WHERE datname = $1
		UNION ALL
		SELECT 'the role ' || rolname FROM pg_roles WHERE rolname = ANY($2) LIMIT 1`, name, roles)
	return what, err
}

// createUnless runs a statement about a name unless existsQuery finds it.
func (s *dbServer) createUnless(ctx context.Context, existsQuery, name, statement string) error {
	var found bool
	if err := s.conn.QueryRow(ctx, existsQuery, name).Scan(&found); err != nil || found {
		return err
	}
	if _, err := s.conn.Exec(ctx, fmt.Sprintf(statement, pgx.Identifier{name}.Sanitize())); err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	return nil
}

// destroy drops a shop's database and roles, as far as they exist. It never drops a database that
// is not the shop's own, and one with connections only if forced.
func (s *dbServer) destroy(ctx context.Context, name string, force bool) error {
	owner := pg.Role(name, "owner")
	roles := []string{owner}
	for _, m := range Schemas() {
		roles = append(roles, pg.Role(name, m.Service))
	}
	if other, err := s.elsewhere(ctx, name, roles); err != nil || other != "" {
		return cmp.Or(err, fmt.Errorf("roles of %s have rights in the database %s as well: drop that one first, or "+
			"what is theirs in it (DROP OWNED BY)", name, other))
	}

	var database string
	err := s.conn.QueryRow(ctx, `
		SELECT r.rolname
		FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE d.datname = $1`, name).Scan(&database)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return fmt.Errorf("look for the database: %w", err)
	case !force && s.inUse(ctx, name):
		return fmt.Errorf("%s has connections to its database: stop it first", name)
	case database != owner:
		return fmt.Errorf("the database %s is not one that create made: %s owns it", name, database)
	default:
		if _, err := s.conn.Exec(ctx, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop the database: %w", err)
		}
	}

	for _, role := range roles {
		if _, err := s.conn.Exec(ctx, "DROP ROLE IF EXISTS "+pgx.Identifier{role}.Sanitize()); err != nil {
			return fmt.Errorf("drop role %s: %w", role, err)
		}
	}

	return nil
}

// elsewhere returns a database beside the shop's own in which its roles own something or have
// privileges, such as one into which a backup was restored to try it, or "". Roles cannot be
// dropped while there is one.
func (s *dbServer) elsewhere(ctx context.Context, name string, roles []string) (string, error) {
	other, _, err := pg.One[string](ctx, s.conn, "look where else the roles of $1 have rights", `
		SELECT d.datname::text
		FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid
		JOIN pg_database d ON d.oid = CASE WHEN s.classid = 'pg_database'::regclass THEN s.objid ELSE s.dbid END
		WHERE s.refclassid = 'pg_authid'::regclass AND r.rolname = ANY($2) AND d.datname <> $1
		ORDER BY 1 LIMIT 1`, name, roles)
	return other, err
}

// inUse reports whether a database has connections, for instance of the shop's process on another
// machine.
func (s *dbServer) inUse(ctx context.Context, name string) bool {
	at, err := s.look(ctx, name)
	return err != nil || at.Connections > 0
}

// held is the size and the number of connections of a shop's database.
type held struct {
	Size        string
	Connections int
}

func (s *dbServer) look(ctx context.Context, name string) (held, error) {
	h, _, err := pg.One[held](ctx, s.conn, "look at database $1", `
		SELECT pg_size_pretty(pg_database_size(oid)) AS size,
		  (SELECT count(*) FROM pg_stat_activity a WHERE a.datid = d.oid) AS connections
		FROM pg_database d WHERE datname = $1`, name)
	return h, err
}
