package boot

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// serviceGrowth is how much garbage a service alone gathers before it is collected, in per cent of
// what it holds. That is a few megabytes, so memory does not matter, while collecting as often as
// Go does by default costs a busy webhook a third of its rate (docs/performance.md).
const serviceGrowth = 400

// A percentage of the live heap is little for the few megabytes of a service, and much for a
// catalog of 10,000 products in memory: twice its 90 MB was 180 MB of garbage, which left pages so
// thinly filled that 60 MB of the heap could not be returned in the end. So the percentage shrinks
// as the heap grows, from maxGarbage on, but never below minGrowth.
const (
	maxGarbage = 48 << 20 // bytes
	minGrowth  = 50       // per cent
)

// configuredGCPercent is how much garbage may gather beside a small heap, in per cent of it; 0
// leaves it to GOGC.
var configuredGCPercent atomic.Int64

// lastGCPercent is the percentage that was set last.
var lastGCPercent atomic.Int64

// SetGCPercent sets how much garbage may gather, in per cent of the live heap, unless GOGC is set.
// Beside a large heap less is allowed (maxGarbage). A limit by GOMEMLIMIT still holds: close to it
// the collector runs more often.
func SetGCPercent(percent int) {
	if os.Getenv("GOGC") == "" {
		configuredGCPercent.Store(int64(percent))
		adjustGCPercent()
	}
}

// adjustGCPercent adapts the percentage to the heap that was live after the last collection.
func adjustGCPercent() {
	percent := int(configuredGCPercent.Load())
	if percent == 0 {
		return
	}
	if live := measured("/gc/heap/live:bytes"); live > 0 {
		percent = min(percent, max(minGrowth, int(maxGarbage*100/live))) //nolint:gosec // a percentage
	}
	if lastGCPercent.Swap(int64(percent)) != int64(percent) { // setting it stops all goroutines for a moment
		debug.SetGCPercent(percent)
	}
}

// An idle process runs no collection for two minutes, and Go returns only the memory above its next
// goal, so the memory of a burst would stay for long. Every idleEvery the process checks whether it
// is idle: whether it allocated less than idleAllocation since the last check. It then returns
// memory after one, two and four checks, while buffers and caches shrink, and later whenever
// idleGarbage was allocated. Without that an idle shop would grow to three times its live heap, and
// twenty shops on one machine with it.
const (
	idleEvery      = 5 * time.Second
	idleAllocation = 4 << 20 // bytes; seven services with nothing to do take 1.2 MiB
	idleGarbage    = 8 << 20 // bytes, half a minute's
)

// giveBackMemory returns the memory of idle times until ctx ends, and adjusts the percentage at
// each check.
func giveBackMemory(ctx context.Context) {
	tick := time.NewTicker(idleEvery)
	defer tick.Stop()
	before, rested := measured("/gc/heap/allocs:bytes"), 0
	freed := before
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		adjustGCPercent()
		now := measured("/gc/heap/allocs:bytes") // since the process began
		rested++
		if now-before >= idleAllocation {
			rested = 0
		}
		before = now
		if rested == 1 || rested == 2 || rested == 4 || rested > 4 && now-freed >= idleGarbage {
			debug.FreeOSMemory()
			freed = now
		}
	}
}

// measured is the value of a metric of Go's runtime in bytes.
func measured(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
