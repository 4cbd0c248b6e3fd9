package service

import (
	"context"
	"testing"
)

// A consumer never ends early by itself; if it did, it would be treated as any other part.
func TestAStageFailsWithItsFirstPart(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	s := newStage(ctx, end)
	s.start("housekeeping", func(ctx context.Context) error { <-ctx.Done(); return nil })
	s.start("order-user", func(context.Context) error { return nil })
	<-ctx.Done()
	if s.ctx.Err() != nil {
		t.Error("the stage ended with the service, not at its turn")
	}
	if err := s.stop(); err == nil || err.Error() != "order-user: ended by itself" {
		t.Error(err)
	}
}
