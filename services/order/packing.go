package order

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// toPack is an order as the person sees it who packs it: what was sold, and where it goes.
type toPack struct {
	Identifier     string          `json:"order"`
	PlacedAt       time.Time       `json:"placed_at"`
	Status         *string         `json:"status"`
	ShippingMethod *string         `json:"shipping_method"`
	Address        json.RawMessage `json:"shipping_address"`
	Lines          json.RawMessage `json:"lines"`
}

// listPacking prints one order, or every order that is not at the last status yet, oldest first.
func listPacking(ctx context.Context, db *pgxpool.Pool, identifier string, out io.Writer) error {
	list, err := collect[toPack](ctx, db, "orders to pack", `
		SELECT o.identifier, o.placed_at, latest.status, o.shipping_method->>'carrier' AS shipping_method, o.shipping_address AS address,
		       (SELECT jsonb_agg(jsonb_build_object('sku', sku_id, 'quantity', quantity, 'product', product_title, 'text', description, 'colour', color, 'size', size) ORDER BY seq)
		        FROM order_line WHERE order_id = o.id) AS lines
		FROM orders o
		LEFT JOIN LATERAL (SELECT s.status FROM order_status s JOIN status k ON k.identifier = s.status WHERE s.order_id = o.id ORDER BY s.created_date_time DESC, k.position DESC LIMIT 1) latest ON true
		WHERE CASE WHEN $1 = '' THEN latest.status IS DISTINCT FROM (SELECT identifier FROM status ORDER BY position DESC LIMIT 1) ELSE o.identifier = $1 END
		ORDER BY o.placed_at, o.id`, identifier)
	if err != nil {
		return err
	}
	if identifier != "" && len(list) == 0 {
		return fmt.Errorf("there is no order %s", identifier)
	}
	for _, o := range list {
		line, err := json.Marshal(o)
		if err == nil {
			_, err = fmt.Fprintf(out, "%s\n", printout.JSON(line))
		}
		if err != nil {
			return errors.Join(errors.New("print an order to pack"), err)
		}
	}
	return nil
}
