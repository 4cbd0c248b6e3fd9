package admin

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// liveSubjects are what open pages hear of. Nothing of a message reaches a page but its kind, the first
// word of its subject: pages then fetch what they show again, with the rights of their person.
var liveSubjects = []string{"order.>", "catalog.changed", "mail.parked", "dead.>", "user.>", "staff.acted.*"}

const (
	// liveTime is how long a stream of changes lasts: the browser then asks again, and shows by that that
	// its session still stands.
	liveTime = 25 * time.Second
	// liveKept is how many changes are remembered for a browser that asks again.
	liveKept = 256
	// livePause gathers changes that come together.
	livePause = 200 * time.Millisecond
)

// changes are what happened lately, numbered within this process.
type changes struct {
	epoch string // of this process: another one's numbers say nothing here

	mu     sync.Mutex
	last   int64
	kinds  []string // the newest at the end; kinds[len-1] has the number last
	waiter chan struct{}
}

func newChanges() *changes {
	return &changes{epoch: fmt.Sprintf("%x", time.Now().UnixNano()), waiter: make(chan struct{})}
}

// listen hears of changes while the connection stands. What is missed meanwhile is seen when a page is
// loaded.
func (c *changes) listen(b *bus.Bus) error {
	for _, subject := range liveSubjects {
		if err := b.Listen(subject, func(subject string, _ []byte) {
			kind, _, _ := strings.Cut(subject, ".")
			c.add(kind)
		}); err != nil {
			return err
		}
	}
	return nil
}

func (c *changes) add(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	if c.kinds = append(c.kinds, kind); len(c.kinds) > liveKept {
		c.kinds = slices.Clone(c.kinds[len(c.kinds)-liveKept:])
	}
	close(c.waiter)
	c.waiter = make(chan struct{})
}

// since are the kinds that changed after a number, the number now, and what is closed at the next
// change. Of a number that is not known everything may have changed.
func (c *changes) since(id string) (kinds []string, now string, next <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now = fmt.Sprintf("%s-%d", c.epoch, c.last)
	epoch, number, _ := strings.Cut(id, "-")
	var seen int64
	_, err := fmt.Sscan(number, &seen)
	switch missed := c.last - seen; {
	case id == "":
	case err != nil, epoch != c.epoch, missed > int64(len(c.kinds)), missed < 0:
		kinds = []string{"all"}
	default:
		kinds = slices.Compact(slices.Sorted(slices.Values(c.kinds[int64(len(c.kinds))-missed:])))
	}
	return kinds, now, c.waiter
}

// live tells an open page that something of a kind changed, as server-sent events.
func (s *server) live(r *http.Request) (adminui.Answer, error) {
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no") // a proxy must not gather
		end := time.NewTimer(liveTime)
		defer end.Stop()
		id := r.Header.Get("Last-Event-ID")
		for out := http.NewResponseController(w); ; {
			kinds, now, next := s.heard.since(id)
			if id == "" || len(kinds) > 0 {
				if _, err := fmt.Fprintf(w, "retry: 500\nid: %s\nevent: changed\ndata: %s\n\n", now,
					strings.Join(kinds, " ")); err != nil {
					return nil //nolint:nilerr // the page was left
				}
				if err := out.Flush(); err != nil {
					return nil //nolint:nilerr // the same
				}
			}
			id = now
			select {
			case <-next:
			case <-end.C:
				return nil
			case <-web.Stopping(r):
				return nil
			case <-r.Context().Done():
				return nil
			}
			select {
			case <-time.After(livePause):
			case <-r.Context().Done():
				return nil
			}
		}
	}), nil
}
