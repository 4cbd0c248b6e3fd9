package mailer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// slotClass keeps mailer's advisory locks apart from others in the database ("mail").
	slotClass = 0x6d61696c
	slotCount = 64
)

// slots says to which process a lease belongs. A process holds the advisory lock of its slot, on a
// connection of its own, for as long as it has mails in flight; PostgreSQL drops the lock with the
// process. So a process that gets the lock of a slot knows that the former owner is gone or has
// nothing to send, and may free its leases at once instead of waiting for them to run out.
type slots struct {
	pool *pgxpool.Pool
	conn *pgx.Conn // taken out of the pool: it must live as long as the slot is held
	own  int
}

// take gets the lowest free slot and frees the leases of its former owner.
func (s *slots) take(ctx context.Context) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect for a slot: %w", err)
	}
	s.conn = conn.Hijack()

	for slot := 1; slot <= slotCount; slot++ {
		free, err := lockSlot(ctx, s.conn, slot)
		if err != nil {
			s.release()
			return err
		}
		if !free {
			continue
		}
		if slot == s.own { // the connection broke, not the process: the leases are still ours
			return nil
		}
		if _, err := freeLeases(ctx, s.pool, slot); err != nil {
			s.release()
			return err
		}
		s.own = slot
		return nil
	}

	s.release()
	return fmt.Errorf("all %d slots are taken", slotCount)
}

// sweep frees the leases of dead processes in other slots. Slots are taken from below, so no
// process ever had one far above our own.
func (s *slots) sweep(ctx context.Context) error {
	for slot := 1; slot <= min(s.own+8, slotCount); slot++ {
		if slot == s.own {
			continue
		}
		free, err := lockSlot(ctx, s.conn, slot)
		if err != nil {
			return err
		}
		if !free {
			continue
		}
		if _, err := freeLeases(ctx, s.pool, slot); err != nil {
			return err
		}
		if err := unlockSlot(ctx, s.conn, slot); err != nil {
			return err
		}
	}
	return nil
}

// held reports whether the lock is still held.
func (s *slots) held(ctx context.Context) bool {
	if s.conn == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if s.conn.Ping(ctx) == nil {
		return true
	}
	s.release()
	return false
}

// giveUp releases the slot of a process that has no mail in flight. First it frees the leases of
// claims without an answer, since otherwise no one would until they run out.
func (s *slots) giveUp(ctx context.Context) error {
	own := s.own
	s.own = 0
	defer s.release()
	if !s.held(ctx) {
		return nil // it may be another process's by now
	}
	ctx, cancel := context.WithTimeout(ctx, slotTimeout)
	defer cancel()
	_, err := freeLeases(ctx, s.pool, own)
	return err
}

// releaseTimeout bounds closing the slot's connection.
const releaseTimeout = time.Second

// release gives the slot up by ending the connection.
func (s *slots) release() {
	if s.conn == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), releaseTimeout)
	defer cancel()
	s.conn.Close(ctx) //nolint:errcheck,gosec // it may be broken already
	s.conn = nil
}
