package stripestandin

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// Timing of webhooks. Stripe's pauses are longer; these are short for the sake of development.
const (
	webhookTimeout  = 20 * time.Second
	webhookWorkers  = 32
	firstPause      = time.Second
	maxPause        = time.Minute
	giveUpAfter     = 3 * 24 * time.Hour
	shutdownTimeout = 3 * time.Second // bounds the wait for attempts in flight when the stand-in stops
)

// due is an event with the time of its next attempt.
type due struct {
	at time.Time
	id string
}

// dueQueue is a heap with the earliest time first.
type dueQueue []due

// Len implements heap.Interface.
func (q dueQueue) Len() int { return len(q) }

// Less implements heap.Interface.
func (q dueQueue) Less(i, j int) bool { return q[i].at.Before(q[j].at) }

// Swap implements heap.Interface.
func (q dueQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

// Push is part of heap.Interface.
func (q *dueQueue) Push(x any) { *q = append(*q, x.(due)) }

// Pop is part of heap.Interface.
func (q *dueQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// webhooks sends each event to the configured address until it is answered with 2xx. An event may
// be in the queue more than once; the delivery record decides whether an attempt is due.
type webhooks struct {
	s      *Server
	client *http.Client

	mu       sync.Mutex
	queue    dueQueue
	sending  map[string]bool
	waiting  map[string][]chan struct{} // closed at the first answer to an event, by its id
	burstEnd time.Time                  // end of the burst that the reorder switch reverses
	burstN   int
	wake     chan struct{}
}

func newWebhooks(s *Server) *webhooks {
	return &webhooks{
		s:       s,
		wake:    make(chan struct{}, 1),
		sending: map[string]bool{},
		waiting: map[string][]chan struct{}{},
		client: &http.Client{
			Timeout: webhookTimeout,
			// A redirect counts as a failure, as at Stripe.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			Transport:     &http.Transport{MaxIdleConnsPerHost: webhookWorkers, IdleConnTimeout: 30 * time.Second},
		},
	}
}

func (w *webhooks) schedule(all []due) {
	if len(all) == 0 {
		return
	}
	w.mu.Lock()
	for _, d := range all {
		heap.Push(&w.queue, d)
	}
	w.mu.Unlock()
	wait.Wake(w.wake)
}

// reordered is the extra pause by the reorder switch: the events of a burst are sent after its end,
// the last one first.
func (w *webhooks) reordered(now time.Time, windowMS int64) time.Duration {
	if windowMS <= 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	window := time.Duration(windowMS) * time.Millisecond
	if now.After(w.burstEnd) {
		w.burstEnd, w.burstN = now.Add(window), 0
	}
	at := w.burstEnd.Add(window - time.Duration(w.burstN)*window/10)
	w.burstN++
	return max(at.Sub(now), 0)
}

// next removes the events that are due from the queue and returns the pause until the next one.
func (w *webhooks) next(now time.Time, most int) ([]string, time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []string
	for len(w.queue) > 0 && len(ids) < most {
		if pause := w.queue[0].at.Sub(now); pause > 0 {
			return ids, pause
		}
		d := heap.Pop(&w.queue).(due)
		if w.sending[d.id] {
			continue
		}
		w.sending[d.id] = true
		ids = append(ids, d.id)
	}
	return ids, time.Hour
}

// run sends until ctx ends, then gives attempts in flight a moment to finish.
func (w *webhooks) run(ctx context.Context) {
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	slots := make(chan struct{}, webhookWorkers)
	var wg sync.WaitGroup
	for ctx.Err() == nil {
		ids, pause := w.next(time.Now(), webhookWorkers)
		for _, id := range ids {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				w.attempt(sending, id)
			})
		}
		if len(ids) == webhookWorkers {
			continue
		}
		wait.SleepOrWake(ctx, pause, w.wake)
	}
	time.AfterFunc(shutdownTimeout, stop)
	wg.Wait()
}

// plan is one attempt with the effects of the switches.
type plan struct {
	event         *event
	copies        int
	wrong         bool
	dateOffset    time.Duration
	attemptNumber int
}

// prepare plans an attempt; it reports false if none is due.
func (w *webhooks) prepare(id string) (p plan, ok bool) {
	err := w.s.change("", "", func(t *tx) error {
		d, known := t.deliveries.get(id)
		e, has := t.events.get(id)
		if !known || !has || d.State != deliveryPending || d.Next > time.Now().UnixMilli() {
			return nil
		}
		ok = true
		p = plan{event: e, copies: 1, attemptNumber: d.Attempts + 1}
		sw := &t.settings.Switches
		if !sw.concerns(e.Type) {
			return nil
		}
		before := *sw
		p.wrong = sw.WebhookWrongSignature.take()
		if sw.WebhookDouble.take() {
			p.copies = 2
		}
		p.dateOffset = time.Duration(sw.WebhookDateOffsetSeconds) * time.Second
		if sw.WebhookWrongSignature != before.WebhookWrongSignature || sw.WebhookDouble != before.WebhookDouble {
			t.putSettings()
		}
		return nil
	})
	return p, ok && err == nil
}

// attempt sends an event and records the result.
func (w *webhooks) attempt(ctx context.Context, id string) {
	defer w.finished(id)
	p, ok := w.prepare(id)
	if !ok {
		return
	}

	status, err := w.send(ctx, p)
	if ctx.Err() != nil {
		return // the stand-in stops; the attempt is repeated after the next start
	}
	log := w.s.log.With("event", id, "type", p.event.Type, "attempt", p.attemptNumber, "status", status)
	if status/100 == 2 {
		log.Debug("webhook delivered")
	} else {
		log.Info("webhook not accepted", "err", err)
	}

	// A failed write has been logged; the event is then sent again after a restart.
	_ = w.s.change("", "", func(t *tx) error {
		before, known := t.deliveries.get(id)
		if !known {
			return nil
		}
		d := *before
		d.Attempts++
		d.LastStatus, d.LastError = status, ""
		if err != nil {
			d.LastError = shorten(err.Error(), 300)
		}
		d.after(time.Now())
		put(t, kindDelivery, &t.deliveries, id, &d) // finished schedules the next attempt
		return nil
	})
}

// after sets the state that follows from an attempt.
func (d *delivery) after(now time.Time) {
	pause := maxPause
	if d.Attempts < 7 {
		pause = min(firstPause<<(d.Attempts-1), maxPause)
	}
	switch {
	case d.LastStatus/100 == 2:
		d.State, d.Next = deliveryDelivered, 0
	case now.Sub(time.UnixMilli(d.Since)) > giveUpAfter:
		d.State, d.Next = deliveryFailed, 0
	default:
		d.Next = now.Add(pause).UnixMilli()
	}
}

// finished releases the event for its next attempt and wakes those who wait for the first answer.
func (w *webhooks) finished(id string) {
	var again []due
	w.s.mu.Lock()
	if d, ok := w.s.state.deliveries.get(id); ok && d.State == deliveryPending {
		again = []due{{time.UnixMilli(d.Next), id}}
	}
	w.s.mu.Unlock()
	w.mu.Lock()
	delete(w.sending, id)
	for _, c := range w.waiting[id] {
		close(c)
	}
	delete(w.waiting, id)
	w.mu.Unlock()
	// next may have dropped the event's entry while it was being sent, so it is queued again.
	w.schedule(again)
}

// firstAnswer waits, at most for the given time, until an event has been sent once or needs no
// sending.
func (w *webhooks) firstAnswer(ctx context.Context, id string, most time.Duration) {
	w.s.mu.Lock()
	d, ok := w.s.state.deliveries.get(id)
	if !ok || d.State != deliveryPending || d.Attempts > 0 {
		w.s.mu.Unlock()
		return
	}
	done := make(chan struct{})
	w.mu.Lock()
	w.waiting[id] = append(w.waiting[id], done)
	w.mu.Unlock()
	w.s.mu.Unlock()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	case <-ctx.Done():
	case <-w.s.stopping:
	}
}

// clockMoved moves pending repeats when the stand-in's clock was advanced.
func (w *webhooks) clockMoved(step time.Duration) {
	if step <= 0 {
		return
	}
	// A failed write has been logged; the repeats then keep their time.
	_ = w.s.change("", "", func(t *tx) error {
		for _, before := range t.deliveries.rows {
			if before.State == deliveryPending {
				d := *before
				d.Next -= step.Milliseconds()
				d.Since -= step.Milliseconds()
				t.putDelivery(&d)
			}
		}
		return nil
	})
}

// send posts the event and returns the status of the answer, or 0 without one. If it is posted
// twice the worse status counts, so that a repeat shows how the shop handles both.
func (w *webhooks) send(ctx context.Context, p plan) (int, error) {
	body, err := json.Marshal(p.event)
	if err != nil {
		return 0, fmt.Errorf("encode event: %w", err)
	}
	secret := w.s.cfg.WebhookSecret
	if p.wrong {
		secret = "whsec_wrong_on_purpose"
	}
	header := Sign(body, secret, time.Now().Add(p.dateOffset))
	statuses, errs := make([]int, p.copies), make([]error, p.copies)
	var wg sync.WaitGroup
	for i := range p.copies {
		wg.Go(func() { statuses[i], errs[i] = w.post(ctx, body, header) })
	}
	wg.Wait()
	for i := range statuses {
		if statuses[i]/100 != 2 {
			return statuses[i], errs[i]
		}
	}
	return statuses[0], nil
}

func (w *webhooks) post(ctx context.Context, body []byte, signature string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.s.cfg.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	req.Header.Set("Stripe-Signature", signature)
	req.Header.Set("User-Agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks; stand-in)")
	resp, err := w.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return 0, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return resp.StatusCode, fmt.Errorf("answered %d: %s", resp.StatusCode, shorten(string(answer), 200))
	}
	return resp.StatusCode, nil
}

// Sign returns the Stripe-Signature header for a webhook body at the given time.
func Sign(body []byte, secret string, at time.Time) string {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return "t=" + stamp + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
