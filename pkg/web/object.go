package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// Field is one key of an Object.
type Field struct {
	Key   string
	Value any
}

// Object is a JSON object whose keys keep their order: the contract's first key carries the
// outcome, and old pages walk maps in the order in which they are sent.
type Object []Field

// MarshalJSON writes the fields in order.
func (o Object) MarshalJSON() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	buf.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			buf.WriteByte(',')
		}
		if err := enc.Encode(f.Key); err != nil {
			return nil, fmt.Errorf("encode key %s: %w", f.Key, err)
		}
		buf.Truncate(buf.Len() - 1) // Encode ends with a newline
		buf.WriteByte(':')
		if err := enc.Encode(f.Value); err != nil {
			return nil, fmt.Errorf("encode %s: %w", f.Key, err)
		}
		buf.Truncate(buf.Len() - 1)
	}
	buf.WriteByte('}')
	return buf.Bytes(), nil
}

// Numbered makes the contract's object with keys "0", "1", … (from first on).
func Numbered[T any](first int, list []T) Object {
	o := make(Object, len(list))
	for i, v := range list {
		o[i] = Field{strconv.Itoa(first + i), v}
	}
	return o
}

// OrEmpty is a value, or the contract's empty object if there is none.
type OrEmpty[T any] struct{ Value *T }

// MarshalJSON writes the value, or {}.
func (o OrEmpty[T]) MarshalJSON() ([]byte, error) {
	if o.Value == nil {
		return []byte("{}"), nil
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(o.Value); err != nil {
		return nil, fmt.Errorf("encode a value or {}: %w", err)
	}
	return buf.Bytes(), nil
}

// apiVersion is the contract's version of all APIs.
const apiVersion = "0.0.1"

// APIVersion ends every answer, under the key of its API.
type APIVersion struct{}

// MarshalJSON writes the version.
func (APIVersion) MarshalJSON() ([]byte, error) { return []byte(`"` + apiVersion + `"`), nil }

// String is the version.
func (APIVersion) String() string { return apiVersion }

// Success is the outcome of an answer that did what was asked.
type Success struct{}

// MarshalJSON writes "success".
func (Success) MarshalJSON() ([]byte, error) { return []byte(`"success"`), nil }

// Time is the contract's way to write a moment: ISO 8601, UTC, milliseconds, Z.
type Time time.Time

// MarshalJSON writes 2026-01-31T12:00:00.123Z.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(`"` + time.Time(t).UTC().Format("2006-01-02T15:04:05.000Z") + `"`), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(b []byte) error { return (*time.Time)(t).UnmarshalJSON(b) }
