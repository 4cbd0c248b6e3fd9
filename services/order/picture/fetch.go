package picture

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

const (
	// fetchTimeout bounds the fetching of a picture.
	fetchTimeout = 30 * time.Second
	// maxRedirects is how many redirects are followed.
	maxRedirects = 3
)

// NotYet says why a picture cannot be fetched from another server now, in words for staff. A
// permanent reason is a Refusal.
type NotYet string

// Error implements error.
func (n NotYet) Error() string { return string(n) }

const (
	inside  = Refusal("It points to an address inside a network.")
	leadsOn = Refusal("It redirects too often, or to an address without https.")
	tooMuch = Refusal("It is larger than 24 MB.")
	away    = NotYet("Its server cannot be reached, or is too slow.")
)

// notPublic are addresses that look public and are not, in addition to those that netip knows (the
// IANA's registries of special addresses for IPv4 and IPv6). Of IPv6 only 2000::/3 is assigned.
var notPublic = prefixes("0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16",
	"3fff::/20")

func prefixes(texts ...string) (list []netip.Prefix) {
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

var given6 = netip.MustParsePrefix("2000::/3")

// Public reports whether a server may be asked for pictures: it must be reachable for anyone, at
// the port of https. Otherwise a file could name servers that only this machine can reach.
func Public(at netip.AddrPort) bool {
	a := at.Addr().Unmap()
	if at.Port() != 443 || !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !given6.Contains(a) {
		return false
	}
	for _, prefix := range notPublic {
		if prefix.Contains(a) {
			return false
		}
	}
	return true
}

// Fetcher fetches pictures from other servers.
type Fetcher struct{ client *http.Client }

// NewFetcher makes a fetcher that connects to allowed addresses only: Public, except in tests. Each
// address is checked when it is connected to, since a name may resolve to another one than a moment
// ago.
func NewFetcher(allowed func(netip.AddrPort) bool, settings *tls.Config) *Fetcher {
	dialer := net.Dialer{Timeout: fetchTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !allowed(at) {
			return inside
		}
		return nil
	}}
	return &Fetcher{&http.Client{
		Timeout: fetchTimeout,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: settings, ForceAttemptHTTP2: true,
			MaxIdleConns: 2, IdleConnTimeout: fetchTimeout, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || r.URL.Scheme != "https" {
				return leadsOn
			}
			return nil
		},
	}}
}

// Close closes connections that are not in use.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Fetch gets a file from another server. Its error is a Refusal or a NotYet.
func (f *Fetcher) Fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || r.URL.Scheme != "https" {
		return nil, Refusal("It is not an https address.")
	}

	r.Header.Set("User-Agent", "StartUpWebApp")
	r.Header.Set("Accept", "image/jpeg, image/png, image/webp;q=0.9, image/gif;q=0.9")
	w, err := f.client.Do(r)
	if no, ok := errors.AsType[Refusal](err); ok {
		return nil, no
	} else if err != nil {
		return nil, errors.Join(away, err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read

	status := fmt.Sprintf("Its server answers %d %s.", w.StatusCode, http.StatusText(w.StatusCode))
	switch {
	case w.StatusCode == http.StatusTooManyRequests || w.StatusCode >= http.StatusInternalServerError:
		return nil, NotYet(status)
	case w.StatusCode != http.StatusOK:
		return nil, Refusal(status)
	case w.ContentLength > MaxBytes:
		return nil, tooMuch
	}

	body, err := io.ReadAll(io.LimitReader(w.Body, MaxBytes+1))
	if err != nil {
		return nil, errors.Join(away, err)
	}
	return body, nil
}
