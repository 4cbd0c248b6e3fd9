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

// toPack is an order for the person who packs it: what was sold, and where it goes.
type toPack struct {
	Identifier     string          `json:"order"`
	PlacedAt       time.Time       `json:"placed_at"`
	Status         *string         `json:"status"`
	ShippingMethod *string         `json:"shipping_method"`
	Address        json.RawMessage `json:"shipping_address"`
	Lines          json.RawMessage `json:"lines"`
}

// listPacking prints one order, or every order that has something to send, oldest first.
func listPacking(ctx context.Context, pool *pgxpool.Pool, identifier string, out io.Writer) error {
	list, err := ordersToPack(ctx, pool, identifier)
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
