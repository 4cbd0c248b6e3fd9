package mailer

import (
	"testing"
	"time"
)

// The circuit lets one probe through while the server is away or refuses everything, and recovers
// with the first accepted mail.
func TestCircuitOpensAndRecovers(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := newCircuit(normalTiming)
	c.now = func() time.Time { return now }
	want := func(what string, ok, deferred, probe bool) {
		t.Helper()
		if a, b, p := c.permit(); a != ok || b != deferred || p != probe {
			t.Errorf("%s: permit %t %t %t, want %t %t %t", what, a, b, p, ok, deferred, probe)
		}
	}
	want("at first", true, false, false)

	// Away: only one probe is let through, after 5, 10, 20, 30 and 30 s.
	for _, seconds := range []int{5, 10, 20, 30, 30} {
		c.onUnreachable()
		c.onUnreachable() // it had begun before the circuit opened
		now = now.Add(time.Duration(seconds)*time.Second - 1)
		want("before the pause is over", false, false, false)
		now = now.Add(1)
		want("after the pause", true, false, true)
		want("while another probes", false, false, false)
	}

	if !c.onSuccess() {
		t.Error("no recovery")
	}
	want("recovered", true, false, false)
	if c.onSuccess() {
		t.Error("recovered twice")
	}

	// Refusing: mails that are due go on, and every 30 s a deferred mail probes.
	for n, trouble := range []bool{false, false, true, true} {
		if got := c.onRefusal(); got != trouble {
			t.Errorf("refusal %d: trouble %t", n+1, got)
		}
	}

	want("refusing", true, false, false)
	now = now.Add(30 * time.Second)
	want("refusing, after the pause", true, true, true)
	want("refusing, while another probes", true, false, false)
	c.release()
	want("the probe found nothing", true, true, true)
	now = now.Add(31 * time.Minute)
	c.onRefusal()
	now = now.Add(4 * time.Minute)
	want("patience is over", true, false, false)
	now = now.Add(time.Minute)
	want("the slow probe", true, true, true)
	c.onAnswer()
	want("a definite refusal is not a recovery", true, true, true)
	if !c.onSuccess() {
		t.Error("no recovery")
	}

	for n, seconds := range []int{5, 15, 60, 300, 900, 1800, 3600, 3600} {
		if got := normalTiming.retryAfter(n); got != time.Duration(seconds)*time.Second {
			t.Errorf("delay %d is %s", n, got)
		}
	}
}
