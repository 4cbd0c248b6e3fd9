package mailer

import (
	"context"
	"errors"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// lookEvery is how often is looked at what staff change by SQL, and at what waits.
const lookEvery = 5 * time.Second

// housekeeping drops personal content that is not needed any more, lets newsletters go on that staff
// resumed by SQL, and measures what waits.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "room of addresses", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return 0, emptyRooms(ctx, s.pool) }},
		{Name: "content of old mails", Every: time.Hour, Do: func(ctx context.Context) (int64, error) { return forgetContent(ctx, s.pool) }},
		{Name: "resumed newsletters", Every: lookEvery, Do: s.resumeNewsletters},
		{Name: "measure", Every: lookEvery, Do: s.measure},
	}
}

func (s *server) resumeNewsletters(ctx context.Context) (int64, error) {
	n, err := resumeOthers(ctx, s.pool)
	if n > 0 {
		s.wakeSender()
	}
	return n, err
}

func (s *server) measure(ctx context.Context) (int64, error) {
	queued, qerr := countQueued(ctx, s.pool)
	if qerr == nil {
		mailsQueued.Set(float64(queued))
	}
	suppressed, serr := countSuppressed(ctx, s.pool)
	if serr == nil {
		mailsSuppressed.Set(float64(suppressed))
	}
	return 0, errors.Join(qerr, serr)
}
