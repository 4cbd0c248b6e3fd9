package edge

import (
	"net/http"
	"net/netip"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// clientAddr is the shopper's address.
func (e *server) clientAddr(r *http.Request) netip.Addr { return e.settings.proxies.Client(r) }

// warnOfProxy says once that a proxy in front is not trusted: all its shoppers then count as one
// address, and together soon reach the limits of one. Any client on the public side may send the
// header, and nothing is wrong. It looks at every request, also where the shopper's address does not matter.
func (e *server) warnOfProxy(r *http.Request) {
	if len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	peer := web.ParseAddr(r.RemoteAddr)
	if e.settings.proxies.Trust(peer) || !inside(peer) {
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
