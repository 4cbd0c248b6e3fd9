package mailer

import (
	"context"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// takeSlot tries until it has a slot or ctx ends.
func (w *senders) takeSlot(ctx context.Context) bool {
	for ctx.Err() == nil {
		err := w.tryTakeSlot(ctx)
		if err == nil {
			return true
		}
		w.log.Warn("no sender's slot yet, will try again", "error", err)
		wait.Sleep(ctx, pollEvery)
	}
	return false
}

func (w *senders) tryTakeSlot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, slotTimeout)
	defer cancel()
	if err := w.slots.take(ctx); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slot = w.slots.own
	return nil
}

// firstSweep and secondSweep are when, after the start, the leases of killed processes are looked
// for again.
const firstSweep, secondSweep = 3 * time.Second, 10 * time.Second

// keepSlot gives the slot up when there has been nothing to send for a while, as it takes a
// connection. It takes it again after the database was unavailable, and sweeps at the start and
// soon after: the session of a killed process may outlive it by a moment.
func (w *senders) keepSlot(ctx context.Context) {
	now := time.Now()
	sweeps := []time.Time{now, now.Add(firstSweep), now.Add(secondSweep)}
	for ctx.Err() == nil {
		sweep := len(sweeps) > 0 && !time.Now().Before(sweeps[0])
		if w.keepSlotOnce(ctx, sweep) && sweep {
			sweeps = sweeps[1:]
		}
		wait.Sleep(ctx, slotEvery)
	}
}

// keepSlotOnce reports whether the slot is held.
func (w *senders) keepSlotOnce(ctx context.Context, sweep bool) bool {
	w.slotMu.Lock()
	defer w.slotMu.Unlock()
	if w.beginIdle() {
		if err := w.slots.giveUp(ctx); err != nil {
			w.log.Warn("giving up the sender's slot failed", "error", err)
		}
	}
	if w.idle() || !w.slots.held(ctx) && !w.takeSlot(ctx) {
		return false
	}
	if sweep {
		if err := w.slots.sweep(ctx); err != nil {
			w.log.Warn("sweeping slots failed", "error", err)
		}
	}
	return true
}

// beginIdle takes the slot away from the senders if none has had anything to do for a while.
func (w *senders) beginIdle() (begun bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.slot == 0 || w.using > 0 || time.Since(w.worked) < w.timing.slotIdle {
		return false
	}
	w.slot = 0
	return true
}

func (w *senders) idle() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.slot == 0
}

func (w *senders) noteWork() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.worked = time.Now()
}

// endIdle takes a slot if there is something to send, and reports whether there is a slot.
func (w *senders) endIdle(ctx context.Context, deferred bool) (bool, error) {
	if !w.idle() {
		return true, nil
	}
	if some, err := anyDue(ctx, w.pool, deferred); err != nil || !some {
		return false, err
	}
	w.slotMu.Lock()
	defer w.slotMu.Unlock()
	if !w.idle() { // another sender was faster
		return true, nil
	}
	if err := w.tryTakeSlot(ctx); err != nil {
		return false, err
	}
	w.noteWork()
	return true, nil
}

// use holds the slot until the caller is done with it, and returns the mails in flight. Slot 0 is
// none.
func (w *senders) use() (slot int, sending []int64, done func(worked bool)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sending = make([]int64, 0, len(w.inFlight))
	for id := range w.inFlight {
		sending = append(sending, id)
	}
	w.using++
	return w.slot, sending, func(worked bool) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.using--
		if worked {
			w.worked = time.Now()
		}
	}
}
