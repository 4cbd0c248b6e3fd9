package bench

import (
	"context"
	"fmt"
	"time"
)

// starts measures how long the whole shop, PostgreSQL and broker included, takes from its start
// until a shopper can buy, and its memory at that moment.
func (b *bench) starts(ctx context.Context) error {
	b.say("starts of the whole shop")
	cold, err := b.openShop()
	if err != nil {
		return err
	}
	took := time.Since(cold.began)
	if err := cold.stop(); err != nil {
		return err
	}
	b.notes = append(b.notes, fmt.Sprintf("\nFirst start, which makes the database: %.1f s.", took.Seconds()))
	for range 2 {
		if err := b.warmStart(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) warmStart(ctx context.Context) error {
	s, err := b.openShop()
	if err != nil {
		return err
	}
	took := time.Since(s.began)
	at := s.memory()
	idle := at
	select { // memory that starting took is given back to the system within seconds
	case <-time.After(8 * time.Second):
		idle = s.memory()
	case <-ctx.Done():
	}
	b.notes = append(b.notes,
		fmt.Sprintf("Warm start, PostgreSQL included: %.1f s (want < 3 s). Memory without PostgreSQL: %.0f MiB "+
			"when open, %.0f MiB after 8 idle seconds (want < 120).", took.Seconds(), at, idle))
	return s.stop()
}
