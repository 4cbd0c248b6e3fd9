package service

import (
	"context"
	"testing"
)

// A consumer never ends early by itself; should it, it is a part as any other.
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
