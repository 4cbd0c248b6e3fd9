package picture_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/startupwebapp/startupwebapp/services/order/picture"
)

// The words that staff read about an address that is not asked, and about a server that does not
// answer.
const (
	leadsInside = picture.Refusal("It points to an address inside a network.")
	unreachable = picture.NotYet("Its server cannot be reached, or is too slow.")
)

// Only public addresses are asked: a file could name anything that this machine reaches.
func TestPicturesAreFetchedFromPublicServersOnly(t *testing.T) {
	t.Parallel()
	fetcher := picture.NewFetcher(picture.Public, nil)
	for _, inside := range []string{"127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
		"0.1.2.3", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd12::1",
		"ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1"} {
		if picture.Public(netip.AddrPortFrom(netip.MustParseAddr(inside), 443)) {
			t.Errorf("%s may be asked", inside)
		}
	}

	for _, outside := range []string{"23.227.38.32", "8.8.8.8", "2620:0:2d0:200::7", "::ffff:8.8.8.8"} {
		at := netip.MustParseAddr(outside)
		if !picture.Public(netip.AddrPortFrom(at, 443)) || picture.Public(netip.AddrPortFrom(at, 5432)) {
			t.Errorf("%s may not be asked, or at any port", outside)
		}
	}

	for _, address := range []string{"https://127.0.0.1/a.jpg", "https://localhost/a.jpg", "https://[::1]/a.jpg", "https://0x7f.1/a.jpg",
		"https://[::ffff:127.0.0.1]/a.jpg"} {
		if _, err := fetcher.Fetch(t.Context(), address); err == nil || !errors.Is(err, leadsInside) && !errors.Is(err, unreachable) {
			t.Errorf("%s: %v", address, err)
		}
	}
	if _, err := fetcher.Fetch(t.Context(), "https://localhost/a.jpg"); !errors.Is(err, leadsInside) {
		t.Errorf("localhost: %v", err)
	}

	for _, address := range []string{"http://example.com/a.jpg", "file:///etc/passwd", "gopher://x/", ":"} {
		if _, err := fetcher.Fetch(t.Context(), address); !errors.Is(err, picture.Refusal("It is not an https address.")) {
			t.Errorf("%s: %v", address, err)
		}
	}
}
