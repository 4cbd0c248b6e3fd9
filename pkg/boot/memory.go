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
// what it holds. That is a few megabytes, so memory does not matter, while collecting as often as Go
// does by default takes a busy webhook a third of its rate (docs/performance.md).
const serviceGrowth = 400

// A share of what lives is little beside the few megabytes of a service, and much beside a catalog of 10,000 products
// in memory: twice its 90 MB were 180 of garbage, between which pages were spread so thin that 60 MB of the heap could
// not be given back in the end. So the share shrinks as the heap grows, from maxGarbage on, but never below
// minGrowth.
const (
	maxGarbage = 48 << 20 // bytes
	minGrowth  = 50       // per cent
)

// growth is how much garbage may gather beside a small heap, in per cent of it; 0: GOGC says it.
var growth atomic.Int64

// fitted is what was set last.
var fitted atomic.Int64

// CollectAt sets how much garbage may gather, in per cent of what lives, unless GOGC says it; beside a large heap it is
// less (maxGarbage). A limit by GOMEMLIMIT holds beside it: close to it the collector runs more often.
func CollectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		growth.Store(int64(percent))
		fitGarbage()
	}
}

// fitGarbage has the collector allow what fits what lived when it last ran.
func fitGarbage() {
	percent := int(growth.Load())
	if percent == 0 {
		return
	}
	if live := measured("/gc/heap/live:bytes"); live > 0 {
		percent = min(percent, max(minGrowth, int(maxGarbage*100/live))) //nolint:gosec // a percentage
	}
	if fitted.Swap(int64(percent)) != int64(percent) { // setting it stops all goroutines for a moment
		debug.SetGCPercent(percent)
	}
}

// A process with nothing to do collects no garbage for two minutes, and Go gives back to the system only
// what is beyond its next goal: what a storm of requests took would stay for long. So it is looked every
// idleCheck whether the process rests, which is allocating less than idleAllocation since. From a rest's
// beginning on, memory is given back after one, two and four of these checks: buffers and caches let go of theirs
// by and by. Later on it is given back whenever idleGarbage was allocated: else a shop at rest grows to three times
// of what it holds before the collector runs, and twenty shops of one machine with it.
const (
	idleCheck      = 5 * time.Second
	idleAllocation = 4 << 20 // bytes; seven services with nothing to do take 1.2 MiB
	idleGarbage    = 8 << 20 // bytes, half a minute's
)

// giveBackMemory does so until ctx ends, and fits garbage to the heap.
func giveBackMemory(ctx context.Context) {
	tick := time.NewTicker(idleCheck)
	defer tick.Stop()
	before, rested := measured("/gc/heap/allocs:bytes"), 0
	freed := before
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		fitGarbage()
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

// measured is a number of bytes that Go's runtime measures.
func measured(name string) uint64 {
	sample := []metrics.Sample{{Name: name}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
