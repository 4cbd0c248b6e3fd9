package testenv

import (
	"syscall"
	"testing"
)

// CPUTime measures what a benchmark takes of the processor, in this process, until the returned
// function is called; things is how many of the measured things one iteration does. On a busy
// machine it varies less than the time that passes.
func CPUTime(b *testing.B, things int) func() {
	began := cpuNanoseconds(b)
	return func() {
		b.ReportMetric(float64(cpuNanoseconds(b)-began)/float64(b.N*things), "cpu-ns/thing")
	}
}

func cpuNanoseconds(b *testing.B) int64 {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return used.Utime.Nano() + used.Stime.Nano()
}
