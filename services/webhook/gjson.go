package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/tidwall/gjson"
)

// parseEvent reads an event's own fields and skips what is nested deeper: decoding that took a
// fifth of what a webhook costs. Only id and type must be valid: whatever else Stripe changes one
// day must not stop a payment.
func parseEvent(body []byte) (event, error) {
	if !validJSON(body) {
		return event{}, errors.New("the event is not JSON")
	}
	f := gjson.GetManyBytes(body, "id", "type", "api_version", "created", "data.object.id",
		"data.object.payment_intent",
		"data.object.payment_status")

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

	e.object, e.payment, e.paid = usableText(f[4]), usableText(f[5]), f[6].Str == "paid"
	return e, nil
}

// usableText returns an id of Stripe's from inside an event, or nil.
func usableText(r gjson.Result) *string {
	if r.Type != gjson.String || !usableID(r.Str) {
		return nil
	}
	return &r.Str
}

// maxDepth is how deep encoding/json, with which receivers read, lets values be nested.
const maxDepth = 10_000

// validJSON answers as json.Valid does, but faster if nothing can be nested too deep.
func validJSON(body []byte) bool {
	if bytes.Count(body, []byte{'{'})+bytes.Count(body, []byte{'['}) > maxDepth {
		return json.Valid(body)
	}
	return gjson.ValidBytes(body)
}
