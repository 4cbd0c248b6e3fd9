package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Decode reads the payload of a message. A message whose payload cannot be read, or lacks what it
// is about (its method Complete), can never succeed and is parked.
func Decode[T any](d *Delivery) (payload T, err error) {
	if err = json.Unmarshal(d.Data, &payload); err == nil {
		if c, ok := any(payload).(interface{ Complete() bool }); ok && !c.Complete() {
			err = errors.New("it does not name what it is about")
		}
	}
	if err != nil {
		return payload, Permanent(fmt.Errorf("read %s %s: %w", d.Subject, d.Key, err))
	}
	return payload, nil
}

// Apply decodes the payload of a message and acts on it.
func Apply[T any](ctx context.Context, tx pgx.Tx, d *Delivery, do func(context.Context, pgx.Tx, T) error) error {
	payload, err := Decode[T](d)
	if err != nil {
		return err
	}
	return do(ctx, tx, payload)
}
