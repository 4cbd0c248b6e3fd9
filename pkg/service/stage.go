package service

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// errEnded is the error of a part that returned too early and without an error.
var errEnded = errors.New("ended by itself")

// stage is the parts that are told to stop together.
type stage struct {
	ctx   context.Context
	end   context.CancelFunc
	fail  func() // ends the service
	parts errgroup.Group
}

// newStage makes a stage with the values of ctx and an end of its own.
func newStage(ctx context.Context, fail func()) *stage {
	s := &stage{fail: fail}
	s.ctx, s.end = context.WithCancel(context.WithoutCancel(ctx))
	return s
}

// start runs a part, which must not end before the stage does.
func (s *stage) start(name string, run func(context.Context) error) {
	s.parts.Go(func() error {
		err := run(s.ctx)
		switch stopped := s.ctx.Err() != nil; {
		case stopped && (err == nil || errors.Is(err, context.Canceled)):
			return nil
		case !stopped:
			defer s.fail()
			if err == nil {
				err = errEnded
			}
		}
		return fmt.Errorf("%s: %w", name, err)
	})
}

// stop tells the parts to end, waits until they have, and returns the first error of any.
func (s *stage) stop() error {
	s.end()
	return s.parts.Wait()
}
