package erasure

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// underway is how long a message that left an outbox before the erasure may be on its way into its
// stream: longer than any attempt to publish takes.
const underway = 8 * time.Second

// SweepStreams deletes from every stream what mentions an erased person, as soon as every service
// has acted on the message that said so, and once more when nothing can be under way any longer;
// then it deletes that message itself. It runs until ctx ends and needs the rights of provisioning.
func SweepStreams(ctx context.Context, log *slog.Logger, b *bus.Bus) {
	bus.AfterAll(ctx, b, "provision-erasure", msg.UserErased, func(ctx context.Context, due []msg.Erased) error {
		s := sweep{bus: b, next: map[string]uint64{}, purchases: map[string]bool{}}
		for _, e := range due {
			s.people = append(s.people, Of(e))
		}
		if err := s.round(ctx); err != nil {
			return err
		}
		if !wait.Sleep(ctx, underway) {
			return ctx.Err()
		}
		if err := s.round(ctx); err != nil {
			return err
		}
		log.Info("people erased from the streams", "erasures", len(due), "messages", s.deleted)
		return nil
	})
}

// sweep erases people from the streams, in rounds of which each goes on where the last one ended.
type sweep struct {
	bus       *bus.Bus
	people    []Person
	next      map[string]uint64 // by stream
	purchases map[string]bool   // Stripe's ids of what belongs to purchases of theirs
	deleted   int
}

func (s *sweep) round(ctx context.Context) error {
	for _, stream := range msg.Streams {
		if stream.Counters || stream.Name == "ADVISORY" {
			continue // they hold hashes and sequence numbers only
		}
		visit := s.isAbout
		if stream.Name == "STRIPE" {
			if err := s.findPurchases(ctx, stream.Name); err != nil {
				return err
			}
			visit = func(subject string, data []byte) bool {
				return slices.ContainsFunc(StripeObjects(data), func(id string) bool { return s.purchases[id] }) ||
					s.isAbout(subject, data)
			}
		}
		next, deleted, err := s.bus.Walk(ctx, stream.Name, s.next[stream.Name], visit)
		s.next[stream.Name], s.deleted = next, s.deleted+deleted
		if err != nil {
			return err
		}
	}
	return nil
}

// isAbout reports whether a message is about one of the people. Those of msg.UserErased go last, as
// a whole.
func (s *sweep) isAbout(subject string, data []byte) bool {
	return subject != msg.UserErased && slices.ContainsFunc(s.people,
		func(p Person) bool { return p.MentionedIn(subject, data) })
}

// findPurchases gathers the ids of Stripe's objects: what Stripe says of a purchase may name its
// buyer without an address. With new ones the stream is read from its beginning.
func (s *sweep) findPurchases(ctx context.Context, stream string) error {
	known := len(s.purchases)
	_, _, err := s.bus.Walk(ctx, stream, s.next[stream], func(subject string, data []byte) bool {
		if s.isAbout(subject, data) {
			for _, id := range StripeObjects(data) {
				s.purchases[id] = true
			}
		}
		return false
	})
	if len(s.purchases) > known {
		s.next[stream] = 0
	}
	return err
}
