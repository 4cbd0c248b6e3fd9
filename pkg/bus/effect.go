package bus

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Effect is what a group of messages does, as one statement, which then is the whole transaction of
// a consumer: its inbox keys, the effect and the commit in one round trip.
type Effect struct {
	// What is the text of an error, as in pg.Exec.
	What string
	// SQL is a list of CTEs that change rows. They may read fresh, whose column key has the keys of
	// those messages that the consumer has not seen before, and only act on these.
	SQL string
	// Args are the parameters $3 and so on.
	Args []any
}

// commit notes inbox keys and applies the effect of those that are new.
func (e *Effect) commit(ctx context.Context, db pg.DB, consumer string, group []*Delivery) (fresh []string, err error) {
	return e.run(ctx, db, insertInbox(3+len(e.Args)), consumer, Keys(group), inboxParams(group)...)
}

// Apply applies the effect of messages whose keys are noted already: in the transaction of a
// Handle.
func (e *Effect) Apply(ctx context.Context, tx pgx.Tx, keys ...string) error {
	_, err := e.run(ctx, tx, `SELECT key FROM unnest($2::text[]) AS n (key) WHERE $1 <> ''`, "noted", keys)
	return err
}

func (e *Effect) run(ctx context.Context, db pg.DB, fresh, consumer string, keys []string,
	how ...any) ([]string, error) {
	return pg.List[string](ctx, db, e.What, `WITH fresh AS (`+fresh+`), `+e.SQL+` SELECT key FROM fresh`,
		slices.Concat([]any{consumer, keys}, e.Args, how)...)
}
