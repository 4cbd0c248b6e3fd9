package order

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

const (
	// pictureEvery is how often the worker looks for work by itself: uploads wake the worker of
	// their process, and work that another process left can wait.
	pictureEvery = time.Minute
	// pictureTries is how often a picture is tried.
	pictureTries = 5
)

// makePictures makes the WebP of each picture that was uploaded, until ctx ends. One is made at a
// time, so that memory is bounded; until it is there edge serves the JPEG.
func (s *server) makePictures(ctx context.Context) error {
	return wait.Loop(ctx, s.log, "make pictures", pictureEvery, s.pictureWork, s.makePicture)
}

// makePicture makes the WebP of the next picture; made is false if there is none.
func (s *server) makePicture(ctx context.Context) (made bool, err error) {
	p, found, err := claimPicture(ctx, s.pool)
	if err != nil || !found {
		return false, err
	}
	err = s.makeWebP(ctx, p.Name)
	switch {
	case ctx.Err() != nil:
		return false, ctx.Err()
	case err == nil:
		return true, deletePictureWork(ctx, s.pool, p.Name)
	case errors.Is(err, picture.ErrNoWebP) || p.Tries >= pictureTries:
		s.log.WarnContext(ctx, "a picture stays a JPEG", "picture", p.Name, "error", err)
		return true, deletePictureWork(ctx, s.pool, p.Name)
	}
	s.log.WarnContext(ctx, "making a WebP failed, will retry", "picture", p.Name, "attempt", p.Tries, "error", err)
	return true, nil
}

// makeWebP makes the WebP of a picture in each width, the largest last.
func (s *server) makeWebP(ctx context.Context, name string) error {
	hash, own, ok := media.Parse(name)
	if !ok {
		return fmt.Errorf("%w: %q is not a name", picture.ErrNoWebP, name)
	}
	if _, err := s.media.Get(ctx, media.WebP(name)); !errors.Is(err, media.ErrNotFound) {
		return err // it was uploaded again, or stored by a try that was interrupted
	}

	body, err := s.media.Get(ctx, name)
	if errors.Is(err, media.ErrNotFound) {
		return fmt.Errorf("%w: %w", picture.ErrNoWebP, err)
	} else if err != nil {
		return err
	}
	select {
	case s.pictures <- struct{}{}:
		defer func() { <-s.pictures }()
	case <-ctx.Done():
		return ctx.Err()
	}

	return picture.WebPs(body, own, func(width int, file []byte) error {
		if err := s.media.Put(ctx, media.WebP(media.Name(hash, width)), file); err != nil {
			return err
		}
		return ctx.Err()
	})
}
