package allinone

import (
	"fmt"
	"net"
	"os"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// listeners are those of the process, by the setting that names their address. All are opened
// before anything else starts, so that a taken port stops the process before it has changed
// anything.
type listeners map[string]net.Listener

// open opens one listener. If a default port is taken, any free port will do, except for the shop's
// own (fixed), whose addresses are published.
func (s listeners) open(name, addr string, fixed bool) error {
	if set := os.Getenv(name); set != "" {
		addr, fixed = set, true
	}
	l, err := net.Listen("tcp", addr)
	if err != nil && !fixed {
		if host, _, serr := net.SplitHostPort(addr); serr == nil {
			l, err = net.Listen("tcp", net.JoinHostPort(host, "0"))
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s[name] = l
	return nil
}

// url is where a listener answers.
func (s listeners) url(name string) string { return "http://" + s[name].Addr().String() }

// publicURL is the shop's address if PUBLIC_URL is empty: that of edge's listener.
func (s listeners) publicURL() string { return web.URL(s["EDGE_ADDR"]) }

// adminURL is the back office's address if ADMIN_URL is empty. Passkeys belong to a host name, so
// it is localhost, which browsers resolve themselves.
func (s listeners) adminURL() string {
	own := web.URL(s["ADMIN_ADDR"])
	_, port, err := net.SplitHostPort(strings.TrimPrefix(own, "http://"))
	if err != nil { // not a TCP address
		return own
	}
	return "http://localhost:" + port
}

func (s listeners) close() {
	for _, l := range s {
		_ = l.Close() // its server has usually closed it already
	}
}

// freeAddress checks an address for a server that opens its ports by itself. Port 0 in the result
// means that the server must take any port: one that was free a moment ago may be in use by then.
func freeAddress(name, addr string) (string, error) {
	s := listeners{}
	if err := s.open(name, addr, false); err != nil {
		return "", err
	}
	defer s.close()
	if set := os.Getenv(name); set != "" {
		addr = set
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	if _, got, err := net.SplitHostPort(s[name].Addr().String()); err != nil || got != port {
		return net.JoinHostPort(host, "0"), nil //nolint:nilerr // any port will do then
	}
	return addr, nil
}
