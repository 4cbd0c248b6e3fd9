package web

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// MaxForm is the largest body of a form, in bytes. The contract's longest text has 5,000
// characters.
const MaxForm = 64 << 10

// drainLimit is how much of a body that no one wanted is read and thrown away.
const drainLimit = 32 << 20

// Drain reads the rest of a request after its answer is ready: a client that is still sending would
// see a broken connection instead of the refusal.
func Drain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := r.Body
		next.ServeHTTP(w, r)
		if body == nil || body == http.NoBody {
			return
		}
		if _, err := io.CopyN(io.Discard, body, drainLimit); err != nil && !errors.Is(err, io.EOF) {
			Note(r, "drain_error", err.Error())
		}
	})
}

// Values are the parameters of a request.
type Values struct{ url.Values }

// Text is a text of several lines. Browsers send each of its line breaks as two characters; the
// person typed one.
func (v Values) Text(name string) string { return strings.ReplaceAll(v.Get(name), "\r\n", "\n") }

// Query reads the query string. Text that is not valid UTF-8, or holds a NUL, is refused: no
// database column would take it.
func Query(r *http.Request) (Values, error) {
	v, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return Values{}, BadRequest("")
	}
	return checked(v)
}

// Form reads the body of a POST (application/x-www-form-urlencoded or, as some clients send it,
// multipart/form-data without files). Bodies beyond MaxForm get 413, other kinds of body count as
// empty, as they did in the original.
func Form(w http.ResponseWriter, r *http.Request) (Values, error) { return FormWithin(w, r, MaxForm) }

// FormWithin is Form for bodies of at most so many bytes.
func FormWithin(w http.ResponseWriter, r *http.Request, most int64) (Values, error) {
	if r.Body == nil {
		return Values{url.Values{}}, nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case err == nil && kind == "multipart/form-data":
		err = r.ParseMultipartForm(most)
	case err == nil && kind == "application/x-www-form-urlencoded":
		err = r.ParseForm()
	default:
		return Values{url.Values{}}, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return Values{}, &Error{Status: http.StatusRequestEntityTooLarge, Code: "body-too-large", Err: err}
	}
	if err != nil {
		return Values{}, &Error{Status: http.StatusBadRequest, Code: "bad-request", Err: err}
	}
	return checked(r.PostForm)
}

// parameterSigns may stand in the name of a parameter.
const parameterSigns = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

func checked(v url.Values) (Values, error) {
	for name, values := range v {
		for _, s := range values {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				if len(name) > 64 || strings.Trim(name, parameterSigns) != "" {
					name = "" // the client chose it, and it goes into the log
				}
				return Values{}, BadRequest(name)
			}
		}
	}
	return Values{v}, nil
}

// Lookup is the first value of a parameter and whether it was sent at all.
func (v Values) Lookup(name string) (string, bool) {
	values, ok := v.Values[name]
	if !ok || len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// Has reports whether a parameter was sent at all.
func (v Values) Has(name string) bool { _, ok := v.Lookup(name); return ok }

// Required is the first value of a parameter, or the 400 that names it.
func (v Values) Required(name string) (string, error) {
	s, ok := v.Lookup(name)
	if !ok {
		return "", BadRequest(name)
	}
	return s, nil
}

// SetBody gives a request a body that can be sent again: by a client whose connection turns out to
// be closed, and by Owner.
func SetBody(r *http.Request, body []byte) {
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
}
