package order

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/media"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/services/order/webp"
)

const (
	// webpQuality is where a product's picture looks as its JPEG does.
	webpQuality = 80
	// maxWebPPixels bounds the memory that a WebP takes to make, some 15 bytes for a pixel. Pictures that are larger,
	// which are more than twice as high as wide, stay JPEGs in their largest width.
	maxWebPPixels = 8_000_000
	// picturePoll is how long the worker waits when there is nothing to do: uploads wake that of their process, and
	// what another process left behind can wait.
	picturePoll = time.Minute
	// pictureTries is how often a picture is tried.
	pictureTries = 5
)

// errNoPicture says that no WebP can be made of a picture, however often it is tried.
var errNoPicture = errors.New("no picture to make a WebP of")

// makePictures makes the WebP of each picture that was uploaded, until ctx ends. One is made at a time, so that memory
// is bounded; until it is there edge serves the JPEG.
func (s *server) makePictures(ctx context.Context) error {
	return s.oneByOne(ctx, "make pictures", s.pictureWork, s.makePicture)
}

// oneByOne does one thing after the other until there is none, and looks again when it is woken, and now and then,
// until ctx ends.
func (s *server) oneByOne(ctx context.Context, what string, woken <-chan struct{},
	do func(context.Context) (done bool, err error)) error {
	for {
		done, err := do(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, what, "error", err)
		}
		if done && err == nil {
			continue
		}
		if !wait.SleepOrWake(ctx, picturePoll, woken) {
			return nil
		}
	}
}

// makePicture makes the WebP of the next picture; made is false when there is none.
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
		return true, dropPicture(ctx, s.pool, p.Name)
	case errors.Is(err, errNoPicture) || p.Tries >= pictureTries:
		s.log.WarnContext(ctx, "a picture stays a JPEG", "picture", p.Name, "error", err)
		return true, dropPicture(ctx, s.pool, p.Name)
	}
	s.log.WarnContext(ctx, "a picture has to wait", "picture", p.Name, "attempt", p.Tries, "error", err)
	return true, nil
}

// makeWebP makes the WebP of a picture in each width, the largest last.
func (s *server) makeWebP(ctx context.Context, name string) error {
	hash, own, ok := media.Parse(name)
	if !ok {
		return fmt.Errorf("%w: %q is not a name", errNoPicture, name)
	}
	if _, err := s.media.Get(ctx, media.WebP(name)); !errors.Is(err, media.ErrNotFound) {
		return err // uploaded once more, or kept before a try ended
	}
	body, err := s.media.Get(ctx, name)
	if errors.Is(err, media.ErrNotFound) {
		return fmt.Errorf("%w: %w", errNoPicture, err)
	} else if err != nil {
		return err
	}
	select {
	case s.pictures <- struct{}{}:
		defer func() { <-s.pictures }()
	case <-ctx.Done():
		return ctx.Err()
	}
	img, err := jpeg.Decode(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%w: %w", errNoPicture, err)
	}
	source := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
	draw.Draw(source, source.Bounds(), img, img.Bounds().Min, draw.Src)
	for width, small := range sizes(source, own) {
		if width*small.Bounds().Dy() > maxWebPPixels {
			return fmt.Errorf("%w: it is too high", errNoPicture)
		}
		file, err := webp.Encode(small, webpQuality)
		if err != nil {
			return fmt.Errorf("%w: %w", errNoPicture, err)
		}
		if err := s.media.Put(ctx, media.WebP(media.Name(hash, width)), file); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
