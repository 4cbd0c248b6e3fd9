package obs

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestTrace(t *testing.T) {
	t.Parallel()
	const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	ctx := WithTrace(t.Context(), given)
	if TraceID(ctx) != "4bf92f3577b34da6a3ce929d0e0e4736" || Trace(ctx) == given {
		t.Errorf("trace %q: want the same id and a new span", Trace(ctx))
	}
	for _, bad := range []string{"", "garbage", "00-zz-00-01", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01"} {
		if id := TraceID(WithTrace(t.Context(), bad)); len(id) != 32 || strings.Trim(id, "0") == "" {
			t.Errorf("trace id for %q is %q", bad, id)
		}
	}
}

// A process is ready if it has checks and all of them pass; the answer reveals no error.
func TestReady(t *testing.T) {
	remove := AddCheck("broken", func(context.Context) error { return errors.New("secret detail") })
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return w
	}
	if w := get(); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("with a broken part: %d %s", w.Code, w.Body)
	}
	remove()
	if w := get(); w.Code != http.StatusServiceUnavailable {
		t.Errorf("before any part is there: %d %s", w.Code, w.Body)
	}
	defer AddCheck("good", func(context.Context) error { return nil })()
	if w := get(); w.Code != http.StatusOK {
		t.Errorf("without: %d %s", w.Code, w.Body)
	}
}
