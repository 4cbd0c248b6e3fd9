package edge

import (
	"net/http"
	"net/netip"
	"strings"
)

// clientAddr is the shopper's address: the peer's, or, when that is a trusted proxy, the right-most
// address of X-Forwarded-For that no trusted proxy has. What stands left of it any client can
// write.
func (e *server) clientAddr(r *http.Request) netip.Addr {
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

// warnOfProxy says once that a proxy in front is not trusted: all its shoppers then count as one
// address, and together soon reach the limits of one. Any client on the public side may send the
// header, and nothing is wrong. It looks at every request, also where the shopper's address does not matter.
func (e *server) warnOfProxy(r *http.Request) {
	if len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	peer := parseAddr(r.RemoteAddr)
	if e.trusted(peer) || !inside(peer) {
		return
	}
	e.warned.Do(func() {
		e.log.Warn("a proxy that TRUSTED_PROXIES does not name sends X-Forwarded-For: all its shoppers count as one "+
			"address",
			"proxy", peer.String(), "set", "TRUSTED_PROXIES=loopback,"+peer.String())
	})
}

// inside reports whether an address cannot be that of a shopper on the internet.
func inside(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() ||
		netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}

func (e *server) trusted(a netip.Addr) bool {
	for _, p := range e.settings.proxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// parseAddr reads an address with or without a port; IPv4-mapped IPv6 addresses become IPv4.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}
