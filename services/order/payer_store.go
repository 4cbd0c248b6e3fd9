package order

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// limitedCodes are the texts of the codes in a list that have a limit per customer.
func limitedCodes(ctx context.Context, tx pgx.Tx, codes []int64) ([]string, error) {
	return pg.List[string](ctx, tx, "list codes with a limit for each customer", `
		SELECT code FROM discount_code WHERE id = ANY($1) AND max_uses_per_customer IS NOT NULL ORDER BY id`, codes)
}
