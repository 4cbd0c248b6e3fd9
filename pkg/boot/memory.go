package boot

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// serviceGrowth is how much garbage a service alone gathers before it is collected, in per cent of
// what it holds. That is a few megabytes, so memory is no matter, while collecting as often as Go
// does by default takes a busy webhook a third of its rate (docs/performance.md).
const serviceGrowth = 400

// CollectAt sets how much garbage may gather, in per cent of what lives, unless GOGC says it. A limit
// by GOMEMLIMIT holds beside it: close to it the collector runs more often.
func CollectAt(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// A process with nothing to do collects no garbage for two minutes, and Go gives back to the system only
// what is beyond its next goal: what a storm of requests took would stay for long. So it is looked every
// restCheck whether the process rests, which is allocating less than restAllocation since. From a rest's
// beginning on, memory is given back after one, two and four of these checks: buffers and caches let go of theirs
// by and by. Later on it is given back whenever restGarbage was allocated: else a shop at rest grows to three times
// of what it holds before the collector runs, and twenty shops of one machine with it.
const (
	restCheck      = 5 * time.Second
	restAllocation = 4 << 20 // bytes; seven services with nothing to do take 1.2 MiB
	restGarbage    = 8 << 20 // bytes, half a minute's
)

// giveBackMemory does so until ctx ends.
func giveBackMemory(ctx context.Context) {
	tick := time.NewTicker(restCheck)
	defer tick.Stop()
	before, rested := allocated(), 0
	freed := before
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := allocated()
		rested++
		if now-before >= restAllocation {
			rested = 0
		}
		before = now
		if rested == 1 || rested == 2 || rested == 4 || rested > 4 && now-freed >= restGarbage {
			debug.FreeOSMemory()
			freed = now
		}
	}
}

// allocated is how many bytes the process has allocated on its heap since it began.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
