package order

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// queue adds a query whose rows are handed on one by one, as structs.
func queue[T any](b *pgx.Batch, each func(T), sql string, args ...any) {
	b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
		list, err := pgx.CollectRows(rows, pgx.RowToStructByName[T])
		for _, v := range list {
			each(v)
		}
		return err
	})
}

// text is a column that may be null, as a text.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// orNull is a time for a column that is null without one.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// filled is the other way round: null for an empty text.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
