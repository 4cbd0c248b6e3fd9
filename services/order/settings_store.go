package order

import (
	"context"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// setting reads one value of the configuration, as it is now; nil when it is null or missing.
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
