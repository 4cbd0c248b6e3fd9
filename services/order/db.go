package order

import (
	"github.com/jackc/pgx/v5"
)

// queue adds a query whose rows are handed to a function one by one, as structs.
func queue[T any](b *pgx.Batch, each func(T), sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
		for _, v := range list {
			each(v)
		}
		return err
	})
}

// filled is a text as a column holds it that is null instead of empty.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
