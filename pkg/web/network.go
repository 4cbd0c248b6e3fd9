package web

import "net/netip"

// LogNetwork is the network that a client's address belongs to, as logs may hold it: enough to see
// where an attack comes from, too little for one person.
func LogNetwork(client string) string {
	a, err := netip.ParseAddr(client)
	if err != nil {
		return "unknown"
	}
	bits := 24
	if a = a.Unmap().WithZone(""); a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "unknown"
	}
	return p.String()
}
