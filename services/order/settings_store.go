package order

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// setting reads the current value of one key of the configuration; nil if it is null or missing.
func setting(ctx context.Context, db pg.DB, key string) (*string, error) {
	all, err := settings(ctx, db, key)
	return all[key], err
}

type configured struct {
	Key   string
	Value *string
}

const settingsSQL = `SELECT key, value FROM configuration WHERE key = ANY($1)`

func settings(ctx context.Context, db pg.DB, keys ...string) (map[string]*string, error) {
	rows, err := pg.List[configured](ctx, db, "read configuration", settingsSQL, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*string, len(rows))
	for _, r := range rows {
		all[r.Key] = r.Value
	}
	return all, nil
}

// storedSetting is a value of the configuration with what its form needs.
type storedSetting struct {
	Key       string
	Value     *string
	Version   int64
	ChangedAt time.Time
	ChangedBy string
}

// readSettings reads values of the configuration for a form.
func readSettings(ctx context.Context, db pg.DB, keys []string) ([]storedSetting, error) {
	return pg.List[storedSetting](ctx, db, "list settings", `
		SELECT key, value, version, changed_at, changed_by FROM configuration WHERE key = ANY($1)`, keys)
}

// lockSettings lets one person at a time change the configuration, until tx ends.
func lockSettings(ctx context.Context, tx pgx.Tx) error {
	return pg.Exec(ctx, tx, "lock the settings", `SELECT pg_advisory_xact_lock(hashtextextended('configuration', 0))`)
}

// storeSettings stores values of the configuration.
func storeSettings(ctx context.Context, tx pgx.Tx, keys []string, values []*string, by string) error {
	return pg.Exec(ctx, tx, "store settings", `
		INSERT INTO configuration (key, value, changed_by)
		SELECT key, value, $3 FROM unnest($1::text[], $2::text[]) AS s (key, value)
		ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = configuration.version + 1,
		  changed_at = now(), changed_by = excluded.changed_by
		WHERE configuration.value IS DISTINCT FROM excluded.value`, keys, values, by)
}

// statusSet is a status that orders can have, as staff set it.
type statusSet struct {
	Identifier  string    `json:"identifier"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Position    int       `json:"position"`
	Version     int64     `json:"version"`
	ChangedAt   time.Time `json:"changed_at"`
	ChangedBy   string    `json:"changed_by"`
}

func orderStatuses(ctx context.Context, db pg.DB) ([]statusSet, error) {
	return pg.List[statusSet](ctx, db, "list the statuses of orders", `
		SELECT identifier, title, description, position, version, changed_at, changed_by
		FROM status ORDER BY position, identifier`)
}

func findStatus(ctx context.Context, db pg.DB, identifier string) (statusSet, bool, error) {
	return pg.One[statusSet](ctx, db, "find status $1", `
		SELECT identifier, title, description, position, version, changed_at, changed_by
		FROM status WHERE identifier = $1`, identifier)
}

func insertStatus(ctx context.Context, tx pgx.Tx, s statusSet, by string) error {
	return pg.Exec(ctx, tx, "insert status $1", `
		INSERT INTO status (identifier, title, description, position, changed_by) VALUES ($1, $2, $3, $4, $5)`,
		s.Identifier, s.Title, s.Description, s.Position, by)
}

// updateStatus changes a status if it still has the version; false if it has another.
func updateStatus(ctx context.Context, tx pgx.Tx, s statusSet, version int64, by string) (bool, error) {
	return pg.ExecOne(ctx, tx, "update status $1", `
		UPDATE status SET title = $2, description = $3, position = $4, version = version + 1, changed_at = now(),
		  changed_by = $5
		WHERE identifier = $1 AND version = $6`, s.Identifier, s.Title, s.Description, s.Position, by, version)
}

// deleteStatus deletes a status that no order has ever had and that new orders do not get; false if
// one does.
func deleteStatus(ctx context.Context, tx pgx.Tx, identifier string) (bool, error) {
	return pg.ExecOne(ctx, tx, "delete status $1", `
		DELETE FROM status WHERE identifier = $1
		  AND NOT EXISTS (SELECT FROM orders WHERE current_status = $1)
		  AND NOT EXISTS (SELECT FROM order_status WHERE status = $1)
		  AND NOT EXISTS (SELECT FROM configuration WHERE key = 'initial_order_status' AND value = $1)`, identifier)
}

// shippingSet is a shipping method as staff set it.
type shippingSet struct {
	shippingMethod
	Active    bool
	Version   int64
	ChangedAt time.Time
	ChangedBy string
}

func shippingSets(ctx context.Context, db pg.DB) ([]shippingSet, error) {
	return pg.List[shippingSet](ctx, db, "list all shipping methods", `
		SELECT `+methodColumnsSQL+`, m.active, m.version, m.changed_at, m.changed_by FROM shipping_method m
		ORDER BY m.active DESC, m.shipping_cost_cents DESC, m.id`)
}

func findShippingSet(ctx context.Context, db pg.DB, id int64) (shippingSet, bool, error) {
	return pg.One[shippingSet](ctx, db, "find shipping method $1", `
		SELECT `+methodColumnsSQL+`, m.active, m.version, m.changed_at, m.changed_by FROM shipping_method m
		WHERE m.id = $1`, id)
}

func insertShipping(ctx context.Context, tx pgx.Tx, m shippingSet, by string) (int64, error) {
	return pg.Get[int64](ctx, tx, "insert a shipping method", `
		INSERT INTO shipping_method (
		  identifier, carrier, shipping_cost_cents, tracking_code_base_url, active,
		  price_by, steps, free_above_cents, changed_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id`,
		m.Identifier, m.Carrier, int64(m.Cost), m.TrackingBaseURL, m.Active, m.PriceBy, m.Steps, m.FreeAbove, by)
}

// updateShipping changes a shipping method if it still has the version; false if it has another.
func updateShipping(ctx context.Context, tx pgx.Tx, m shippingSet, version int64, by string) (bool, error) {
	return pg.ExecOne(ctx, tx, "update shipping method $1", `
		UPDATE shipping_method SET carrier = $2, shipping_cost_cents = $3, tracking_code_base_url = $4, active = $5,
		  price_by = $6, steps = $7, free_above_cents = $8, version = version + 1, changed_at = now(), changed_by = $9
		WHERE id = $1 AND version = $10`,
		m.ID, m.Carrier, int64(m.Cost), m.TrackingBaseURL, m.Active, m.PriceBy, m.Steps, m.FreeAbove, by, version)
}

// skuWeight is the weight of one piece of a SKU.
type skuWeight struct {
	SKU     int64  `json:"sku" db:"sku"`
	Product string `json:"product"`
	Variant string `json:"variant"`
	Grams   *int   `json:"grams"`
}

// listWeights lists SKUs on sale with their weights. search is the number of a SKU or the
// identifier of a product.
func listWeights(ctx context.Context, db pg.DB, search string, after int64, rows int) ([]skuWeight, error) {
	return pg.List[skuWeight](ctx, db, "list weights", `
		SELECT s.id AS sku, p.title AS product, concat_ws(' - ', nullif(s.color, ''), nullif(s.size, '')) AS variant,
		  s.weight_grams AS grams
		FROM sku s JOIN product p ON p.id = s.product_id
		WHERE s.id > $1 AND ($2 = '' OR s.id::text = $2 OR p.identifier = $2) ORDER BY s.id LIMIT $3`,
		after, search, rows)
}

// weightsVersion is the version of a form that shows the current weights.
func weightsVersion(ctx context.Context, db pg.DB) (int64, error) {
	return pg.Get[int64](ctx, db, "read the version of weights", `SELECT 1 + max(weight_version) FROM sku`)
}

// weighed is the weight of a SKU, and who set it.
type weighed struct {
	SKU     int64 `db:"sku"`
	Grams   int
	Version int64
	By      string
	At      time.Time
}

// weighedSince are the weights of some SKUs that were set after a form of this version was shown,
// the latest first.
func weighedSince(ctx context.Context, db pg.DB, skus []int64, version int64) ([]weighed, error) {
	return pg.List[weighed](ctx, db, "list weights that changed", `
		SELECT id AS sku, coalesce(weight_grams, 0) AS grams, weight_version AS version, weighed_by AS by,
		  weighed_at AS at
		FROM sku WHERE id = ANY($1) AND weight_version >= $2 AND weighed_at IS NOT NULL
		ORDER BY weight_version DESC, id`, skus, version)
}

// lockWeights waits for others who set weights. They take turns, so that a new version is higher
// than all that a form could have shown.
func lockWeights(ctx context.Context, tx pgx.Tx) error {
	return pg.Exec(ctx, tx, "lock weights", `SELECT pg_advisory_xact_lock(hashtext('weights'))`)
}

// weighSQL sets a SKU's weight if a condition holds, in a statement that updates SKUs s.
func weighSQL(where, grams, by string) string {
	return `weight_grams = CASE WHEN ` + where + ` THEN ` + grams + ` ELSE s.weight_grams END,
	    weight_version = CASE WHEN ` + where + ` THEN (SELECT 1 + max(weight_version) FROM sku)
	      ELSE s.weight_version END,
	    weighed_at = CASE WHEN ` + where + ` THEN now() ELSE s.weighed_at END,
	    weighed_by = CASE WHEN ` + where + ` THEN ` + by + ` ELSE s.weighed_by END`
}

// storeWeights stores weights, and returns the numbers that are not SKUs on sale; then nothing was
// stored. It returns adminui.ErrStale if one of the weights was set after the form of that version
// was shown.
func storeWeights(ctx context.Context, tx pgx.Tx, skus []int64, grams []int, version int64,
	by string) (unknown []int64, err error) {
	if err := lockWeights(ctx, tx); err != nil {
		return nil, err
	}
	unknown, err = pg.List[int64](ctx, tx, "list unknown SKUs", `
		SELECT x FROM unnest($1::bigint[]) AS x
		WHERE NOT EXISTS (SELECT FROM sku WHERE id = x AND product_id IS NOT NULL) ORDER BY x`, skus)
	if err != nil || len(unknown) > 0 {
		return unknown, err
	}
	since, err := weighedSince(ctx, tx, skus, version)
	if err != nil {
		return nil, err
	}
	if len(since) > 0 {
		return nil, adminui.ErrStale
	}

	return nil, pg.Exec(ctx, tx, "store weights", `
		WITH weights AS (
		  SELECT * FROM unnest($1::bigint[], $2::int[]) AS w (id, grams)
		), locked AS (
		  SELECT s.id FROM sku s WHERE s.id IN (SELECT id FROM weights) ORDER BY s.id FOR NO KEY UPDATE
		)
		UPDATE sku SET weight_grams = w.grams, weight_version = (SELECT 1 + max(weight_version) FROM sku),
		  weighed_at = now(), weighed_by = $3
		FROM weights w, locked WHERE sku.id = w.id AND locked.id = sku.id`, skus, grams, by)
}
