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
	// maxWebhook is far beyond the largest event of Stripe.
	maxWebhook = 256 << 10
)

// answerTime bounds an owner's time until it answers.
const answerTime = 30 * time.Second

// findOwners makes the way to each owner. With files edge checks the owners' certificates and shows its own.
func (e *server) findOwners() error {
	var secure *tls.Config
	if files := e.cfg.InsideFiles(); files.Given() {
		var err error
		if secure, err = files.Client(); err != nil {
			return fmt.Errorf("TLS_CERT, TLS_KEY, TLS_CA: %w", err)
		}
	}
	owner := func(name string, at web.Addresses) *web.Owner {
		return web.NewOwner(e.log, name, at, secure, answerTime)
	}
	s, o := e.settings, &e.owners
	o.user, o.order = owner("user", s.user), owner("order", s.order)
	o.events, o.webhook = owner("events", s.events), owner("webhook", s.webhook)
	return nil
}

// forwarded are the request headers that owners get; nothing else of what a client sends reaches
// them, least of all cookies and forged identities.
var forwarded = []string{"Accept", "Accept-Language", "Content-Type", "User-Agent"}

// proxy forwards to an owner. enrich, if set, may add to the identity.
func (e *server) proxy(owner *web.Owner, enrich func(r *http.Request, id *web.Identity) error) http.Handler {
	p := &httputil.ReverseProxy{
		Transport: owner, BufferPool: &e.buffers, ErrorHandler: e.ownerAway, ModifyResponse: e.applyAnswer,
		ErrorLog: quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			e.toOwner(pr, forwarded)
			// Signing fails for no identity that JSON can hold, and the owner refuses unsigned requests.
			if err := web.SignIdentity(pr.Out, e.keys.identity, identityOf(pr.In)); err != nil {
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

// toOwner strips a request to the headers that go along to an owner.
func (e *server) toOwner(pr *httputil.ProxyRequest, names []string) {
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
		h["User-Agent"] = []string{""} // else the transport puts its own in
	}
	h.Set(obs.TraceHeader, obs.Trace(pr.In.Context()))
	pr.Out.Header = h
}

// webhook forwards Stripe's calls as they are: signature and age are judged by webhook, over the raw
// bytes. Stripe repeats its events, too: webhook stores each once.
func (e *server) webhook() http.Handler {
	p := &httputil.ReverseProxy{
		Transport: e.owners.webhook, BufferPool: &e.buffers, ErrorHandler: e.ownerAway, ErrorLog: quiet,
		Rewrite: func(pr *httputil.ProxyRequest) {
			e.toOwner(pr, []string{"Accept", "Content-Type", "Stripe-Signature", "User-Agent"})
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

// ownerAway answers a request whose owner did not, or whose answer edge could not act on.
func (e *server) ownerAway(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		requestOf(r).counted.Release() // else the client has left, and the owner may have acted all the same
	}
	if _, ok := errors.AsType[*web.Error](err); !ok && r.Context().Err() == nil {
		err = web.Unavailable(err)
	}
	web.Fail(w, r, err)
}

// ask asks an owner, as edge alone can, and reads its JSON answer into out.
func (e *server) ask(ctx context.Context, owner *web.Owner, q web.Call, out any) error {
	q.Key = e.keys.identity
	return owner.Call(ctx, q, out)
}

// plainPath reports whether a path can be one of the API's: segments of letters, digits, - and _. What
// else a path can hold (dots, encoded slashes, control characters) never reaches an owner.
func plainPath(path string) bool {
	for segment := range strings.SplitSeq(path[1:], "/") {
		if !plain(segment) {
			return false
		}
	}
	return true
}

// orderIdentifier is the one segment behind /order/ when it consists of letters and digits.
func orderIdentifier(path string) (string, bool) {
	id, ok := strings.CutPrefix(path, "/order/")
	return id, ok && plain(id) && !strings.ContainsAny(id, "-_")
}
