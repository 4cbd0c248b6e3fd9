package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

func TestFailKeepsInternalsInside(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{BadRequest("username"), 400, `{"error":"bad-request","parameter":"username"}`},
		{NotFound(), 404, `{"error":"not-found"}`},
		{Forbidden("csrf-failed"), 403, `{"error":"csrf-failed"}`},
		{TooMany(1500 * time.Millisecond), 429, `{"error":"too-many-requests"}`},
		{fmt.Errorf("read a row: %w", Unavailable(errors.New("secret"))), 503, `{"error":"unavailable"}`},
		{fmt.Errorf("connect: %w", &pgconn.ConnectError{}), 503, `{"error":"unavailable"}`},
		{fmt.Errorf("store: %w", &pgconn.PgError{Code: "57P01"}), 503, `{"error":"unavailable"}`},
		{fmt.Errorf("store: %w", &pgconn.PgError{Code: "40001"}), 503, `{"error":"unavailable"}`},
		{fmt.Errorf("secret table: %w", &pgconn.PgError{Code: "42P01"}), 500, `{"error":"internal-error"}`},
		{errors.New("secret"), 500, `{"error":"internal-error"}`},
	} {
		w := httptest.NewRecorder()
		Fail(w, httptest.NewRequest(http.MethodGet, "/", nil), c.err)

		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%v answered %d %s", c.err, w.Code, w.Body)
		}
		if retry := w.Header().Get("Retry-After"); (retry != "") != (c.status == 429 || c.status == 503) {
			t.Errorf("%v: Retry-After %q", c.err, retry)
		}
	}
}

func TestRouterLogsOneLineAndSurvivesAPanic(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := Router("test", slog.New(slog.NewJSONHandler(&out, nil)))
	r.Get("/fine/{id}", Handle(func(w http.ResponseWriter, r *http.Request) error {
		Note(r, "order", "abc")
		return JSON(w, http.StatusOK, Object{{"b", 1}, {"a", "<&>"}})
	}))
	r.Get("/panic", func(http.ResponseWriter, *http.Request) { panic("secret") })
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}

	if w := get("/fine/7"); w.Body.String() != `{"b":1,"a":"<&>"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("fine: %s %v", w.Body, w.Header())
	}
	if w := get("/panic"); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("panic: %d %s", w.Code, w.Body)
	}
	if w := get("/nothing"); w.Code != 404 {
		t.Errorf("unknown: %d", w.Code)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], `"route":"/fine/{id}"`) || !strings.Contains(lines[0], `"order":"abc"`) ||
		!strings.Contains(lines[0], `"trace":"`) || !strings.Contains(lines[1], "secret") {
		t.Errorf("log:\n%s", out.String())
	}
}

// A body that is too large or cannot be stored is refused, and one of another type is empty.
func TestForm(t *testing.T) {
	t.Parallel()
	post := func(kind, body string) (Values, error) {
		r := httptest.NewRequest(http.MethodPost, "/?a=query", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return Form(httptest.NewRecorder(), r)
	}

	const form = "application/x-www-form-urlencoded"
	v, err := post(form, "a=1&a=2&b=%C3%A4")
	if got, ok := v.Lookup("a"); err != nil || !ok || got != "1" || v.Get("b") != "ä" {
		t.Errorf("form: %v %v", v, err)
	}
	if _, err := v.Required("c"); err == nil {
		t.Error("a missing parameter is fine")
	}

	for name, c := range map[string]struct {
		kind, body string
		status     int
	}{
		"too large": {form, "a=" + strings.Repeat("x", MaxForm), 413}, "broken escape": {form, "a=%zz", 400},
		"not UTF-8": {form, "a=%ff", 400}, "NUL": {form, "a=%00", 400}, "broken multipart": {"multipart/form-data; boundary=x", "--y", 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := post(c.kind, c.body)
			if e, ok := errors.AsType[*Error](err); !ok || e.Status != c.status {
				t.Errorf("%v, want %d", err, c.status)
			}
		})
	}

	if v, err := post("application/json", `{"a":1}`); err != nil || len(v.Values) != 0 {
		t.Errorf("another kind of body: %v %v", v, err)
	}
}

// An identity is valid only as it was signed: for its method, its path and its key.
func TestIdentity(t *testing.T) {
	t.Parallel()
	key := Key([]byte("secret"), "identity")
	ask := func(change func(*http.Request)) (Identity, int) {
		r := httptest.NewRequest(http.MethodPost, "/order/cart-items", nil)
		if err := SignIdentity(r, key, Identity{MemberID: 7, Username: "ann_lee"}); err != nil {
			t.Fatal(err)
		}
		change(r)
		var who Identity
		w := httptest.NewRecorder()
		RequireIdentity(key)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { who = Who(r) })).ServeHTTP(w, r)
		return who, w.Code
	}

	if who, code := ask(func(*http.Request) {}); code != 200 || who.MemberID != 7 || who.Username != "ann_lee" || !who.Member() {
		t.Errorf("a true identity: %+v %d", who, code)
	}
	for name, change := range map[string]func(*http.Request){
		"none":         func(r *http.Request) { r.Header.Del(IdentityHeader) },
		"other path":   func(r *http.Request) { r.URL.Path = "/order/other" },
		"other method": func(r *http.Request) { r.Method = http.MethodGet },
		"altered":      func(r *http.Request) { r.Header.Set(IdentityHeader, "x"+r.Header.Get(IdentityHeader)) },
		"no signature": func(r *http.Request) {
			payload, _, _ := strings.Cut(r.Header.Get(IdentityHeader), ".")
			r.Header.Set(IdentityHeader, payload+".")
		},
		"other key": func(r *http.Request) {
			if err := SignIdentity(r, Key([]byte("other"), "identity"), Identity{MemberID: 7}); err != nil {
				t.Fatal(err)
			}
		},
	} {
		if who, code := ask(change); code != http.StatusUnauthorized || who.MemberID != 0 {
			t.Errorf("%s: %+v %d", name, who, code)
		}
	}
}

func TestMACPartsCannotBeShifted(t *testing.T) {
	t.Parallel()
	key := []byte("key")
	if MAC(key, "ab", "c") == MAC(key, "a", "bc") || MAC(key, "a") == MAC(key, "a", "") {
		t.Error("two lists of parts have one MAC")
	}
	if !ValidMAC(key, MAC(key, "a", "b"), "a", "b") || ValidMAC(key, "", "a") {
		t.Error("a MAC is not what it says")
	}
}

func TestTimeIsTheContracts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 13, 0, 0, 123456789, time.FixedZone("", 3600))
	raw, err := json.Marshal(Numbered(1, []Time{Time(at)}))
	if err != nil || string(raw) != `{"1":"2026-01-31T12:00:00.123Z"}` {
		t.Errorf("%s %v", raw, err)
	}
}

func TestServeFinishesRequestsUnderWay(t *testing.T) {
	t.Parallel()
	l, err := Listen(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	inside, release := make(chan struct{}), make(chan struct{})
	served := make(chan error, 1)
	go func() {
		served <- Serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			close(inside)
			<-release
			if _, err := io.WriteString(w, "done"); err != nil {
				t.Error(err)
			}
		}))
	}()

	answer := make(chan string, 1)
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			answer <- ""
			return
		}
		defer w.Body.Close()
		b, err := io.ReadAll(w.Body)
		if err != nil {
			t.Error(err)
		}
		answer <- string(b)
	}()

	<-inside
	stop()
	close(release)
	if got := <-answer; got != "done" {
		t.Errorf("answered %q", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
}

func TestServeDoesNotWaitForUnusedConnections(t *testing.T) {
	t.Parallel()
	l, err := Listen(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, http.NotFoundHandler()) }()
	for range 3 {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}

	// An answer shows that the connections before it were accepted.
	r, err := http.Get("http://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}

	r.Body.Close()
	began := time.Now()
	stop()
	if err := <-served; err != nil {
		t.Errorf("Serve ended with %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("the stop took %v", took)
	}
}
