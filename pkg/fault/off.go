//go:build !faults

package fault

// Point marks a step of someone's work. It does nothing in this build.
func Point(_, _ string) {}
