package bus

import (
	"sync"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// signals wakes any number of waiters; a waiter that is busy is woken once, however often it was
// signaled meanwhile.
type signals struct {
	mu      sync.Mutex
	waiters map[chan struct{}]struct{}
}

func newSignals() *signals { return &signals{waiters: map[chan struct{}]struct{}{}} }

func (s *signals) subscribe() (c <-chan struct{}, stop func()) {
	w := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiters[w] = struct{}{}
	return w, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.waiters, w)
	}
}

func (s *signals) send() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for w := range s.waiters {
		wait.Wake(w)
	}
}
