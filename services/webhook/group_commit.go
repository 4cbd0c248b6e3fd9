package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// writerCount writers suffice to keep the disk busy: while one waits for its commit, the other
	// gathers the next group.
	writerCount = 2
	// commitBatchSize is how many waiting events one transaction stores at most.
	commitBatchSize = 128
	// requestTimeout is how long a request waits for its event to be stored before it is answered
	// 503.
	requestTimeout = 5 * time.Second
	// commitTimeout leaves a request time to answer before requestTimeout.
	commitTimeout = 4 * time.Second
)

// fewEvents is the size up to which a group is cheaper in one statement, although that compresses
// each body twice.
const fewEvents = 4

// errRefused means that PostgreSQL refuses the event itself: a repeat would not help.
var errRefused = errors.New("the event cannot be stored")

// store gathers the events of all requests that wait at the same moment into one transaction. One
// commit for many makes webhook faster than the disk would allow one by one.
type store struct {
	outbox *bus.Outbox
	queue  chan *job
	writes func(ctx context.Context, group []*job) error
}

// job is an event on its way into the database.
type job struct {
	event
	trace string
	done  chan error // buffered: a writer never waits for a request that left
}

func newStore(outbox *bus.Outbox) *store {
	s := &store{outbox: outbox, queue: make(chan *job, commitBatchSize)}
	s.writes = s.insert
	return s
}

// add returns nil once the event is committed, or an error when ctx ends. After an error the event
// may still be stored; the repeat then finds it.
func (s *store) add(ctx context.Context, e event) error {
	j := &job{event: e, trace: obs.Trace(ctx), done: make(chan error, 1)}
	select {
	case s.queue <- j:
	case <-ctx.Done():
		return fmt.Errorf("wait for a writer: %w", ctx.Err())
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("wait for the commit of an event: %w", ctx.Err())
	}
}

// write commits one event together with all that are queued behind it, until ctx ends and the queue
// is empty.
func (s *store) write(ctx context.Context) error {
	for {
		select {
		case j := <-s.queue:
			s.commit(ctx, wait.Queued(j, s.queue, commitBatchSize))
		case <-ctx.Done():
			select {
			case j := <-s.queue:
				s.commit(ctx, wait.Queued(j, s.queue, commitBatchSize))
			default:
				return nil
			}
		}
	}
}

// commit stores a group and answers each of its requests. If one event spoils the transaction, the
// group is halved until that event stands alone.
func (s *store) commit(ctx context.Context, group []*job) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	err := s.writes(limit, group)
	cancel()
	switch {
	case pg.IsData(err) && len(group) > 1:
		s.commit(ctx, group[:len(group)/2])
		s.commit(ctx, group[len(group)/2:])
		return
	case pg.IsData(err):
		err = errors.Join(errRefused, err)
	}
	for _, j := range group {
		j.done <- err
	}
}

// insert is one transaction. The messages depend on the rows that were added, so a repeat writes
// nothing.
func (s *store) insert(ctx context.Context, group []*job) error {
	// Two groups with common ids cannot deadlock if both are sorted. Sorting here, rather than in
	// the statement, does not move the bodies.
	group = slices.SortedFunc(slices.Values(group), func(a, b *job) int { return strings.Compare(a.id, b.id) })
	if len(group) <= fewEvents {
		return insertFew(ctx, s.outbox, group)
	}
	err := s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		added, err := insertEvents(ctx, tx, group)
		if err != nil || len(added) == 0 {
			return err
		}
		return enqueue(ctx, tx, added)
	})
	if err != nil {
		return fmt.Errorf("store %d events: %w", len(group), err)
	}
	return nil
}
