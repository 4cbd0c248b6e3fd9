package edge

import (
	"net/http"
	"net/netip"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// clientAddr is the shopper's address.
func (s *server) clientAddr(r *http.Request) netip.Addr { return s.settings.proxies.Client(r) }

// warnOfProxy warns once that a proxy in front is not trusted: all its shoppers then count as one
// address, and together soon reach its limits. It ignores clients on the internet, since any of
// them may send the header. It checks every request, even where the shopper's address does not
// matter.
func (s *server) warnOfProxy(r *http.Request) {
	if len(r.Header["X-Forwarded-For"]) == 0 {
		return
	}
	peer := web.ParseAddr(r.RemoteAddr)
	if s.settings.proxies.Trust(peer) || !inside(peer) {
		return
	}
	s.proxyWarning.Do(func() {
		s.log.Warn("a proxy that TRUSTED_PROXIES does not name sends X-Forwarded-For: all its shoppers count as one "+
			"address",
			"proxy", peer.String(), "set", "TRUSTED_PROXIES=loopback,"+peer.String())
	})
}

// inside reports whether an address cannot belong to a shopper on the internet.
func inside(a netip.Addr) bool {
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() ||
		netip.MustParsePrefix("100.64.0.0/10").Contains(a)
}
