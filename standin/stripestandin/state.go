package stripestandin

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
)

// table keeps records by id in the order of their creation. Records are immutable: a change puts a
// new record, so that readers of the old one need no lock.
type table[T any] struct {
	rows  map[string]T
	order []string
}

func (t *table[T]) set(id string, rec T) {
	if t.rows == nil {
		t.rows = map[string]T{}
	}
	if _, known := t.rows[id]; !known {
		t.order = append(t.order, id)
	}
	t.rows[id] = rec
}

func (t *table[T]) get(id string) (T, bool) {
	rec, ok := t.rows[id]
	return rec, ok
}

// newest iterates from the latest record to the first.
func (t *table[T]) newest() iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for i := len(t.order) - 1; i >= 0; i-- {
			id := t.order[i]
			if !yield(id, t.rows[id]) {
				return
			}
		}
	}
}

// Kinds of records in the state file.
const (
	kindCoupon   = "coupon"
	kindSession  = "session"
	kindIntent   = "payment_intent"
	kindCharge   = "charge"
	kindRefund   = "refund"
	kindDispute  = "dispute"
	kindEvent    = "event"
	kindDelivery = "delivery"
	kindAnswer   = "idempotency"
	kindSettings = "settings"
)

// state is everything the stand-in remembers. Server.mu guards it.
type state struct {
	coupons    table[*coupon]
	sessions   table[*sessionRecord]
	intents    table[*intent]
	charges    table[*charge]
	refunds    table[*refund]
	disputes   table[*dispute]
	events     table[*event]
	deliveries table[*delivery]
	answers    table[*savedAnswer]
	settings   settings

	open map[string]bool // sessions that may still expire, or whose bank debit is pending
}

// settings are the switches and the clock; they survive a restart as the rest of the state does.
type settings struct {
	Switches Switches      `json:"switches"`
	Offset   time.Duration `json:"clock_offset"`
}

// Retention of records that would otherwise accumulate. Events are removed when the state file is
// loaded.
const (
	eventTTL  = 30 * 24 * time.Hour // Stripe lists them as long
	answerTTL = 24 * time.Hour      // Stripe keeps an idempotency key as long
)

// apply applies one line of the state file.
func (st *state) apply(ops []op) error {
	for _, o := range ops {
		if err := st.applyOne(o); err != nil {
			return fmt.Errorf("%s %s: %w", o.Kind, o.ID, err)
		}
	}
	return nil
}

func (st *state) applyOne(o op) error {
	switch o.Kind {
	case kindCoupon:
		return load(&st.coupons, o)
	case kindSession:
		return load(&st.sessions, o)
	case kindIntent:
		return load(&st.intents, o)
	case kindCharge:
		return load(&st.charges, o)
	case kindRefund:
		return load(&st.refunds, o)
	case kindDispute:
		return load(&st.disputes, o)
	case kindEvent:
		return load(&st.events, o)
	case kindDelivery:
		return load(&st.deliveries, o)
	case kindAnswer:
		return load(&st.answers, o)
	case kindSettings:
		return json.Unmarshal(o.Rec, &st.settings)
	default:
		return fmt.Errorf("unknown kind of record")
	}
}

func load[T any](t *table[*T], o op) error {
	rec := new(T)
	if err := json.Unmarshal(o.Rec, rec); err != nil {
		return err
	}
	t.set(o.ID, rec)
	return nil
}

// snapshot writes the whole state as ops, without records beyond their retention.
func (st *state) snapshot(now time.Time) ([]op, error) {
	oldEvent := now.Add(-eventTTL).Unix()
	oldAnswer := now.Add(-answerTTL).Unix()
	var all []op
	err := dump(&all, kindSettings, "", &st.settings)
	err = dumpTable(&all, err, kindCoupon, &st.coupons, nil)
	err = dumpTable(&all, err, kindSession, &st.sessions, nil)
	err = dumpTable(&all, err, kindIntent, &st.intents, nil)
	err = dumpTable(&all, err, kindCharge, &st.charges, nil)
	err = dumpTable(&all, err, kindRefund, &st.refunds, nil)
	err = dumpTable(&all, err, kindDispute, &st.disputes, nil)
	err = dumpTable(&all, err, kindEvent, &st.events, func(e *event) bool { return e.Created >= oldEvent })
	err = dumpTable(&all, err, kindDelivery, &st.deliveries, func(d *delivery) bool {
		e, ok := st.events.get(d.EventID)
		return ok && e.Created >= oldEvent
	})
	err = dumpTable(&all, err, kindAnswer, &st.answers, func(a *savedAnswer) bool { return a.Created >= oldAnswer })
	return all, err
}

func dump(all *[]op, kind, id string, rec any) error {
	b, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode %s %s: %w", kind, id, err)
	}
	*all = append(*all, op{Kind: kind, ID: id, Rec: b})
	return nil
}

// dumpTable appends the kept records of a table. It does nothing after an earlier error.
func dumpTable[T any](all *[]op, before error, kind string, t *table[T], keep func(T) bool) error {
	if before != nil {
		return before
	}
	for _, id := range t.order {
		if rec := t.rows[id]; keep == nil || keep(rec) {
			if err := dump(all, kind, id, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadState reads the state file, replaces it by a compacted one, and keeps that open. Without a
// path the state is in memory only.
func loadState(path string) (*state, *journal, error) {
	st := &state{open: map[string]bool{}}
	if path == "" {
		return st, nil, nil
	}
	lock, err := lockState(path)
	if err != nil {
		return nil, nil, err
	}
	st, j, err := st.load(path)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Close())
	}
	j.lock = lock
	return st, j, nil
}

func (st *state) load(path string) (*state, *journal, error) {
	if err := readJournal(path, st.apply); err != nil {
		return nil, nil, err
	}
	for id, rec := range st.sessions.rows {
		if rec.unsettled() {
			st.open[id] = true
		}
	}
	all, err := st.snapshot(time.Now().Add(st.settings.Offset))
	if err != nil {
		return nil, nil, err
	}
	j, err := newJournal(path, all)
	if err != nil {
		return nil, nil, err
	}
	return st, j, nil
}

// tx collects the records that a change puts. It exists only while Server.mu is held. It must not
// fail after its first put: check first, then put.
type tx struct {
	*state
	s   *Server
	now time.Time // the stand-in's clock
	ops []op
	err error

	requestID, key string // of the API request that makes the change, for its events
	scheduled      []due
}

func put[T any](t *tx, kind string, in *table[*T], id string, rec *T) {
	in.set(id, rec)
	if t.s.journal == nil || t.err != nil {
		return
	}
	t.err = dump(&t.ops, kind, id, rec)
}

func (t *tx) putSession(rec *sessionRecord) {
	if rec.unsettled() {
		t.open[rec.Session.ID] = true
	} else {
		delete(t.open, rec.Session.ID)
	}
	put(t, kindSession, &t.sessions, rec.Session.ID, rec)
}

func (t *tx) putSettings() {
	if t.s.journal != nil && t.err == nil {
		t.err = dump(&t.ops, kindSettings, "", &t.settings)
	}
}

// change runs fn with the state locked and returns when everything that fn put or saw is on disk:
// no one may hear of a change that a crash could undo. An error of fn does not undo its puts.
func (s *Server) change(requestID, key string, fn func(*tx) error) error {
	t := &tx{state: s.state, s: s, requestID: requestID, key: key}
	line, err := t.run(fn)
	if t.err == nil && s.journal != nil {
		t.err = s.journal.wait(line)
	}
	if t.err != nil {
		s.log.Error("state not written", "err", t.err)
		return t.err
	}
	s.webhooks.schedule(t.scheduled)
	return err
}

// run is the part of change under the lock. It returns the number of the line to wait for.
func (t *tx) run(fn func(*tx) error) (int64, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.now = t.s.clock()
	err := fn(t)
	if t.s.journal == nil || t.err != nil {
		return 0, err
	}
	if len(t.ops) == 0 {
		return t.s.journal.last(), err
	}
	var line int64
	line, t.err = t.s.journal.queue(t.ops)
	return line, err
}

// dropAnswers deletes the answers of expired idempotency keys, so that they do not accumulate while
// a stand-in runs for weeks.
func (st *state) dropAnswers(now time.Time) {
	old := now.Add(-answerTTL).Unix()
	t := &st.answers
	for len(t.order) > 0 && t.rows[t.order[0]].Created < old {
		delete(t.rows, t.order[0])
		t.order = t.order[1:]
	}
}
