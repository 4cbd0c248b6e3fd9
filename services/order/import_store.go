package order

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// catalogImport is a file that someone imported.
type catalogImport struct {
	ID        int64           `json:"id"`
	File      string          `json:"file"`
	State     string          `json:"state"` // checked, applied or undone
	Summary   importSummary   `json:"summary"`
	By        string          `json:"by"`
	At        time.Time       `json:"at"`
	AppliedAt *time.Time      `json:"applied_at"`
	UndoneAt  *time.Time      `json:"undone_at"`
	CanUndo   bool            `json:"can_undo"`
	Fetches   *fileFetches    `json:"pictures,omitempty" db:"-"`
	Body      []byte          `json:"-"`
	Before    json.RawMessage `json:"-"`
}

// undoTTL is how long a file can be taken back, and how long a file is kept that was only checked.
const undoTTL = 24 * time.Hour

const importColumnsSQL = `id, file, state, summary, by_name AS by, at, applied_at, undone_at,
	state = 'applied' AND before IS NOT NULL AND applied_at > now() - interval '1 day' AS can_undo`

func insertImport(ctx context.Context, db pg.DB, file string, body []byte, s importSummary,
	who adminui.Identity) (id int64, err error) {
	return pg.Get[int64](ctx, db, "insert a file", `
		INSERT INTO catalog_import (file, body, summary, by_person, by_name) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
		file, body, s, who.Person, who.Name)
}

// appliedCounts are the SKUs whose differences were already applied by a file, with the time. A
// count that still has its exported value becomes the file's, so there is nothing to refuse then.
func appliedCounts(ctx context.Context, db pg.DB, differs []importCount) (map[int64]time.Time, error) {
	skus, was, counts := splitCounts(differs)
	type applied struct {
		SKU int64 `db:"sku"`
		At  time.Time
	}
	list, err := pg.List[applied](ctx, db, "list counts that were applied", `
		SELECT c.sku_id AS sku, max(i.applied_at) AS at
		FROM unnest($1::bigint[], $2::int[], $3::int[]) AS x (sku, was, count)
		JOIN catalog_import_count c ON c.sku_id = x.sku AND c.was = x.was AND c.count = x.count
		JOIN catalog_import i ON i.id = c.import_id AND i.state = 'applied'
		JOIN sku s ON s.id = x.sku AND s.stock <> x.was
		GROUP BY 1`, skus, was, counts)
	known := make(map[int64]time.Time, len(list))
	for _, one := range list {
		known[one.SKU] = one.At
	}
	return known, err
}

func splitCounts(differs []importCount) (skus []int64, was, counts []int32) {
	for _, one := range differs {
		skus, was, counts = append(skus, one.SKU), append(was, one.Was), append(counts, one.Count)
	}
	return skus, was, counts
}

// listImports lists the latest files, without their content.
func listImports(ctx context.Context, db pg.DB, limit int) ([]catalogImport, error) {
	return pg.List[catalogImport](ctx, db, "list files", `
		SELECT `+importColumnsSQL+`, ''::bytea AS body, 'null'::jsonb AS before
		FROM catalog_import ORDER BY id DESC LIMIT $1`, limit)
}

// findImport reads a file, and locks it if lock is set.
func findImport(ctx context.Context, db pg.DB, id int64, lock bool) (catalogImport, bool, error) {
	sql := `SELECT ` + importColumnsSQL + `, coalesce(body, '') AS body, coalesce(before, 'null') AS before
		FROM catalog_import WHERE id = $1`
	if lock {
		sql += ` FOR UPDATE`
	}
	return pg.One[catalogImport](ctx, db, "find file $1", sql, id)
}

func noteApplied(ctx context.Context, tx pgx.Tx, id int64, s importSummary, undo json.RawMessage,
	differs []importCount) error {
	skus, was, counts := splitCounts(differs)
	return pg.Exec(ctx, tx, "note that file $1 was applied", `
		WITH counted AS (
		  INSERT INTO catalog_import_count (import_id, sku_id, was, count)
		  SELECT $1, x.sku, x.was, x.count FROM unnest($4::bigint[], $5::int[], $6::int[]) AS x (sku, was, count)
		)
		UPDATE catalog_import SET state = 'applied', applied_at = now(), summary = $2, before = $3, body = NULL
		WHERE id = $1`, id, s, undo, skus, was, counts)
}

// noteUndone stores that a file was taken back, and how much of what it added is retired instead of
// deleted.
func noteUndone(ctx context.Context, tx pgx.Tx, id int64, undo json.RawMessage) (kept importKept, err error) {
	return pg.Get[importKept](ctx, tx, "note that file $2 was taken back", `
		WITH kept AS (
		  SELECT
		    (SELECT count(*) FROM `+productRowsSQL+` JOIN product p ON p.id = x.id WHERE x.new) AS products,
		    (SELECT count(*) FROM `+skuRowsSQL+` JOIN sku s ON s.id = x.id WHERE x.new AND s.product_id IS NULL) AS skus
		)
		UPDATE catalog_import SET state = 'undone', undone_at = now(), before = NULL,
		  summary = summary || jsonb_build_object('retired', to_jsonb(kept))
		FROM kept WHERE id = $2
		RETURNING products, skus`, undo, id)
}

// appliedCountTTL is how long applied differences of counts are remembered.
const appliedCountTTL = 30 * 24 * time.Hour

// clearOldImports clears the content of files that can no longer be applied or taken back.
func clearOldImports(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	emptied, err := pg.InGroups(ctx, pool, "clear old files", `
		UPDATE catalog_import SET body = NULL, before = NULL
		WHERE id IN (
		  SELECT id FROM catalog_import
		  WHERE (body IS NOT NULL OR before IS NOT NULL) AND greatest(at, applied_at) < now() - $2::interval
		  LIMIT $1)`, undoTTL)
	if err != nil {
		return emptied, err
	}
	dropped, err := pg.InGroups(ctx, pool, "delete old counts of files", `
		DELETE FROM catalog_import_count
		WHERE (sku_id, import_id) IN (
		  SELECT sku_id, import_id FROM catalog_import_count c JOIN catalog_import i ON i.id = c.import_id
		  WHERE i.applied_at < now() - $2::interval
		  LIMIT $1)`, appliedCountTTL)
	return emptied + dropped, err
}
