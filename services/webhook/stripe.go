package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/fault"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxBody is the largest event that is taken, in bytes; Stripe's are a few kB.
const maxBody = 256 << 10

// stripeWebhook answers 200 once the event is stored durably, and not before: Stripe repeats
// whatever is answered otherwise.
func (s *service) stripeWebhook(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return &web.Error{Status: http.StatusMethodNotAllowed, Code: "method-not-allowed"}
	}
	if len(s.secrets) == 0 {
		return &web.Error{Status: http.StatusInternalServerError, Code: "webhook-not-configured"}
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	if err := verify(s.secrets, r.Header.Get("Stripe-Signature"), body, time.Now()); err != nil {
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
	return web.JSON(w, http.StatusOK, received{true})
}

type received struct {
	Received bool `json:"received"`
}

func invalidPayload(err error) error {
	return &web.Error{Status: http.StatusBadRequest, Code: "invalid-payload", Err: err}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	var buf bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength <= maxBody {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &web.Error{Status: http.StatusRequestEntityTooLarge, Code: "body-too-large", Err: err}
	}
	if err != nil {
		return nil, &web.Error{Status: http.StatusBadRequest, Code: "bad-request", Err: fmt.Errorf("read the body: %w", err)}
	}
	return buf.Bytes(), nil
}

// event is what webhook needs to know of an event; the rest stays inside the body.
type event struct {
	id, kind   string
	apiVersion *string
	created    *time.Time
	body       []byte
}

// parseEvent reads the frame of an event. Only id and type must be right: what else Stripe may
// change one day must not stop a payment at the door.
func parseEvent(body []byte) (event, error) {
	frame, err := readFrame(body)
	if err != nil {
		return event{}, fmt.Errorf("read the event: %w", err)
	}
	if !usableID(frame.ID) {
		return event{}, errors.New("the event's id is missing or unusable")
	}
	if !usableType(frame.Type) {
		return event{}, errors.New("the event's type is missing or unusable")
	}
	e := event{id: frame.ID, kind: frame.Type, body: body}
	var version string
	if json.Unmarshal(frame.APIVersion, &version) == nil && usableID(version) {
		e.apiVersion = &version
	}
	if seconds, err := strconv.ParseInt(string(frame.Created), 10, 64); err == nil && seconds > 0 && seconds < 1<<36 {
		at := time.Unix(seconds, 0).UTC()
		e.created = &at
	}
	return e, nil
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
