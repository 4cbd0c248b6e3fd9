package pg

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// housekeepingGroup bounds one statement of housekeeping, so that a backlog blocks no other work.
const housekeepingGroup = 5000

// InGroups repeats a statement that deletes or empties old rows, at most $1 of them at a time,
// until it changes fewer, and returns how many rows it changed in all. Further arguments are $2 and
// so on.
func InGroups(ctx context.Context, pool *pgxpool.Pool, what, sql string, args ...any) (total int64, err error) {
	for {
		tag, err := pool.Exec(ctx, sql, append([]any{housekeepingGroup}, args...)...)
		if err != nil {
			return total, fmt.Errorf("%s: %w", what, err)
		}
		total += tag.RowsAffected()
		if tag.RowsAffected() < housekeepingGroup {
			return total, nil
		}
	}
}
