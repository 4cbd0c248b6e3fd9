//go:build !faults

package fault

// Point marks a step of somebody's work. It does nothing in this build.
func Point(_, _ string) {}
