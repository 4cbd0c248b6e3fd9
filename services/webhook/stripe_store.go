package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// writerCount writers suffice to keep the disk busy: while one waits for its commit, the other
	// gathers the next group.
	writerCount = 2
	// groupSize is how many waiting events go into one statement at most.
	groupSize = 128
	// storeLimit is how long a request waits for its event to be stored before it is answered 503.
	storeLimit = 5 * time.Second
	// statementLimit leaves a request time to answer before storeLimit.
	statementLimit = 4 * time.Second
)

// errRefused says that PostgreSQL refuses the event itself: a repeat would not help.
var errRefused = errors.New("the event cannot be stored")

// store gathers the events of all requests that wait at one moment into one statement. One commit
// for many is what makes webhook faster than the disk would allow one by one.
type store struct {
	pool   *pgxpool.Pool
	wake   func() // the relay, after a commit
	queue  chan *job
	writes func(ctx context.Context, group []*job) error
}

// job is an event on its way into the database.
type job struct {
	event
	headers string
	done    chan error // buffered: a writer never waits for a request that left
}

func newStore(pool *pgxpool.Pool, wake func()) *store {
	s := &store{pool: pool, wake: wake, queue: make(chan *job, groupSize)}
	s.writes = s.insert
	return s
}

// add returns nil once the event is committed. When it returns an error the event may still become
// stored; the repeat then finds it there.
func (s *store) add(ctx context.Context, e event) error {
	ctx, cancel := context.WithTimeout(ctx, storeLimit)
	defer cancel()
	headers, err := json.Marshal(map[string]string{obs.TraceHeader: obs.Trace(ctx)})
	if err != nil {
		return fmt.Errorf("marshal headers: %w", err)
	}
	j := &job{event: e, headers: string(headers), done: make(chan error, 1)}
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

// write takes one event and whatever waits behind it, until ctx ends and nothing waits.
func (s *store) write(ctx context.Context) {
	for {
		select {
		case j := <-s.queue:
			s.commit(ctx, s.gather(j))
		case <-ctx.Done():
			select {
			case j := <-s.queue:
				s.commit(ctx, s.gather(j))
			default:
				return
			}
		}
	}
}

func (s *store) gather(first *job) []*job {
	group := append(make([]*job, 0, groupSize), first)
	for len(group) < groupSize {
		select {
		case j := <-s.queue:
			group = append(group, j)
		default:
			return group
		}
	}
	return group
}

// commit stores a group and answers each of it. When one event spoils the statement, the group is
// halved until the culprit stands alone.
func (s *store) commit(ctx context.Context, group []*job) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementLimit)
	err := s.writes(limit, group)
	cancel()
	switch {
	case err == nil:
		s.wake()
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

// insert is the one statement. Everything hangs on the event's row, so a repeat writes nothing.
// DISTINCT ON: the conflict would swallow the second of two equal ids in one group while the join
// brought it back. ORDER BY: two groups with common ids cannot deadlock.
func (s *store) insert(ctx context.Context, group []*job) error {
	n := len(group)
	ids, types, subjects, headers := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	pending, versions := make([]string, n), make([]*string, n)
	created, bodies := make([]*time.Time, n), make([][]byte, n)
	for i, j := range group {
		ids[i], types[i], subjects[i], headers[i] = j.id, j.kind, msg.StripeSubject(j.kind), j.headers
		receivers, err := json.Marshal(append([]string{}, msg.Receivers(subjects[i])...))
		if err != nil {
			return fmt.Errorf("marshal the receivers of %s: %w", subjects[i], err)
		}
		pending[i], versions[i], created[i], bodies[i] = string(receivers), j.apiVersion, j.created, j.body
	}
	_, err := s.pool.Exec(ctx, `
		WITH n AS (
			SELECT DISTINCT ON (id) * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[], $6::text[], $7::text[], $8::text[])
				AS n (id, type, api_version, created, payload, subject, headers, pending)
			ORDER BY id
		), e AS (
			INSERT INTO event (id, type, api_version, created, payload) SELECT id, type, api_version, created, payload FROM n
			ON CONFLICT (id) DO NOTHING RETURNING id
		)
		INSERT INTO outbox (key, subject, payload, headers, pending)
		SELECT id, subject, payload, headers::jsonb, ARRAY(SELECT jsonb_array_elements_text(pending::jsonb)) FROM n JOIN e USING (id)
		ON CONFLICT (key) DO NOTHING`, ids, types, versions, created, bodies, subjects, headers, pending)
	if err != nil {
		return fmt.Errorf("store %d events: %w", n, err)
	}
	return nil
}
