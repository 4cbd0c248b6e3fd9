package stripestandin

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// maxAPIBody is the largest request the API reads.
const maxAPIBody = 1 << 20

// apiHandler answers an API call inside a change. It must read and check all parameters before it
// puts the first record.
type apiHandler func(t *tx, r *http.Request, p reader) (any, error)

// answer is the outcome of an API call.
type answer struct {
	status int
	body   []byte
}

// call is an API request that is being answered.
type call struct {
	s           *Server
	r           *http.Request
	id, key     string // request id, idempotency key
	params      *node
	fingerprint string
	fault       APIFault
	replayed    bool
}

// api wraps a handler with what every call of Stripe's API has: a request id, the key check, error
// objects, idempotency, and the switches that make it fail.
func (s *Server) api(h apiHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{s: s, r: r, id: newID("req_", 14)}

		head := w.Header()
		head.Set("Content-Type", "application/json")
		head.Set("Cache-Control", "no-cache, no-store")
		head.Set("Request-Id", c.id)
		head.Set("Stripe-Version", s.version(r))
		if e := c.read(w); e != nil {
			c.write(w, c.refusal(e))
			return
		}
		if c.key != "" {
			head.Set("Idempotency-Key", c.key)
		}

		out, err := c.do(h)
		if err != nil {
			if errors.Is(err, errCut) {
				panic(http.ErrAbortHandler) // makes net/http drop the connection
			}
			out = c.refusal(err)
		}

		if c.replayed {
			head.Set("Idempotent-Replayed", "true")
		}
		c.write(w, out)
	}
}

// version is the API version that the caller asked for; answers have the shape of 2023-10-16 in any
// case.
func (s *Server) version(r *http.Request) string {
	if v := r.Header.Get("Stripe-Version"); v != "" && cleanText(v) {
		return shorten(v, 60)
	}
	return s.apiVersion
}

func (c *call) write(w http.ResponseWriter, a answer) {
	c.s.log.Debug("api", "method", c.r.Method, "route", c.r.Pattern, "status", a.status, "request", c.id)
	if a.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="Stripe"`)
	}
	w.WriteHeader(a.status)
	writeBody(w, a.body)
}

// refusal turns an error into Stripe's error object. It hides the text of errors that are not
// refusals.
func (c *call) refusal(err error) answer {
	e, ok := errors.AsType[*apiError](err)
	if !ok {
		c.s.log.Error("api call failed", "route", c.r.Pattern, "request", c.id, "err", err)
		e = internalError()
	}
	shown := *e
	shown.LogURL = c.s.publicURL + "/?request=" + c.id
	body, err := json.Marshal(map[string]any{"error": &shown})
	if err != nil {
		c.s.log.Error("error object not encoded", "err", err)
	}
	return answer{e.Status, body}
}

// read authorizes the caller and decodes the parameters.
func (c *call) read(w http.ResponseWriter) error {
	if e := c.s.authorize(c.r); e != nil {
		return e
	}
	parts := []string{c.r.URL.RawQuery}
	if c.r.Method == http.MethodPost {
		body, err := io.ReadAll(http.MaxBytesReader(w, c.r.Body, maxAPIBody))
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			e := refuse("", "", "The request is larger than %d bytes.", maxAPIBody)
			e.Status = http.StatusRequestEntityTooLarge
			return e
		}
		if err != nil {
			return refuse("", "", "The request could not be read.")
		}
		media, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
		if len(body) > 0 && (err != nil || media != "application/x-www-form-urlencoded") {
			return refuse("", "", "Invalid request: this API takes form-encoded bodies "+
				"(application/x-www-form-urlencoded).")
		}
		parts = append(parts, string(body))
		c.key = c.r.Header.Get("Idempotency-Key")
		if len(c.key) > 255 || !cleanText(c.key) {
			c.key = ""
			return refuse("", "", "Idempotency keys may have at most 255 characters.")
		}
	}

	params, e := decodeForm(parts...)
	if e != nil {
		return e
	}
	c.params = params
	c.fingerprint = params.fingerprint(c.r.Method, c.r.URL.Path)
	return nil
}

// authorize accepts the secret key as bearer token or as Basic user name.
func (s *Server) authorize(r *http.Request) error {
	key, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !isBearer {
		key, _, _ = r.BasicAuth()
	}
	e := &apiError{Status: http.StatusUnauthorized, Type: "invalid_request_error"}
	key = strings.TrimSpace(key)
	switch {
	case key == "":
		e.Message = "You did not provide an API key. You need to provide your API key in the Authorization header, " +
			"using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
	case subtle.ConstantTimeCompare([]byte(key), []byte(s.cfg.SecretKey)) != 1:
		e.Message = "Invalid API Key provided: " + masked(key)
	default:
		return nil
	}
	return e
}

// masked returns only the beginning and the end of a key.
func masked(key string) string {
	if len(key) < 16 || !cleanText(key) {
		return "****"
	}
	return shorten(key, 8) + "****" + key[len(key)-4:]
}

// errCut ends a call without an answer.
var errCut = errors.New("connection cut by a switch")

// do answers the call, subject to its idempotency key and the switches.
func (c *call) do(h apiHandler) (answer, error) {
	if saved, err := c.claim(); saved != nil || err != nil {
		if saved == nil {
			return answer{}, err
		}
		c.replayed = true
		return *saved, nil
	}
	out, err := c.doClaimed(h)
	if errors.Is(err, errCut) {
		// Release the key first: the caller's repeat must not find this call in flight.
		c.hang()
	}
	return out, err
}

// doClaimed answers the call and then releases its key.
func (c *call) doClaimed(h apiHandler) (answer, error) {
	if c.key != "" {
		defer func() {
			c.s.mu.Lock()
			delete(c.s.inFlight, c.key)
			c.s.mu.Unlock()
		}()
	}
	return c.doOnce(h)
}

func (c *call) doOnce(h apiHandler) (answer, error) {
	sw := c.s.Switches()
	if ms := sw.APILatencyMS; ms > 0 && !wait.Sleep(c.r.Context(), time.Duration(ms)*time.Millisecond) {
		return answer{}, errCut
	}
	if err := c.meetFault(); err != nil && !c.fault.After {
		return answer{}, err
	}

	var out answer
	err := c.s.change(c.id, c.key, func(t *tx) error {
		v, err := h(t, c.r, newReader(c.params))
		if err != nil {
			return err
		}
		body, err := json.Marshal(v)
		if err != nil {
			return err
		}
		out = answer{http.StatusOK, body}
		if c.fault.After && c.fault.Kind == "500" {
			out = c.refusal(internalError())
		}
		t.save(c, out)
		return nil
	})
	if err == nil && c.fault.After && c.fault.Kind != "500" {
		return answer{}, c.faultError()
	}

	return out, err
}

// meetFault asks the switches whether and how this call must fail.
func (c *call) meetFault() error {
	var hit bool
	err := c.s.change("", "", func(t *tx) error {
		sw := t.settings.Switches.clone()
		if c.fault, hit = sw.takeFault(c.r.Method, c.r.URL.Path); hit {
			t.settings.Switches = sw
			t.putSettings()
		}
		return nil
	})
	if err != nil || !hit {
		return err
	}
	return c.faultError()
}

func (c *call) faultError() error {
	switch c.fault.Kind {
	case "429":
		return rateLimited()
	case "500":
		return internalError()
	default:
		return errCut
	}
}

// hangTimeout is how long a timeout switch lets a call hang, unless the switch says.
const hangTimeout = time.Minute

// hang keeps the connection of a call open that a timeout switch selected.
func (c *call) hang() {
	hold := hangTimeout
	if c.fault.HangMS > 0 {
		hold = time.Duration(c.fault.HangMS) * time.Millisecond
	}
	select {
	case <-c.r.Context().Done():
	case <-c.s.stopping:
	case <-time.After(hold):
	}
}

// unknownCall answers requests that no route matches.
func unknownCall(_ *tx, r *http.Request, _ reader) (any, error) {
	e := refuse("", "", "Unrecognized request URL (%s: %s). The stand-in offers the part of Stripe's API that the "+
		"shop uses.", r.Method, shorten(r.URL.Path, 200))
	e.Status = http.StatusNotFound
	return nil, e
}
