package admin

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/certs"
	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/obs"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// ownerOfPrefix are the services that render the pages below a prefix.
var ownerOfPrefix = map[string]string{
	"orders": "order", "catalog": "order", "discounts": "order", "settings": "order",
	"customers": "user", "chat": "user", "prospects": "user", "terms": "user", "sessions": "edge",
	"campaigns": "mailer", "mails": "mailer",
	"reports": "events", "ads": "events", "records": "events",
	"payments": "order",
	"stripe":   "webhook",

	"parked/edge": "edge", "parked/user": "user", "parked/order": "order", "parked/events": "events",
	"parked/mailer": "mailer", "parked/webhook": "webhook",
}

// ownerTimeout bounds a forwarded request to an owner.
const ownerTimeout = 25 * time.Second

// findOwners sets up the connections to the owners. With TLS files admin checks the owners'
// certificates and shows its own.
func (s *server) findOwners(files certs.Files) (map[string]*web.Owner, error) {
	var secure *tls.Config
	if files.Given() {
		var err error
		if secure, err = files.Client(); err != nil {
			return nil, fmt.Errorf("TLS_CERT, TLS_KEY, TLS_CA: %w", err)
		}
	}
	found := map[string]*web.Owner{}
	for name, at := range s.addresses.owners {
		found[name] = web.NewOwner(s.log, name, at, secure, ownerTimeout)
	}
	return found, nil
}

// forwarded are the request headers that owners get, and nothing else that a client sends.
var forwarded = []string{"Accept", "Accept-Language", "Content-Type", "HX-Request", "HX-Target"}

// forward forwards a request to the owner of its path, with a signed identity.
func (s *server) forward(owner string) http.HandlerFunc {
	p := &httputil.ReverseProxy{
		Transport: s.owners[owner], ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		Rewrite: func(pr *httputil.ProxyRequest) {
			s.toOwner(pr.Out, pr.In.URL.Path, pr.In.URL.RawQuery)
			pr.Out.Header = http.Header{}
			for _, name := range forwarded {
				if value := pr.In.Header.Get(name); value != "" {
					pr.Out.Header.Set(name, value)
				}
			}
			pr.Out.Header.Set(obs.TraceHeader, obs.Trace(pr.In.Context()))
			body := bodyOf(pr.In)
			web.SetBody(pr.Out, body)
			// Signing fails only for an identity that JSON cannot hold, and owners refuse unsigned
			// requests.
			if err := adminui.Sign(pr.Out, s.signer, owner, body, adminui.Who(pr.In)); err != nil {
				web.Note(pr.In, "identity_error", err.Error())
			}
		},
		ModifyResponse: s.takeAnswer,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if asked, ok := r.Context().Value(askedKey{}).(*http.Request); ok {
				r = asked // the browser's request, not the one to the owner
			}
			if _, ok := errors.AsType[*web.Error](err); !ok {
				err = web.Unavailable(err)
			}
			s.kit.Fail(w, r, err)
		},
	}

	return func(w http.ResponseWriter, r *http.Request) {
		if !plainPath(r.URL.Path) {
			s.notFound(w, r)
			return
		}
		if r.Method == http.MethodPost {
			fault.Point("admin", "forwarding")
		}
		p.ServeHTTP(w, s.addPaymentOfEvent(r).WithContext(context.WithValue(r.Context(), askedKey{}, r)))
	}
}

// addPaymentOfEvent extends a search for a Stripe event among the orders: it asks webhook which
// payment the event belongs to, because order keeps no event id for older orders. If webhook is
// unavailable, or the person may not see orders, the search stays as it is.
func (s *server) addPaymentOfEvent(r *http.Request) *http.Request {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if path := strings.TrimSuffix(r.URL.Path, ".csv"); err != nil || path != "/orders" ||
		!strings.HasPrefix(strings.TrimSpace(q.Get("q")), "evt_") {
		return r
	}
	q.Del("payment")
	var about adminui.Trail
	key := url.Values{"key": {strings.TrimSpace(q.Get("q"))}}
	if err := s.ask(r.Context(), "webhook", adminui.TrailPath, key.Encode(), adminui.Who(r), &about); err != nil {
		web.Note(r, "payment_of_event", err.Error())
	}
	for _, key := range about.Keys {
		if strings.HasPrefix(key, "pi_") {
			q.Set("payment", key)
		}
	}
	r = r.Clone(r.Context())
	r.URL.RawQuery = q.Encode()
	return r
}

// askedKey is the context key of the browser's request in a forwarded one.
type askedKey struct{}

// toOwner turns a request to an owner's staff routes.
func (s *server) toOwner(r *http.Request, path, query string) {
	r.Host = ""
	r.URL.Path, r.URL.RawPath, r.URL.RawQuery = adminui.Prefix+path, "", query
	if r.Method == http.MethodHead {
		r.Method = http.MethodGet // owners know no HEAD; the server leaves the body out
	}
}

// takeAnswer stores a command's notice in a cookie, for the page that the browser goes to next. An
// owner's refusal that is not a page becomes one.
func (s *server) takeAnswer(res *http.Response) error {
	if res.Request.Method == http.MethodPost {
		fault.Point("admin", "answered")
	}
	if act := res.Header.Get(adminui.ConfirmHeader); act != "" && adminui.IsBrowser(res.Request) {
		return adminui.ErrConfirm(adminui.Action(act))
	}
	if kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type")); err == nil && kind == "application/json" &&
		res.StatusCode >= http.StatusBadRequest && adminui.WantsHTML(res.Request) {
		return &web.Error{Status: res.StatusCode, Code: "owner"}
	}
	if text := res.Header.Get(adminui.NoticeHeader); text != "" {
		res.Header.Add("Set-Cookie", s.cookie(noticeCookie, text, 60).String())
	}
	for _, name := range []string{adminui.NoticeHeader, adminui.ConfirmHeader, "Server"} {
		res.Header.Del(name)
	}
	return nil
}

// plainPath reports whether a path can be one of the back office: segments of letters, digits, -, _
// and single dots.
func plainPath(path string) bool {
	for segment := range strings.SplitSeq(path[1:], "/") {
		if segment == "" || strings.HasPrefix(segment, ".") || strings.Contains(segment, "..") ||
			strings.Trim(segment, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			return false
		}
	}
	return true
}

// askTimeout bounds a request for a part of a page: without an answer the page shows a gap.
const askTimeout = 3 * time.Second

// maxAnswer is the largest answer of an owner that admin reads, in bytes.
const maxAnswer = 64 << 20

// ask reads an owner's page as JSON, on behalf of a person.
func (s *server) ask(ctx context.Context, owner, path, query string, who adminui.Identity, out any) error {
	return s.askWithin(ctx, askTimeout, owner, path, query, who, out)
}

// askWithin is ask with a limit of its own, for answers that take longer.
func (s *server) askWithin(ctx context.Context, limit time.Duration, owner, path, query string, who adminui.Identity,
	out any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "", nil)
	if err != nil {
		return fmt.Errorf("make a request to %s: %w", owner, err)
	}
	s.toOwner(r, path, query)
	r.Header.Set("Accept", "application/json")
	r.Header.Set(obs.TraceHeader, obs.Trace(ctx))
	if err := adminui.Sign(r, s.signer, owner, nil, who); err != nil {
		return err
	}

	res, err := s.owners[owner].RoundTrip(r)
	if err != nil {
		return fmt.Errorf("ask %s: %w", owner, err)
	}
	defer res.Body.Close() //nolint:errcheck // only read
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return fmt.Errorf("ask %s for %s: %w", owner, path, web.NotFound())
	default:
		return fmt.Errorf("ask %s for %s: it answered %d", owner, path, res.StatusCode)
	}

	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the answer of %s: %w", owner, err)
	}
	return nil
}
