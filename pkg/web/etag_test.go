package web

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestNotModified(t *testing.T) {
	t.Parallel()
	const tag = `"abc"`
	for _, c := range []struct {
		known []string
		want  bool
	}{
		{nil, false},
		{[]string{tag}, true},
		{[]string{`W/"abc"`}, true},
		{[]string{`"x", W/"abc" , "y"`}, true},
		{[]string{`"x"`, tag}, true},
		{[]string{"*"}, true},
		{[]string{"abc"}, false},
		{[]string{`"abcd"`}, false},
		{[]string{`"x-"abc""`}, false}, // the tag within a longer one
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["If-None-Match"] = c.known
		w.Header().Set("Content-Type", "text/plain")

		if got := NotModified(w, r, tag); got != c.want {
			t.Errorf("%q: %v", c.known, got)
		}
		if done := w.Code == http.StatusNotModified && w.Header().Get("Content-Type") == ""; done != c.want {
			t.Errorf("%q: answered %d %v", c.known, w.Code, w.Header())
		}
	}
}
