package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// OnlyHosts lets requests through that were sent to this machine by a name of its own: a loopback
// name or address, the very address that the connection arrived at, or one of names (a port in them
// does not matter). A page of another site that has its own name resolve to this machine (DNS
// rebinding) still has the browser write that name into Host, and is refused.
func OnlyHosts(names ...string) func(http.Handler) http.Handler {
	known := map[string]bool{}
	for _, list := range names {
		for name := range strings.SplitSeq(list, ",") {
			name = hostName(strings.TrimSpace(name))
			if addr, err := netip.ParseAddr(name); name != "" && (err != nil || !addr.Unmap().IsUnspecified()) {
				known[name] = true // "all addresses" is no name
			}
		}
	}
	return func(next http.Handler) http.Handler {
		return Handle(func(w http.ResponseWriter, r *http.Request) error {
			name := hostName(r.Host)
			if !known[name] && !ownAddress(name, r) {
				return Forbidden("foreign-host")
			}
			next.ServeHTTP(w, r)
			return nil
		})
	}
}

// ownAddress reports whether a name can only be this machine's: browsers resolve localhost
// themselves, and an address needs no resolving.
func ownAddress(name string, r *http.Request) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(name)
	if err != nil {
		return false
	}
	if addr = addr.Unmap(); addr.IsLoopback() {
		return true
	}
	local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return false
	}
	at, err := netip.ParseAddrPort(local.String())
	return err == nil && at.Addr().Unmap().WithZone("") == addr
}

// hostName is a Host without its port, in lower case; a dot at the end names the same host.
func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	}
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
