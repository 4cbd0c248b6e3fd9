package webhook

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const secret = "whsec_test"

// world is webhook as it runs, with a database that can be cut off.
type world struct {
	t    *testing.T
	pool *pgxpool.Pool // beside the cut
	cut  *testenv.Cut
	url  string
	// contract is what every answer to a POST is held against.
	contract *testenv.Contract
}

func newWorld(t *testing.T, secrets ...string) *world {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "webhook", Sets: Migrations()})
	w := &world{t: t, pool: testenv.Open(t, database, "webhook"), contract: testenv.NewContract(t, "../order/openapi.yaml")}
	w.cut = testenv.NewCut(t, database)
	l, err := web.Listen(nil, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String() + "/order/stripe-webhook"
	cfg := Config{Common: boot.Common{DatabaseURL: w.cut.URL, NATSURL: testenv.NewBroker(t).URL()}, Secrets: secrets, Listener: l}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, testenv.Log(t), cfg) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("webhook ended with %v", err)
		}
	})
	return w
}

// post sends a body and returns status and answer.
func (w *world) post(body, signature string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Stripe-Signature", signature)
	return w.do(r)
}

func (w *world) do(r *http.Request) (int, string) {
	w.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Errorf("%s: %v", r.Method, err)
		return 0, ""
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	// The contract leaves open what is said to a body that is too large or while the database is away.
	if code := answer.StatusCode; r.Method == http.MethodPost && code != http.StatusRequestEntityTooLarge && code != http.StatusServiceUnavailable {
		w.contract.Check(w.t, r, answer)
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		w.t.Error(err)
	}
	return answer.StatusCode, string(text)
}

// send posts an event with a good signature.
func (w *world) send(body string) (int, string) {
	w.t.Helper()
	return w.post(body, sign(time.Now(), body, secret))
}

// insist repeats what is answered 503, as Stripe does: a busy machine may not store a crowd in time.
func (w *world) insist(body string) (status int, answer string) {
	w.t.Helper()
	for began := time.Now(); time.Since(began) < time.Minute; {
		if status, answer = w.send(body); status != http.StatusServiceUnavailable {
			break
		}
	}
	return status, answer
}

func (w *world) count(sql string) (n int) {
	w.t.Helper()
	if err := w.pool.QueryRow(w.t.Context(), sql).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func body(id string) string {
	return fmt.Sprintf(`{"id": %q, "object": "event", "type": "checkout.session.completed", "api_version": "2023-10-16", "created": 1790000000, "data": {"object": {"id": "cs_%s", "note": "<ä> & kept as is"}}}`, id, id)
}
