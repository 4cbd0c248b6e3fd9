package testenv

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Answer is what a service answered.
type Answer struct {
	TB      testing.TB
	Request *http.Request
	Status  int
	Header  http.Header
	Body    string
}

// OK ends the test unless the status is 200.
func (a Answer) OK() Answer {
	a.TB.Helper()
	if a.Status != http.StatusOK {
		a.TB.Fatalf("%s", a)
	}
	return a
}

// String describes the answer in a failure.
func (a Answer) String() string {
	return a.Request.Method + " " + a.Request.URL.Path + " answered " + strconv.Itoa(a.Status) + " " + a.Body
}

// At is the value in the JSON body below keys, nil if there is none. A whole number is an int, the
// key of an element in a list is its index.
func (a Answer) At(keys ...string) any {
	d := json.NewDecoder(strings.NewReader(a.Body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil
	}

	for _, key := range keys {
		switch at := v.(type) {
		case map[string]any:
			v = at[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(at) {
				return nil
			}
			v = at[i]
		default:
			return nil
		}
	}

	if n, ok := v.(json.Number); ok {
		if whole, err := strconv.Atoi(n.String()); err == nil {
			return whole
		}
		f, err := n.Float64()
		if err != nil {
			return nil
		}
		return f
	}

	return v
}

// Text is the text in the JSON body below keys, "" if there is none.
func (a Answer) Text(keys ...string) string {
	text, ok := a.At(keys...).(string)
	if !ok {
		return ""
	}
	return text
}

// Want fails the test unless the status is 200 and the value below keys is the wanted one.
func (a Answer) Want(value any, keys ...string) {
	a.TB.Helper()
	if got := a.At(keys...); a.Status != http.StatusOK || got != value {
		a.TB.Errorf("%s: %s is %v, want %v", a, strings.Join(keys, "."), got, value)
	}
}

// Is fails the test unless the status is 200 and the body is this JSON, but for white space. "*"
// stands for any text that is not empty.
func (a Answer) Is(body string) {
	a.TB.Helper()
	got, want := indent(a.Body), indent(body)
	if a.Status != http.StatusOK {
		a.TB.Errorf("%s, want 200 %s", a, body)
	} else if diff := cmp.Diff(want, written(want, got, nil)); diff != "" {
		a.TB.Errorf("%s %s answered (-want +got):\n%s", a.Request.Method, a.Request.URL.Path, diff)
	}
}

// Golden is Is with a body from a file; see there for values.
func (a Answer) Golden(file string, values ...string) {
	a.TB.Helper()
	if a.Status != http.StatusOK {
		a.TB.Errorf("%s, want 200 and %s", a, file)
		return
	}
	Golden(a.TB, file, indent(a.Body), values...)
}

// Has fails the test unless the status is the wanted one and the body holds all these texts.
func (a Answer) Has(status int, texts ...string) {
	a.TB.Helper()
	for _, text := range append(texts, "") {
		if a.Status != status || !strings.Contains(a.Body, text) {
			a.TB.Errorf("%s, want %d %s", a, status, text)
		}
	}
}

// Cookies are the cookies that the answer sets.
func (a Answer) Cookies() []*http.Cookie { return (&http.Response{Header: a.Header}).Cookies() }

// Cookie is a cookie that the answer sets, nil when it does not.
func (a Answer) Cookie(name string) *http.Cookie {
	for _, c := range a.Cookies() {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// indent puts each value of a JSON text on a line of its own and changes nothing else. Text that is
// not JSON stays as it is.
func indent(text string) string {
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(text), "", "  "); err != nil {
		return text
	}
	return strings.TrimSpace(out.String()) + "\n"
}
