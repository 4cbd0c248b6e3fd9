package mailer

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/service"
)

// lookEvery is how often changes that staff made in SQL, and the queue, are checked.
const lookEvery = 5 * time.Second

// housekeeping are the periodic tasks of mailer.
func (s *server) housekeeping() []service.Task {
	return []service.Task{
		{Name: "old quota entries", Every: time.Hour, Do: deleteOldQuotaEntries},
		{Name: "content of old mails", Every: time.Hour, Do: clearContent},
		{Name: "resumed newsletters", Every: lookEvery, Do: s.resumeNewsletters},
		{Name: "scheduled campaigns", Every: lookEvery, Do: s.startScheduled},
		{Name: "campaigns that ended", Every: lookEvery, Do: endCampaigns},
		{Name: "name of the shop", Every: lookEvery, Do: s.readShop},
		{Name: "measure", Every: lookEvery, Do: measure},
	}
}

func (s *server) resumeNewsletters(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	n, err := resumeOthers(ctx, pool)
	if n > 0 {
		s.wakeSender()
	}
	return n, err
}

func measure(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	queued, qerr := countQueued(ctx, pool)
	if qerr == nil {
		mailsQueued.Set(float64(queued))
	}
	suppressed, serr := countSuppressed(ctx, pool)
	if serr == nil {
		mailsSuppressed.Set(float64(suppressed))
	}
	return 0, errors.Join(qerr, serr)
}
