package mailinbox

import (
	"context"
	"fmt"
)

// Mails returns all kept mails, oldest first, with their bodies.
func (s *Server) Mails() []Mail {
	heads := s.store.heads()
	mails := make([]Mail, 0, len(heads))
	for _, h := range heads {
		m, ok, err := s.store.whole(h)
		if err != nil {
			s.log.Error("mail inbox: list mails", "error", err)
			m, ok = h, true // its head at least
		}
		if ok {
			mails = append(mails, m)
		}
	}
	return mails
}

// Wait returns the oldest mail that match accepts, among those that are there or as soon as it
// arrives.
func (s *Server) Wait(ctx context.Context, match func(Mail) bool) (Mail, error) {
	last := ""
	for {
		heads, changed := s.store.since(last)
		for _, h := range heads {
			last = h.ID
			m, ok, err := s.store.whole(h)
			if err != nil {
				return Mail{}, fmt.Errorf("wait for a mail: %w", err)
			}
			if ok && match(m) {
				return m, nil
			}
		}
		select {
		case <-ctx.Done():
			return Mail{}, fmt.Errorf("wait for a mail: %w", ctx.Err())
		case <-changed:
		}
	}
}

// Seen tells how many deliveries of a Message-ID have been taken since the last Clear, also of
// mails that are too old to be kept.
func (s *Server) Seen(messageID string) int { return s.store.count(messageID) }

// Clear removes all mails and their Message-IDs.
func (s *Server) Clear() error { return s.store.clear() }

// SetSwitches replaces all switches; the zero value ends every trouble. It returns when the change
// is in force.
func (s *Server) SetSwitches(sw Switches) error { return s.switches.set(sw) }

// Switches returns the switches as they are now, with what is left of their counts.
func (s *Server) Switches() Switches { return s.switches.get() }
