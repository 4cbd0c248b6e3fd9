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

// liveSubjects are the subjects that open pages hear of. Only the kind of a message reaches a page,
// the first word of its subject: the page then fetches again what it shows, with the rights of its
// person.
var liveSubjects = []string{"order.>", "catalog.changed", "mail.parked", "dead.>", "user.>", "staff.acted.*"}

const (
	// liveTimeout is how long a stream of changes lasts: the browser then asks again, which shows
	// that its session is still valid.
	liveTimeout = 25 * time.Second
	// liveKept is how many changes are kept for a browser that asks again.
	liveKept = 256
	// livePause gathers changes that come together.
	livePause = 200 * time.Millisecond
)

// changes are the latest changes, numbered within this process.
type changes struct {
	epoch string // of this process: numbers of another one mean nothing here

	mu     sync.Mutex
	last   int64
	kinds  []string // the newest at the end; kinds[len-1] has the number last
	waiter chan struct{}
}

func newChanges() *changes {
	return &changes{epoch: fmt.Sprintf("%x", time.Now().UnixNano()), waiter: make(chan struct{})}
}

// listen notes changes while the connection stands. Changes missed in the meantime are seen when a
// page is loaded.
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

// since returns the kinds that changed after an id, the id now, and a channel that is closed at the
// next change. An unknown id means that anything may have changed.
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

// live tells an open page which kinds have changed, as server-sent events.
func (s *server) live(r *http.Request) (adminui.Answer, error) {
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("X-Accel-Buffering", "no") // a proxy must not buffer
		end := time.NewTimer(liveTimeout)
		defer end.Stop()

		id := r.Header.Get("Last-Event-ID")
		for out := http.NewResponseController(w); ; {
			kinds, now, next := s.heard.since(id)
			if id == "" || len(kinds) > 0 {
				if _, err := fmt.Fprintf(w, "retry: 500\nid: %s\nevent: changed\ndata: %s\n\n", now,
					strings.Join(kinds, " ")); err != nil {
					return nil //nolint:nilerr // the browser is gone
				}
				if err := out.Flush(); err != nil {
					return nil //nolint:nilerr // the browser is gone
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
