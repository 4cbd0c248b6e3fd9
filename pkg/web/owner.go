package web

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"sync/atomic"
	"time"
)

const (
	// dialTimeout bounds a connect, and handshakeTimeout the handshake of TLS after it.
	dialTimeout, handshakeTimeout = 2 * time.Second, 5 * time.Second
	// awayPause is how long an address that could not be reached comes after the others.
	awayPause = time.Second
	// lookUpEvery is how long the addresses of a name are used before it is looked up again.
	lookUpEvery = 5 * time.Second
	// idleTimeout is after how long an unused connection is closed, and aliveEvery how often a used
	// one is checked.
	idleTimeout, aliveEvery = 60 * time.Second, 15 * time.Second
)

// Owner reaches a service inside that answers for a part of the shop, wherever its processes run.
// It is the http.RoundTripper of requests to it, and sets their host.
//
// Requests go to all addresses in turn. One that could not be sent (connection refused, no route,
// TLS failed) goes to the next address, and so does a safe one (RFC 9110, section 9.2.1), or one
// that is marked as Repeatable, whose connection breaks before there is an answer. Any other that
// may have been received is never sent again. An address that cannot be reached, or whose process
// says that it is stopping, comes last for a second.
type Owner struct {
	name   string
	log    *slog.Logger
	secure *tls.Config
	answer time.Duration
	lookUp func(ctx context.Context, network, host string) ([]netip.Addr, error)

	named   []*endpoint // as the setting has them
	known   atomic.Pointer[resolved]
	looking atomic.Bool
	turn    atomic.Uint32
}

// resolved are the endpoints of an owner's addresses, and when they were looked up. A name that
// leads to several machines is one endpoint for each.
type resolved struct {
	endpoints []*endpoint
	at        time.Time
}

// endpoint is one address, with the connections to it.
type endpoint struct {
	base      *url.URL
	dialled   string // host:port
	secure    *tls.Config
	transport *http.Transport
	away      atomic.Int64 // until when it comes last, in Unix nanoseconds; 0: it does not
}

// NewOwner reaches the service of a name at its addresses. secure is for https, nil for the
// system's authorities; answer bounds the wait for the header of an answer. Addresses that are away
// are logged.
func NewOwner(log *slog.Logger, name string, at Addresses, secure *tls.Config, answer time.Duration) *Owner {
	o := &Owner{
		name:   name,
		log:    log,
		answer: answer,
		lookUp: net.DefaultResolver.LookupNetIP,
		secure: cmp.Or(secure, &tls.Config{MinVersion: tls.VersionTLS12}),
	}
	for _, base := range at {
		port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
		o.named = append(o.named, o.endpoint(base, net.JoinHostPort(base.Hostname(), port)))
	}
	o.known.Store(&resolved{endpoints: o.named})
	return o
}

// endpoint keeps many connections. They are closed here before the owners close them, so that no
// request is written into a closing connection.
func (o *Owner) endpoint(base *url.URL, dialled string) *endpoint {
	e := &endpoint{base: base, dialled: dialled, secure: o.secure}
	e.transport = &http.Transport{
		DialContext:            e.dial,
		DialTLSContext:         e.dialTLS,
		DisableCompression:     true,
		MaxIdleConnsPerHost:    256,
		IdleConnTimeout:        idleTimeout,
		ResponseHeaderTimeout:  o.answer,
		MaxResponseHeaderBytes: 64 << 10,
	}
	return e
}

// unsentError says why there was no connection to send a request on.
type unsentError struct{ error }

// Unwrap is for errors.Is and errors.As.
func (e *unsentError) Unwrap() error { return e.error }

func (e *endpoint) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialTimeout, KeepAlive: aliveEvery}
	conn, err := dialer.DialContext(ctx, network, e.dialled)
	if err != nil {
		return nil, &unsentError{err}
	}
	return conn, nil
}

func (e *endpoint) dialTLS(ctx context.Context, network, _ string) (net.Conn, error) {
	conn, err := e.dial(ctx, network, "")
	if err != nil {
		return nil, err
	}
	cfg := e.secure.Clone()
	cfg.ServerName = e.base.Hostname()
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(&unsentError{err}, conn.Close())
	}
	return secure, nil
}

// againHeader marks a request that another process may have received before. Edge strips it from
// outside requests.
const againHeader = "X-Shop-Again"

// SentAgain reports whether another process may have received this request before: what is there
// already may be its work.
func SentAgain(r *http.Request) bool { return r.Header.Get(againHeader) != "" }

type repeatable struct{}

// Repeatable marks requests whose effect is the same, and whose answer is as good, if two processes
// receive them.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatable{}, true)
}

// RoundTrip sends a request and returns the answer to it. The scheme and host of its address do not
// matter.
func (o *Owner) RoundTrip(r *http.Request) (*http.Response, error) {
	endpoints, received := o.inTurn(), false
	for i, e := range endpoints {
		again, err := e.aim(r, i > 0, received)
		if err != nil {
			return nil, err
		}
		res, err := e.transport.RoundTrip(again)
		if err == nil {
			if res.Close && len(endpoints) > 1 { // it is stopping
				e.away.Store(time.Now().Add(awayPause).UnixNano())
			}
			return res, nil
		}
		_, unsent := errors.AsType[*unsentError](err)
		if unsent && len(endpoints) > 1 && r.Context().Err() == nil {
			o.passOver(e, err)
		}
		if i == len(endpoints)-1 || r.Context().Err() != nil || !unsent && !mayRepeat(r, err) || !canRepeat(r) {
			return nil, err
		}
		received = received || !unsent
	}
	return nil, errors.New("the owner has no address") // parsing refuses that
}

// safe reports whether a method asks for no change.
func safe(method string) bool {
	return slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodOptions}, method)
}

// mayRepeat reports whether a request may be sent again after an error that came instead of its
// answer. A process that is merely late may still be at work, so that only a safe request goes
// elsewhere then.
func mayRepeat(r *http.Request, err error) bool {
	late, ok := errors.AsType[net.Error](err)
	return safe(r.Method) || r.Context().Value(repeatable{}) != nil && !(ok && late.Timeout())
}

// canRepeat reports whether the body can be read again.
func canRepeat(r *http.Request) bool {
	return r.Body == nil || r.Body == http.NoBody || r.GetBody != nil
}

// aim is a request to this endpoint; with a new body when the last one may have been read, and with
// a mark when another process may have received it.
func (e *endpoint) aim(r *http.Request, again, received bool) (*http.Request, error) {
	aimed, u := r.WithContext(r.Context()), *r.URL
	u.Scheme, u.Host = e.base.Scheme, e.base.Host
	aimed.URL = &u
	if received {
		aimed.Header = r.Header.Clone()
		aimed.Header.Set(againHeader, "1")
	}
	if again && r.GetBody != nil {
		var err error
		if aimed.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return aimed, nil
}

// inTurn are the endpoints as a request tries them: each request begins with the next one, and
// those that are away come last.
func (o *Owner) inTurn() []*endpoint {
	known := o.endpoints()
	if len(known) == 1 {
		return known
	}
	now, turn := time.Now(), make([]*endpoint, 0, len(known)+len(o.named))
	var away []*endpoint
	for i, first := 0, int(o.turn.Add(1)); i < len(known); i++ {
		if e := known[(first+i)%len(known)]; e.reachable(now) {
			turn = append(turn, e)
		} else {
			away = append(away, e)
		}
	}
	turn = append(turn, away...)
	for _, e := range o.named { // the addresses of names may be out of date
		if !slices.Contains(known, e) {
			turn = append(turn, e)
		}
	}
	return turn
}

// reachable reports whether an endpoint is not away. When its time is over, one caller starts to
// check it.
func (e *endpoint) reachable(now time.Time) bool {
	until := e.away.Load()
	if until > 0 && now.UnixNano() > until && e.away.CompareAndSwap(until, now.Add(dialTimeout+awayPause).UnixNano()) {
		go e.look()
	}
	return until == 0
}

// look ends the absence of an endpoint that takes connections.
func (e *endpoint) look() {
	dial := e.dial
	if e.base.Scheme == "https" {
		dial = e.dialTLS
	}
	conn, err := dial(context.Background(), "tcp", "")
	if err != nil {
		e.away.Store(time.Now().Add(awayPause).UnixNano())
		return
	}
	conn.Close() //nolint:errcheck,gosec // nothing was said on it
	e.away.Store(0)
}

// passOver has an endpoint come last for a while.
func (o *Owner) passOver(e *endpoint, err error) {
	if e.away.Swap(time.Now().Add(awayPause).UnixNano()) == 0 {
		o.log.Warn("an address of a service cannot be reached, requests go to its others", "owner", o.name,
			"address", e.dialled, "error", err)
	}
}

// endpoints are those that are known. Names are looked up beside the requests, which do not wait
// for it.
func (o *Owner) endpoints() []*endpoint {
	known := o.known.Load()
	if time.Since(known.at) > lookUpEvery && o.looking.CompareAndSwap(false, true) {
		go func() {
			defer o.looking.Store(false)
			o.resolve(known)
		}()
	}
	return known.endpoints
}

// resolve looks up the names. One that leads to a single machine, or cannot be looked up, is left
// to the dialer.
func (o *Owner) resolve(old *resolved) {
	ctx, cancel := context.WithTimeout(context.Background(), dialTimeout)
	defer cancel()

	now := &resolved{at: time.Now()}
	for _, e := range o.named {
		host, port, err := net.SplitHostPort(e.dialled)
		var machines []netip.Addr
		if _, literal := netip.ParseAddr(host); err == nil && literal != nil {
			if machines, err = o.lookUp(ctx, "ip", host); err != nil {
				o.log.Debug("a service's name was not found", "owner", o.name, "name", host, "error", err)
			}
		}
		if len(machines) < 2 {
			now.endpoints = append(now.endpoints, e)
			continue
		}
		for _, m := range machines {
			dialled := net.JoinHostPort(m.Unmap().String(), port)
			i := slices.IndexFunc(old.endpoints, func(k *endpoint) bool {
				return k.base == e.base && k.dialled == dialled
			})
			if i >= 0 {
				now.endpoints = append(now.endpoints, old.endpoints[i])
			} else {
				now.endpoints = append(now.endpoints, o.endpoint(e.base, dialled))
			}
		}
	}

	o.known.Store(now)
	for _, e := range old.endpoints {
		if !slices.Contains(now.endpoints, e) {
			e.transport.CloseIdleConnections()
		}
	}
}

// CloseIdle closes the connections on which no request is under way.
func (o *Owner) CloseIdle() {
	for _, e := range slices.Concat(o.known.Load().endpoints, o.named) {
		e.transport.CloseIdleConnections()
	}
}
