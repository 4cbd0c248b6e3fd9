package order

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

const (
	// keepCarts is how long a cart stays that is neither looked at nor changed (findCart notes it once a day).
	keepCarts = 90 * 24 * time.Hour
	// keepQuotes is how long a quote stays that ended without a payment: longer than a bank may take to say no.
	keepQuotes = 90 * 24 * time.Hour
)

// housekeeping deletes what has outlived its use.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old carts", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return deleteOldCarts(ctx, s.db) }},
		{Name: "old quotes", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return deleteOldQuotes(ctx, s.db) }},
		{Name: "merged carts", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return deleteOldMerges(ctx, s.db) }},
	}
}
