package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// Parked is a message that could not succeed, whole and with the reason.
type Parked struct {
	ID       int64             `json:"id"`
	Consumer string            `json:"consumer"`
	Key      string            `json:"key"`
	Subject  string            `json:"subject"`
	Headers  map[string]string `json:"headers"`
	Payload  []byte            `json:"-"`
	// Reason is the error of the last try, Attempts how many there were.
	Reason   string    `json:"reason"`
	Attempts int       `json:"attempts"`
	At       time.Time `json:"at"`
	// Resolution is "" while the message waits, then replayed or dropped.
	Resolution string    `json:"resolution,omitempty"`
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	ResolvedBy string    `json:"resolved_by,omitempty"`
	Note       string    `json:"note,omitempty"`
}

// misfitKey is the prefix of the key of a message that no sender published under its subject.
const misfitKey = "misfit:"

// Forged reports whether no sender of the shop published the message: it can be dropped, never
// replayed.
func (p Parked) Forged() bool { return strings.HasPrefix(p.Key, misfitKey) }

var (
	// ErrNotParked says that a message does not wait: it never did, or it was replayed or dropped.
	ErrNotParked = errors.New("the message is not parked")
	// ErrForged says that a message must not be replayed: its key does not match its subject.
	ErrForged = errors.New("no sender published this message under its subject")
)

// ReplayError says that a replayed message failed again.
type ReplayError struct{ Reason string }

// Error implements error.
func (e *ReplayError) Error() string { return "the message failed again: " + e.Reason }

// Replay gives a parked message to its consumer again: its effect, its inbox key, its resolution
// and what the function also does are one transaction. The inbox key stays throughout, so that a
// copy that the broker delivers at this moment, or later, changes nothing; and the second of two
// concurrent replays returns ErrNotParked. A message that fails again stays parked, with the new
// reason, and Replay returns a ReplayError: in that case the function also runs in the transaction
// that stores the reason. The function gets the message as it is by then.
func (c Consumer) Replay(ctx context.Context, id int64, by string, also func(pgx.Tx, Parked) error) error {
	p, found, err := FindParked(ctx, c.Pool, id)
	switch {
	case err != nil:
		return err
	case !found || p.Consumer != c.Name || p.Resolution != "":
		return ErrNotParked
	case p.Forged():
		return ErrForged
	}

	d := &Delivery{Key: p.Key, Subject: p.Subject, Data: p.Payload, Attempt: p.Attempts + 1, headers: p.Headers}
	ctx = d.context(ctx)
	if err := c.prepareAgain(ctx, d); err != nil {
		return c.failAgain(ctx, p, err, also)
	}

	var handling error
	err = c.tx(ctx, func(tx pgx.Tx) error {
		if err := resolveOpen(ctx, tx, id, "replayed", by, ""); err != nil {
			return err
		}
		if err := noteAgain(ctx, tx, c.Name, p.Key); err != nil {
			return err
		}
		if handling = guard(func() error { return c.act(ctx, tx, d) }); handling != nil {
			return handling
		}
		replayed := p
		replayed.Resolution = "replayed"
		return also(tx, replayed)
	})

	switch {
	case handling != nil:
		return c.failAgain(ctx, p, handling, also)
	case err != nil:
		return err
	case c.Committed != nil:
		c.Committed([]*Delivery{d})
	}

	return nil
}

// resolveOpen is resolveParked, and fails with ErrNotParked if the message does not wait.
func resolveOpen(ctx context.Context, tx pgx.Tx, id int64, resolution, by, note string) error {
	waited, err := resolveParked(ctx, tx, id, resolution, by, note)
	if err == nil && !waited {
		err = ErrNotParked
	}
	return err
}

func (c Consumer) prepareAgain(ctx context.Context, d *Delivery) error {
	if c.Prepare == nil {
		return nil
	}
	return guard(func() error { return c.Prepare(ctx, d) })
}

// act does what the message does, in a transaction that has noted its key.
func (c Consumer) act(ctx context.Context, tx pgx.Tx, d *Delivery) error {
	if c.Concerns != nil && !c.Concerns(d) {
		return nil
	}
	if c.Effect == nil {
		return c.Handle(ctx, tx, []*Delivery{d})
	}
	effect, err := c.Effect([]*Delivery{d})
	switch {
	case err != nil:
		return err
	case effect == nil:
		return c.Handle(ctx, tx, []*Delivery{d})
	}
	return effect.Apply(ctx, tx, d.Key)
}

// failAgain stores the new reason of a message that failed again. If the database is unavailable it
// returns the error: the message was not tried.
func (c Consumer) failAgain(ctx context.Context, p Parked, cause error, also func(pgx.Tx, Parked) error) error {
	if pg.IsUnavailable(cause) || ctx.Err() != nil {
		return fmt.Errorf("replay a message of %s: %w", c.Name, cause)
	}
	p.Reason, p.Attempts = pg.StorableText(cause.Error(), 0), p.Attempts+1
	err := c.tx(ctx, func(tx pgx.Tx) error {
		waits, err := noteReason(ctx, tx, p.ID, p.Reason)
		if err != nil || !waits {
			return err
		}
		return also(tx, p)
	})
	if err != nil {
		return err
	}
	return &ReplayError{p.Reason}
}

// Drop resolves a parked message for which nothing has to be done, with a person's reason, in one
// transaction with what the function also does. It fails with ErrNotParked if the message does not
// wait.
func (c Consumer) Drop(ctx context.Context, id int64, by, note string, also func(pgx.Tx, Parked) error) error {
	return c.tx(ctx, func(tx pgx.Tx) error {
		p, found, err := FindParked(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case !found || p.Consumer != c.Name:
			return ErrNotParked
		}
		if err := resolveOpen(ctx, tx, id, "dropped", by, note); err != nil {
			return err
		}
		return also(tx, p)
	})
}
