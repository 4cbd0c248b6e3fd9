package web

import "testing"

func TestLogNetwork(t *testing.T) {
	t.Parallel()
	for client, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2:3::4": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "unknown", "x": "unknown",
	} {
		if got := LogNetwork(client); got != want {
			t.Errorf("the network of %q is %s, want %s", client, got, want)
		}
	}
}
