package order

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

// fetchTries is how often a server is tried that cannot be reached: within an hour.
const fetchTries = 5

// fetchPictures fetches the pictures on other servers that files of products name, one after the
// other, until ctx ends.
func (s *server) fetchPictures(ctx context.Context) error {
	return wait.Loop(ctx, s.log, "fetch pictures", pictureEvery, s.fetchWork, s.fetchPicture)
}

// fetchPicture fetches the next picture; done is false if there is none.
func (s *server) fetchPicture(ctx context.Context) (done bool, err error) {
	f, found, err := claimFetch(ctx, s.pool)
	if err != nil || !found {
		return false, err
	}

	var address string
	body, err := s.fetcher.Fetch(ctx, f.URL)
	if err == nil {
		address, err = s.keepPicture(ctx, func() ([]byte, error) { return body, nil })
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err == nil {
		err = s.outbox.Tx(ctx, func(tx pgx.Tx) error { return storeFetched(ctx, tx, f, address) })
		s.catalogChanged()
		wait.Wake(s.pictureWork)
		return true, err
	}

	trouble, ended := "It was fetched but could not be stored.", f.Tries >= fetchTries
	if no, ok := errors.AsType[picture.NotYet](err); ok {
		trouble = no.Error()
	} else if no, ok := errors.AsType[picture.Refusal](err); ok {
		trouble, ended = no.Error(), true
	}
	s.log.WarnContext(ctx, "a picture is not fetched", "fetch", f.ID, "attempt", f.Tries, "ended", ended, "error", err)
	return true, noteFetchTrouble(ctx, s.pool, f.ID, trouble, ended)
}
