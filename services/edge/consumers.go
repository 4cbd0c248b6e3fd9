package edge

import (
	"context"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// consumers are the durable subscriptions of edge. They repeat what edge has already done on user's
// answers, in case it could not.
func (s *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.EdgeUser, Stream: "USER", Pool: s.pool, Handle: s.onUser, Committed: s.afterUser},
	}
}

// onUser ends and refreshes sessions.
func (s *server) onUser(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		memberID, err := s.onUserMessage(ctx, tx, d)
		if err != nil {
			return err
		}
		s.changedMembers.add(memberID)
	}
	return nil
}

// afterUser makes every edge evict the changed members' sessions after the commit.
func (s *server) afterUser([]*bus.Delivery) {
	for _, id := range s.changedMembers.take() {
		s.revoke(id)
	}
	s.outbox.Wake()
}

// members collects ids between a transaction and its commit. A superfluous one costs only a lookup.
type members struct {
	mu  sync.Mutex
	ids []int64
}

func (m *members) add(id int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ids = append(m.ids, id)
}

func (m *members) take() []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	ids := m.ids
	m.ids = nil
	return ids
}

func (s *server) onUserMessage(ctx context.Context, tx pgx.Tx, d *bus.Delivery) (memberID int64, err error) {
	switch d.Subject {
	case msg.UserCredentialsChanged:
		m, err := bus.Decode[msg.CredentialsChanged](d)
		if err != nil {
			return 0, err
		}
		keep, err := hex.DecodeString(m.KeepSession)
		if err != nil {
			return 0, bus.Permanent(fmt.Errorf("read the session to keep: %w", err))
		}
		return m.MemberID, endSessionsBefore(ctx, tx, m.MemberID, keep, m.At)
	case msg.UserProfileChanged:
		m, err := bus.Decode[msg.Member](d)
		if err != nil {
			return 0, err
		}
		return m.ID, updateSessionsTo(ctx, tx, m)
	case msg.UserErased:
		return 0, erasure.Receive(ctx, tx, d, s.erasePerson)
	}
	return 0, nil
}
