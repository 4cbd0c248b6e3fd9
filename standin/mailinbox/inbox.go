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
			m, ok = h, true // without its body
		}
		if ok {
			mails = append(mails, m)
		}
	}
	return mails
}

// Wait returns the oldest mail that match accepts, and waits for one if there is none.
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

// Seen returns how many deliveries of a Message-ID were taken since the last Clear, including those
// whose mail is too old to be kept.
func (s *Server) Seen(messageID string) int { return s.store.count(messageID) }

// Clear removes all mails and their Message-IDs.
func (s *Server) Clear() error { return s.store.clear() }

// SetSwitches replaces all switches; the zero value turns all off. It returns when the change is in
// force.
func (s *Server) SetSwitches(sw Switches) error { return s.switches.set(sw) }

// Switches returns the current switches, with what is left of their counts.
func (s *Server) Switches() Switches { return s.switches.get() }
