package edge

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	webhookPath = "/order/stripe-webhook"
	// maxWebhook is far above the largest event of Stripe.
	maxWebhook = 256 << 10
)

// ownerTimeout bounds a request to an owner.
const ownerTimeout = 30 * time.Second

// findOwners sets up the connections to the owners. With TLS files edge checks the owners'
// certificates and shows its own.
func (s *server) findOwners() error {
	var secure *tls.Config
	if files := s.cfg.InsideFiles(); files.Given() {
		var err error
		if secure, err = files.Client(); err != nil {
			return fmt.Errorf("TLS_CERT, TLS_KEY, TLS_CA: %w", err)
		}
	}
	owner := func(name string, at web.Addresses) *web.Owner {
		return web.NewOwner(s.log, name, at, secure, ownerTimeout)
	}
	set, o := s.settings, &s.owners
	o.user, o.order = owner("user", set.user), owner("order", set.order)
	o.events, o.webhook = owner("events", set.events), owner("webhook", set.webhook)
	return nil
}

// forwarded are the request headers that owners get; nothing else that a client sends reaches them,
// least of all cookies and forged identities.
var forwarded = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}

// proxy forwards to an owner. enrich, if set, may add to the identity.
func (s *server) proxy(owner *web.Owner, enrich func(r *http.Request, id *web.Identity) error) http.Handler {
	p := &httputil.ReverseProxy{
		Transport:      owner,
		BufferPool:     &s.buffers,
		ErrorHandler:   s.ownerAway,
		ModifyResponse: s.applyAnswer,
		ErrorLog:       quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			s.toOwner(pr, forwarded)
			// Signing fails only for an identity that JSON cannot hold, and the owner refuses
			// unsigned requests.
			if err := web.SignIdentity(pr.Out, s.identityKey, identityOf(pr.In)); err != nil {
				web.Note(pr.In, "identity_error", err.Error())
			}
		},
	}

	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		id := requestOf(r).identity()
		if enrich != nil {
			if err := enrich(r, &id); err != nil {
				requestOf(r).counted.Release()
				return err
			}
		}
		ctx := r.Context()
		if mayBeSentAgain(r) {
			ctx, id.Click = web.Repeatable(ctx), rand.Text()
		}
		p.ServeHTTP(w, r.WithContext(context.WithValue(ctx, forwardedIdentity{}, id)))
		return nil
	})
}

type forwardedIdentity struct{}

func identityOf(r *http.Request) web.Identity {
	id, ok := r.Context().Value(forwardedIdentity{}).(web.Identity)
	if !ok {
		return web.Identity{}
	}
	return id
}

// toOwner strips a request to the headers that owners get.
func (s *server) toOwner(pr *httputil.ProxyRequest, names []string) {
	pr.Out.URL.RawPath, pr.Out.Host = "", ""
	if pr.In.Method == http.MethodHead {
		pr.Out.Method = http.MethodGet // owners know no HEAD; the server leaves the body out
	}
	h := make(http.Header, len(names)+2)
	for _, name := range names {
		if values := pr.In.Header[name]; len(values) > 0 {
			h[name] = values[:1]
		}
	}
	if h["User-Agent"] == nil {
		h["User-Agent"] = []string{""} // otherwise the transport adds its own
	}
	h.Set(obs.TraceHeader, obs.Trace(pr.In.Context()))
	pr.Out.Header = h
}

// webhook forwards Stripe's calls unchanged: the service webhook checks signature and age on the
// raw bytes. A call may be sent again, since Stripe repeats its events, too, and webhook stores
// each once.
func (s *server) webhook() http.Handler {
	p := &httputil.ReverseProxy{
		Transport: s.owners.webhook, BufferPool: &s.buffers, ErrorHandler: s.ownerAway, ErrorLog: quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			s.toOwner(pr, []string{"Accept", "Content-Type", "Stripe-Signature", "User-Agent"})
		},
		ModifyResponse: func(res *http.Response) error { takeInstructions(res.Header); return nil },
	}
	return web.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if err := new(request).readBody(r, maxWebhook); err != nil {
			return err
		}
		p.ServeHTTP(w, r.WithContext(web.Repeatable(r.Context())))
		return nil
	})
}

// ownerAway answers if an owner did not, or if edge could not act on its answer.
func (s *server) ownerAway(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		requestOf(r).counted.Release() // otherwise the client has left, and the owner may have acted
	}
	if _, ok := errors.AsType[*web.Error](err); !ok && r.Context().Err() == nil {
		err = web.Unavailable(err)
	}
	web.Fail(w, r, err)
}

// ask sends an owner a request under edge's own key and decodes the JSON answer into out.
func (s *server) ask(ctx context.Context, owner *web.Owner, q web.Call, out any) error {
	q.Key = s.identityKey
	return owner.Call(ctx, q, out)
}

// plainPath reports whether a path can be one of the API's: segments of letters, digits, - and _.
// Other paths (dots, encoded slashes, control characters) never reach an owner.
func plainPath(path string) bool {
	for segment := range strings.SplitSeq(path[1:], "/") {
		if !plain(segment) {
			return false
		}
	}
	return true
}

// orderIdentifier is the single segment after /order/, if it consists of letters and digits.
func orderIdentifier(path string) (string, bool) {
	id, ok := strings.CutPrefix(path, "/order/")
	return id, ok && plain(id) && !strings.ContainsAny(id, "-_")
}
