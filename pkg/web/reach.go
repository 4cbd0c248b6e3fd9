package web

import (
	"fmt"
	"net"
	"net/http"
)

// Reachable is the host:port at which this machine reaches what listens at addr: a listener on all
// addresses is reached over loopback.
func Reachable(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("read an address: %w", err)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// URL is the base address at which this machine reaches a listener.
func URL(l net.Listener) string {
	addr, err := Reachable(l.Addr().String())
	if err != nil { // not TCP
		addr = l.Addr().String()
	}
	return "http://" + addr
}

// LoopbackOnly lets requests from this machine through, and no others.
func LoopbackOnly(next http.Handler) http.Handler {
	return Handle(func(w http.ResponseWriter, r *http.Request) error {
		host, _, err := net.SplitHostPort(r.RemoteAddr)
		if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
			return Forbidden("this-machine-only")
		}
		next.ServeHTTP(w, r)
		return nil
	})
}
