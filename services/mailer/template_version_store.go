package mailer

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// templateVersion is a version of a kind's template.
type templateVersion struct {
	Kind        string    `json:"kind"`
	Version     int64     `json:"version"`
	Subject     string    `json:"subject"`
	BodyText    string    `json:"body_text"`
	BodyHTML    string    `db:"body_html" json:"body_html,omitempty"`
	FromAddress string    `json:"from_address,omitempty"`
	BccAddress  string    `json:"bcc_address,omitempty"`
	BuiltIn     bool      `json:"built_in"`
	SavedBy     string    `json:"saved_by"`
	SavedAt     time.Time `json:"saved_at"`
}

const versionColumnsSQL = `kind, version, subject, body_text, body_html, from_address, bcc_address, built_in, saved_by,
	saved_at`

// listVersions lists the versions of a kind's template, the newest first.
func listVersions(ctx context.Context, db pg.DB, kind string) ([]templateVersion, error) {
	return pg.List[templateVersion](ctx, db, "list the versions of $1", `
		SELECT `+versionColumnsSQL+` FROM template_version WHERE kind = $1 ORDER BY version DESC LIMIT 100`, kind)
}

// newestVersions lists the newest version of each kind that has any.
func newestVersions(ctx context.Context, db pg.DB) ([]templateVersion, error) {
	return pg.List[templateVersion](ctx, db, "list templates", `
		SELECT DISTINCT ON (kind) `+versionColumnsSQL+` FROM template_version ORDER BY kind, version DESC`)
}

// insertVersion inserts a version; if another person has stored it already, that is a conflict
// (pg.IsConflict).
func insertVersion(ctx context.Context, tx pgx.Tx, v templateVersion) error {
	return pg.Exec(ctx, tx, "insert version $2 of $1", `
		INSERT INTO template_version (
		  kind, version, subject, body_text, body_html, from_address, bcc_address, built_in, saved_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		v.Kind, v.Version, v.Subject, v.BodyText, v.BodyHTML, v.FromAddress, v.BccAddress, v.BuiltIn, v.SavedBy)
}

// upsertTemplate stores a template, which counts from the next mail of every mailer on.
func upsertTemplate(ctx context.Context, tx pgx.Tx, t mailTemplate) error {
	return pg.Exec(ctx, tx, "upsert template $1", `
		INSERT INTO template (em_cd, subject, type, status, body_text, body_html, from_address, bcc_address)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (em_cd) DO UPDATE SET subject = excluded.subject, body_text = excluded.body_text,
		  body_html = excluded.body_html, from_address = excluded.from_address, bcc_address = excluded.bcc_address`,
		t.Code, t.Subject, t.Type, t.Status, t.BodyText, t.BodyHTML, t.FromAddress, t.BccAddress)
}

// deleteTemplate makes a kind without an order use its built-in template again.
func deleteTemplate(ctx context.Context, tx pgx.Tx, code string) error {
	return pg.Exec(ctx, tx, "delete template $1", `DELETE FROM template WHERE em_cd = $1`, code)
}
