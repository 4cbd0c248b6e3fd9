package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the networks whose X-Forwarded-For is believed.
type Proxies []netip.Prefix

// ParseProxies reads addresses, networks (10.0.0.0/8) and the word loopback, separated by commas.
func ParseProxies(list string) (Proxies, error) {
	var all Proxies
	for p := range strings.SplitSeq(list, ",") {
		switch p = strings.TrimSpace(p); p {
		case "":
			continue
		case "loopback":
			all = append(all, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
			continue
		}
		if n, err := netip.ParsePrefix(p); err == nil {
			all = append(all, n.Masked())
		} else if a, err := netip.ParseAddr(p); err == nil {
			all = append(all, netip.PrefixFrom(a, a.BitLen()))
		} else {
			return nil, fmt.Errorf("TRUSTED_PROXIES has %q: want an address, a network or the word loopback", p)
		}
	}
	return all, nil
}

// Trust reports whether an address is that of a trusted proxy.
func (p Proxies) Trust(a netip.Addr) bool {
	for _, network := range p {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// Client is the address of a request's client: the peer's, or, if that is a trusted proxy, the
// right-most address of X-Forwarded-For that no trusted proxy has. Any client can write the
// addresses left of it.
func (p Proxies) Client(r *http.Request) netip.Addr {
	addr := ParseAddr(r.RemoteAddr)
	if !p.Trust(addr) {
		return addr
	}
	headers := r.Header["X-Forwarded-For"]
	for i := len(headers) - 1; i >= 0; i-- {
		rest := headers[i]
		for rest != "" {
			cut := strings.LastIndexByte(rest, ',') + 1
			hop := ParseAddr(strings.TrimSpace(rest[cut:]))
			rest = rest[:max(cut-1, 0)]
			if !hop.IsValid() {
				return addr // garbage: what the last trusted hop said is all we know
			}
			if addr = hop; !p.Trust(hop) {
				return hop
			}
		}
	}
	return addr
}

// ParseAddr reads an address with or without a port; IPv4-mapped IPv6 addresses become IPv4. For
// any other text it returns the zero Addr.
func ParseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return a.Unmap().WithZone("")
	}
	return netip.Addr{}
}
