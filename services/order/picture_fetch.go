package order

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

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

const (
	// fetchTime is how long a picture may take to come.
	fetchTime = 30 * time.Second
	// maxRedirects is how often an address may lead on to another.
	maxRedirects = 3
	// fetchTries is how often a server is asked that cannot be reached: within an hour.
	fetchTries = 5
)

// notFetched says why a picture cannot be had from another server, in words for staff; notYet, why it cannot now.
type (
	notFetched string
	notYet     string
)

// Error implements error.
func (n notFetched) Error() string { return string(n) }

// Error implements error.
func (n notYet) Error() string { return string(n) }

const (
	fetchInside  = notFetched("It leads to an address inside a network.")
	fetchLeadsOn = notFetched("It leads on to too many others, or to one without https.")
	fetchTooMuch = notFetched("It has more than 24 MB.")
	fetchAway    = notYet("Its server cannot be reached, or is too slow.")
	fetchUnkept  = notYet("It came, and could not be stored.")
)

// notPublic are addresses that look public and are not, beside those that netip knows (the IANA's registries of special
// addresses for IPv4 and IPv6). Of IPv6 only 2000::/3 is given out.
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

// public reports whether a server may be asked for pictures: one that anyone can reach, at the port of https. What a
// file names may lead to whatever this machine can reach else.
func public(at netip.AddrPort) bool {
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

// newFetcher is a client that connects to allowed addresses alone. Each is looked at when it is connected to: a name
// may stand for another one than a moment ago.
func newFetcher(allowed func(netip.AddrPort) bool, settings *tls.Config) *http.Client {
	dialer := net.Dialer{Timeout: fetchTime, Control: func(_, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !allowed(at) {
			return fetchInside
		}
		return nil
	}}
	return &http.Client{
		Timeout: fetchTime,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: settings, ForceAttemptHTTP2: true,
			MaxIdleConns: 2, IdleConnTimeout: fetchTime, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects || r.URL.Scheme != "https" {
				return fetchLeadsOn
			}
			return nil
		},
	}
}

// fetch is a file of another server. An error that is notFetched is the same at every try.
func (s *server) fetch(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil || r.URL.Scheme != "https" {
		return nil, notFetched("It is not an address of https.")
	}
	r.Header.Set("User-Agent", "StartUpWebApp")
	r.Header.Set("Accept", "image/jpeg, image/png, image/webp;q=0.9, image/gif;q=0.9")
	w, err := s.fetcher.Do(r)
	if no, ok := errors.AsType[notFetched](err); ok {
		return nil, no
	} else if err != nil {
		return nil, errors.Join(fetchAway, err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	status := fmt.Sprintf("Its server answers %d %s.", w.StatusCode, http.StatusText(w.StatusCode))
	switch {
	case w.StatusCode == http.StatusTooManyRequests || w.StatusCode >= http.StatusInternalServerError:
		return nil, notYet(status)
	case w.StatusCode != http.StatusOK:
		return nil, notFetched(status)
	case w.ContentLength > maxPictureBytes:
		return nil, fetchTooMuch
	}
	body, err := io.ReadAll(io.LimitReader(w.Body, maxPictureBytes+1))
	if err != nil {
		return nil, errors.Join(fetchAway, err)
	}
	return body, nil
}

// fetchPictures fetches the pictures that files of products named at other servers, one after the other, until ctx
// ends.
func (s *server) fetchPictures(ctx context.Context) error {
	return s.oneByOne(ctx, "fetch pictures", s.fetchWork, s.fetchPicture)
}

// fetchPicture fetches the next picture; done is false when there is none.
func (s *server) fetchPicture(ctx context.Context) (done bool, err error) {
	f, found, err := claimFetch(ctx, s.pool)
	if err != nil || !found {
		return false, err
	}
	var address string
	body, err := s.fetch(ctx, f.URL)
	if err == nil {
		address, err = s.keepPicture(ctx, func() ([]byte, error) { return body, nil })
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if err == nil {
		err = s.outbox.Tx(ctx, func(tx pgx.Tx) error { return storeFetched(ctx, tx, f, address) })
		s.catalogChanged()
		wait.Wake(s.pictureWork)
		return true, err
	}
	trouble, ended := string(fetchUnkept), f.Tries >= fetchTries
	if no, ok := errors.AsType[notYet](err); ok {
		trouble = no.Error()
	} else if no, ok := errors.AsType[notFetched](err); ok {
		trouble, ended = no.Error(), true
	} else if no, ok := errors.AsType[notPicture](err); ok {
		trouble, ended = no.Error(), true
	}
	s.log.WarnContext(ctx, "a picture is not fetched", "fetch", f.ID, "attempt", f.Tries, "ended", ended, "error", err)
	return true, noteFetchTrouble(ctx, s.pool, f.ID, trouble, ended)
}
