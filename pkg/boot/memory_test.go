package boot

import (
	"runtime"
	"testing"
)

// A large heap gathers garbage of maxGarbage, or of half its size; a small one as much as
// SetGCPercent says.
//
//nolint:paralleltest // the collector is the process's
func TestGarbageIsBoundedByTheHeap(t *testing.T) {
	t.Setenv("GOGC", "")
	goal := func() uint64 {
		runtime.GC()
		adjustGCPercent()
		return measured("/gc/heap/goal:bytes")
	}
	SetGCPercent(400)
	small := measured("/gc/heap/live:bytes")
	if got := goal(); got < 4*small {
		t.Errorf("beside %d bytes the heap may grow to %d", small, got)
	}
	for _, megabytes := range []uint64{90, 300} {
		held := make([]byte, megabytes<<20)
		got, live := goal(), measured("/gc/heap/live:bytes")
		if most := live + max(maxGarbage, live/2) + 8<<20; got > most || got < live {
			t.Errorf("beside %d bytes the heap may grow to %d, want %d at most", live, got, most)
		}
		runtime.KeepAlive(held)
	}
	if got := goal(); got < 4*small {
		t.Errorf("once they are gone the heap may grow to %d beside %d bytes", got, small)
	}
}
