package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/gjson"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxBody is the largest event that is taken, in bytes; Stripe's are a few kB.
const maxBody = 256 << 10

// stripeWebhook answers 200 once the event is stored durably, and not before: Stripe repeats
// whatever is answered otherwise.
func (s *server) stripeWebhook(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	}
	if len(s.secrets) == 0 {
		return &web.Error{Status: http.StatusInternalServerError, Code: "webhook-not-configured"}
	}
	buf := buffers.Get().(*bytes.Buffer)
	if err := readBody(buf, w, r); err != nil {
		return err
	}
	body := buf.Bytes()
	if err := verify(s.secrets, r.Header.Get("Stripe-Signature"), body); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Code: "invalid-signature", Err: err}
	}
	fault.Point("webhook", "verified")
	e, err := parseEvent(body)
	if err != nil {
		return invalidPayload(err)
	}
	web.Note(r, "event", e.id)
	web.Note(r, "type", e.kind)
	if err := s.store.add(r.Context(), e); err != nil {
		if errors.Is(err, errRefused) {
			return invalidPayload(err)
		}
		return web.Unavailable(err)
	}
	fault.Point("webhook", "stored")
	buf.Reset()
	buffers.Put(buf) // after an error a writer may still hold the body
	return web.RawJSON(w, http.StatusOK, received)
}

var received = []byte(`{"received":true}`)

func invalidPayload(err error) error {
	return &web.Error{Status: http.StatusBadRequest, Code: "invalid-payload", Err: err}
}

// buffers are used again for bodies.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func readBody(buf *bytes.Buffer, w http.ResponseWriter, r *http.Request) error {
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return web.BodyError(err)
	}
	return nil
}

// event is what webhook needs to know of an event; the rest stays inside the body.
type event struct {
	id, kind   string
	apiVersion *string
	created    *time.Time
	body       []byte
}

// parseEvent reads an event's own fields and steps over what lies inside of others: decoding that
// took a fifth of what a webhook costs. Only id and type must be right: what else Stripe may change
// one day must not stop a payment at the door.
func parseEvent(body []byte) (event, error) {
	if !validJSON(body) {
		return event{}, errors.New("the event is no JSON")
	}
	f := gjson.GetManyBytes(body, "id", "type", "api_version", "created")
	id, kind, version, created := f[0], f[1], f[2], f[3]
	if id.Type != gjson.String || !usableID(id.Str) {
		return event{}, errors.New("the event's id is missing or unusable")
	}
	if kind.Type != gjson.String || !usableType(kind.Str) {
		return event{}, errors.New("the event's type is missing or unusable")
	}
	e := event{id: id.Str, kind: kind.Str, body: body}
	if version.Type == gjson.String && usableID(version.Str) {
		e.apiVersion = &version.Str
	}
	if seconds, err := strconv.ParseInt(created.Raw, 10, 64); err == nil && seconds > 0 && seconds < 1<<36 {
		at := time.Unix(seconds, 0).UTC()
		e.created = &at
	}
	return e, nil
}

// deepest is how many levels encoding/json goes down, with which receivers read.
const deepest = 10_000

// validJSON says what json.Valid says, and faster where nothing can be too deep.
func validJSON(body []byte) bool {
	if bytes.Count(body, []byte{'{'})+bytes.Count(body, []byte{'['}) > deepest {
		return json.Valid(body)
	}
	return gjson.ValidBytes(body)
}

// usableID admits what can be a message id in a header: printable, without blanks.
func usableID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}

// usableType admits what can follow "stripe." in a subject.
func usableType(s string) bool {
	if len(s) > 200 {
		return false
	}
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || strings.Trim(token, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}
