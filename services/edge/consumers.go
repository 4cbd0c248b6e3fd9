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

// consumers are edge's durable subscriptions. They repeat what user's answers had edge do already,
// for the case that edge could not.
func (e *server) consumers() []bus.Consumer {
	return []bus.Consumer{
		{Name: msg.EdgeUser, Stream: "USER", Pool: e.pool, Handle: e.onUser, Committed: e.afterUser},
	}
}

// onUser ends and refreshes sessions.
func (e *server) onUser(ctx context.Context, tx pgx.Tx, group []*bus.Delivery) error {
	for _, d := range group {
		memberID, err := e.onUserMessage(ctx, tx, d)
		if err != nil {
			return err
		}
		e.changed.add(memberID)
	}
	return nil
}

// afterUser has every edge drop, once the commit is done, what it knew of the members in question.
func (e *server) afterUser([]*bus.Delivery) {
	for _, id := range e.changed.take() {
		e.revoke(id)
	}
	e.outbox.Wake()
}

// members collects ids between a transaction and its commit. One too many costs a look-up.
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

func (e *server) onUserMessage(ctx context.Context, tx pgx.Tx, d *bus.Delivery) (memberID int64, err error) {
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
		return 0, erasure.Receive(ctx, tx, d, e.erasePerson)
	}
	return 0, nil
}
