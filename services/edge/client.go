package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientAddr is the shopper's address: the peer's, or, when that is a trusted proxy, the right-most
// address of X-Forwarded-For that no trusted proxy has. What stands left of it anybody could have
// written.
func (e *Edge) clientAddr(r *http.Request) netip.Addr {
	addr := parseAddr(r.RemoteAddr)
	if !e.trusted(addr) {
		return addr
	}
	headers := r.Header["X-Forwarded-For"]
	for i := len(headers) - 1; i >= 0; i-- {
		rest := headers[i]
		for rest != "" {
			cut := strings.LastIndexByte(rest, ',') + 1
			hop := parseAddr(strings.TrimSpace(rest[cut:]))
			rest = rest[:max(cut-1, 0)]
			if !hop.IsValid() {
				return addr // garbage: what the last trusted hop told is all we know
			}
			if addr = hop; !e.trusted(hop) {
				return hop
			}
		}
	}
	return addr
}

func (e *Edge) trusted(a netip.Addr) bool {
	for _, p := range e.settings.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port; IPv4 in IPv6 clothes is IPv4.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}
