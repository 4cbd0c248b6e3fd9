package webhook

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const secret = "whsec_test"

// intake is where Stripe sends events.
const intake = "/order/stripe-webhook"

// env is webhook as it runs, with a database that can be cut off.
type env struct {
	*testenv.Client
	testenv.DB // not affected by cut
	t          *testing.T
	pool       *pgxpool.Pool
	cut        *testenv.Cut
}

func newEnv(t *testing.T, change ...func(*Config)) *env {
	t.Helper()
	database := testenv.Database(t, testenv.Schema{Service: "webhook", Sets: Migrations()})
	e := &env{t: t, pool: testenv.Open(t, database, "webhook"), cut: testenv.NewCut(t, database)}
	e.DB = testenv.DB{TB: t, Conn: e.pool}
	l, url := testenv.Listen(t)
	contract := testenv.NewContract(t, "../order/openapi.yaml")
	e.Client = &testenv.Client{TB: t, URL: url, Check: func(r *http.Request, res *http.Response) {
		// The contract does not say what the answer is if a body is too large or the database
		// unavailable.
		if r.Method == http.MethodPost && res.StatusCode != http.StatusRequestEntityTooLarge &&
			res.StatusCode != http.StatusServiceUnavailable {
			contract.Check(t, r, res)
		}
	}}
	cfg := Config{
		Common:   boot.Common{DatabaseURL: e.cut.URL, NATSURL: testenv.NewBroker(t).URL()},
		Secrets:  []string{secret},
		Listener: l,
	}
	for _, c := range change {
		c(&cfg)
	}
	testenv.Run(t, func(ctx context.Context) error { return Run(ctx, testenv.Log(t), cfg) })
	return e
}

// post sends a body with a signature.
func (e *env) post(body, signature string) testenv.Answer {
	e.t.Helper()
	r := e.Body(http.MethodPost, intake, body)
	r.Header.Set("Stripe-Signature", signature)
	return e.Do(r)
}

// send posts an event with a good signature.
func (e *env) send(body string) testenv.Answer {
	e.t.Helper()
	return e.post(body, sign(time.Now(), body, secret))
}

// sendUntilStored sends an event as Stripe does: again while the answer is 503, which is right on a
// machine that cannot store it within five seconds.
func (e *env) sendUntilStored(body string) {
	e.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		a := e.send(body)
		if a.Status == http.StatusOK {
			return
		}
		if a.Status != http.StatusServiceUnavailable || time.Now().After(deadline) {
			e.t.Error(a)
			return
		}
	}
}

func body(id string) string {
	return fmt.Sprintf(`{"id": %q, "object": "event", "type": "checkout.session.completed", "api_version": "2023-10-16", "created": `+
		`1790000000, "data": {"object": {"id": "cs_%s", "note": "<ä> & kept as is"}}}`, id, id)
}
