package webhook

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxBody is the size of the largest event that is accepted, in bytes; Stripe's are a few kB.
const maxBody = 256 << 10

// stripeWebhook answers 200 once the event is stored durably, and not before: Stripe repeats a
// delivery that gets any other answer.
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
		s.noteRefused(r.Context(), "invalid-signature", body)
		return &web.Error{Status: http.StatusBadRequest, Code: "invalid-signature", Err: err}
	}

	fault.Point("webhook", "verified")
	e, err := parseEvent(body)
	if err != nil {
		s.noteRefused(r.Context(), "invalid-payload", body)
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

// event is what webhook needs to know of an event; the rest stays inside the body.
type event struct {
	id, kind   string
	apiVersion *string
	created    *time.Time
	// object and payment are what the event is about, for the trail: the session, refund or
	// dispute, and its payment intent. paid is true for a session that is paid.
	object, payment *string
	paid            bool
	body            []byte
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
