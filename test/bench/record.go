package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statement was sent by a service. PostgreSQL logged its parameters.
type statement struct {
	sql    string
	params []*string // nil: NULL
}

// logPrefix begins each entry of PostgreSQL's log with session and application.
const logPrefix = "bench:%c:%a:"

var logEntry = regexp.MustCompile(`^bench:([0-9a-f.]+):([^:]*):([A-Z]+):  `)

// recording makes PostgreSQL log every statement while fn runs. It returns the statements of the
// service's transaction that contains a text.
func (w *backing) recording(ctx context.Context, service, holds string, fn func() error) ([]statement, error) {
	on := []string{`ALTER SYSTEM SET log_statement = 'all'`, `ALTER SYSTEM SET bytea_output = 'escape'`,
		`SELECT pg_reload_conf()`}
	off := []string{`ALTER SYSTEM RESET log_statement`, `ALTER SYSTEM RESET bytea_output`, `SELECT pg_reload_conf()`}
	if err := w.checkpoint(ctx, on...); err != nil {
		return nil, err
	}
	if err := errors.Join(fn(), w.checkpoint(ctx, off...)); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(w.folder, "server.log"))
	if err != nil {
		return nil, fmt.Errorf("read PostgreSQL's log: %w", err)
	}
	return transactionOf(string(text), service, holds)
}

// entry is one entry of PostgreSQL's log.
type entry struct{ session, application, kind, text string }

// entries splits a log. Further lines of an entry begin with a tab.
func entries(log string) []entry {
	var all []entry
	for line := range strings.Lines(log) {
		line = strings.TrimSuffix(line, "\n")
		if m := logEntry.FindStringSubmatch(line); m != nil {
			all = append(all, entry{m[1], m[2], m[3], line[len(m[0]):]})
		} else if more, ok := strings.CutPrefix(line, "\t"); ok && len(all) > 0 {
			all[len(all)-1].text += "\n" + more
		}
	}
	return all
}

// transactionOf finds a committed transaction of a service that contains a text.
func transactionOf(log, service, holds string) ([]statement, error) {
	open := map[string][]statement{} // by session
	for _, e := range entries(log) {
		if e.application != service {
			continue
		}

		list := open[e.session]
		if e.kind == "DETAIL" && len(list) > 0 {
			params, err := parseParameters(e.text)
			if err != nil {
				return nil, err
			}
			list[len(list)-1].params = params
			continue
		}

		kind, sql, ok := strings.Cut(e.text, ": ")
		if e.kind != "LOG" || !ok || (kind != "statement" && !strings.HasPrefix(kind, "execute ")) {
			continue
		}

		switch strings.ToLower(sql) {
		case "begin":
			open[e.session] = nil
		case "commit":
			if slices.ContainsFunc(list, func(s statement) bool { return strings.Contains(s.sql, holds) }) {
				return list, nil
			}
		default:
			open[e.session] = append(list, statement{sql: sql})
		}
	}
	return nil, fmt.Errorf("the log has no transaction of %s with %q", service, holds)
}

// parseParameters reads "parameters: $1 = 'it”s', $2 = NULL".
func parseParameters(detail string) ([]*string, error) {
	var all []*string
	_, rest, _ := strings.Cut(detail, ": ")
	for rest != "" {
		_, value, ok := strings.Cut(rest, " = ")
		if !ok {
			return nil, fmt.Errorf("parameters without a value: %.80q", rest)
		}
		if after, null := strings.CutPrefix(value, "NULL"); null {
			all, rest = append(all, nil), strings.TrimPrefix(after, ", ")
			continue
		}
		end := quoteEnd(value)
		if end < 0 {
			return nil, fmt.Errorf("a parameter without an end: %.80q", value)
		}
		text := strings.ReplaceAll(value[1:end], "''", "'")
		all, rest = append(all, &text), strings.TrimPrefix(value[end+1:], ", ")
	}
	return all, nil
}

// quoteEnd is the end of the quoted text at the beginning of s.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			i++
			continue
		}
		return i
	}
	return -1
}

var placeholder = regexp.MustCompile(`\$(\d+)`)

// transaction makes a pgbench script of recorded statements. A parameter that contains marker gets
// another number in each transaction, beginning with first.
func (w *backing) transaction(ctx context.Context, schema string, list []statement, marker string) (string, error) {
	conn, err := pgx.Connect(ctx, w.cluster.URL())
	if err != nil {
		return "", fmt.Errorf("connect to the database: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it was only asked

	if _, err := conn.Exec(ctx, "SET search_path = "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return "", fmt.Errorf("set the search path: %w", err)
	}

	var b strings.Builder
	b.WriteString("\\set n :n + 1\n\\set i :first + :client_id + :clients * :n\nBEGIN;\n")
	for i, s := range list {
		types, err := parameterTypes(ctx, conn, fmt.Sprintf("recorded_%d", i), s.sql)
		if err != nil {
			return "", fmt.Errorf("prepare %.80q: %w", s.sql, err)
		}
		if len(types) != len(s.params) {
			return "", fmt.Errorf("%.80q has %d parameters, the log %d", s.sql, len(types), len(s.params))
		}

		b.WriteString(placeholder.ReplaceAllStringFunc(strings.TrimRight(s.sql, "; \n\t"), func(p string) string {
			n, err := strconv.Atoi(p[1:])
			if err != nil || n < 1 || n > len(types) {
				return p // PostgreSQL prepared it without error
			}
			return argument(s.params[n-1], types[n-1], marker)
		}))
		b.WriteString(";\n")
	}
	b.WriteString("COMMIT;\n")
	return b.String(), nil
}

func parameterTypes(ctx context.Context, conn *pgx.Conn, name, sql string) ([]string, error) {
	prepared, err := conn.Prepare(ctx, name, sql)
	if err != nil {
		return nil, err
	}
	types := make([]string, len(prepared.ParamOIDs))
	for i, oid := range prepared.ParamOIDs {
		if err := conn.QueryRow(ctx, `SELECT format_type($1, NULL)`, oid).Scan(&types[i]); err != nil {
			return nil, err
		}
	}
	return types, nil
}

// argument is a parameter as an SQL expression.
func argument(value *string, kind, marker string) string {
	switch {
	case value == nil:
		return "CAST(NULL AS " + kind + ")"
	case strings.Contains(*value, marker):
		return "CAST(replace(" + literal(*value) + ", '" + marker + "', CAST(:i AS text)) AS " + kind + ")"
	}
	return "CAST(" + literal(*value) + " AS " + kind + ")"
}

// literal quotes a text for PostgreSQL, and hides colons, which pgbench would read as variables.
func literal(s string) string {
	return "E'" + strings.NewReplacer("'", "''", `\`, `\\`, ":", `\x3a`, "\n", `\n`).Replace(s) + "'"
}
