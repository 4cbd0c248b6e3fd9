package order

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// nextOnClock is how many seconds remain until the next scheduled change of the catalog; negative
// if it has come and edge was not told.
func nextOnClock(ctx context.Context, db pg.DB) (seconds float64, planned bool, err error) {
	next, err := pg.Get[*float64](ctx, db, "find the next change of the catalog's clock", `
		SELECT extract(epoch FROM least(
		  (SELECT min(on_sale_from) FROM product WHERE on_sale_from > c.told_to),
		  (SELECT min(on_sale_until) FROM product WHERE on_sale_until > c.told_to),
		  (SELECT min(created_date_time) FROM sku_price
		    WHERE created_date_time > noted_at AND created_date_time > c.told_to),
		  (SELECT min(starts_at) FROM sku_sale WHERE starts_at > noted_at AND starts_at > c.told_to),
		  (SELECT min(ends_at) FROM sku_sale WHERE ends_at > c.told_to)) - clock_timestamp())::float8
		FROM catalog_clock c`)
	if err != nil || next == nil {
		return 0, false, err
	}
	return *next, true, nil
}

// enqueueCatalogChanges notes the products whose scheduled changes have come, and enqueues one
// message about them. Processes that do this at once take turns, and the second finds nothing to
// enqueue.
func enqueueCatalogChanges(ctx context.Context) func(tx pgx.Tx) error {
	return func(tx pgx.Tx) error {
		told, err := pg.Get[time.Time](ctx, tx, "lock the catalog's clock",
			`SELECT told_to FROM catalog_clock FOR UPDATE`)
		if err != nil {
			return err
		}
		n, err := pg.ExecRows(ctx, tx, "note what changed by the clock", `
			INSERT INTO catalog_change (product)
			SELECT identifier FROM product WHERE on_sale_from > $1 AND on_sale_from <= now()
			UNION
			SELECT identifier FROM product WHERE on_sale_until > $1 AND on_sale_until <= now()
			UNION
			SELECT p.identifier FROM sku_price x JOIN sku s ON s.id = x.sku_id JOIN product p ON p.id = s.product_id
			WHERE x.created_date_time > x.noted_at AND x.created_date_time > $1 AND x.created_date_time <= now()
			UNION
			SELECT p.identifier FROM sku_sale x JOIN sku s ON s.id = x.sku_id JOIN product p ON p.id = s.product_id
			WHERE x.starts_at > x.noted_at AND x.starts_at > $1 AND x.starts_at <= now()
			UNION
			SELECT p.identifier FROM sku_sale x JOIN sku s ON s.id = x.sku_id JOIN product p ON p.id = s.product_id
			WHERE x.ends_at > $1 AND x.ends_at <= now()
			ON CONFLICT DO NOTHING`, told)
		if err != nil {
			return err
		}

		to, err := pg.Get[time.Time](ctx, tx, "update the catalog's clock",
			`UPDATE catalog_clock SET told_to = greatest(told_to, now()) RETURNING told_to`)
		if err != nil || n == 0 {
			return err
		}
		return bus.Enqueue(ctx, tx, msg.Message{Key: fmt.Sprintf("catalog:clock:%d", to.UnixMicro()),
			Subject: msg.CatalogChanged, Payload: struct{}{}})
	}
}
