package order

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// shop is the service on a database of its own, asked over HTTP as edge asks it.
type shop struct {
	t        *testing.T
	service  *server
	db       *pgxpool.Pool
	owner    *pgxpool.Pool // the owner of the database, for what staff do
	server   *httptest.Server
	contract *testenv.Contract
	key      []byte

	databaseURL string
}

func newShop(t *testing.T) *shop {
	t.Helper()
	databaseURL := testenv.Database(t, testenv.Schema{Service: "order", Sets: Migrations()})
	cfg := Config{Public: boot.Public{PublicURL: "http://shop.test"}}
	b, err := bus.Connect(testenv.Log(t), "nats://127.0.0.1:1", "order") // no broker is needed here: messages wait in the outbox
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	db := testenv.Open(t, databaseURL, "order")
	s := newServer(service.NewCore(testenv.Log(t), db, b), cfg)
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	return &shop{t: t, service: s, db: db, owner: testenv.OpenOwner(t, databaseURL, "order"), server: server, contract: testenv.NewContract(t, "openapi.yaml"), key: cfg.Key("identity"), databaseURL: databaseURL}
}

// exec does what staff may do in psql.
func (s *shop) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.owner.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
}

func (s *shop) number(sql string, args ...any) (n int) {
	s.t.Helper()
	if err := s.owner.QueryRow(s.t.Context(), sql, args...).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// shopper is a browser: an identity that keeps the cart it was given.
type shopper struct {
	*shop
	web.Identity
}

func (s *shop) visitor() *shopper { return &shopper{s, web.Identity{Client: "192.0.2.1"}} }

func (s *shop) member(id int64) *shopper {
	return &shopper{s, web.Identity{MemberID: id, Username: "member_" + itoa(id), Email: "member" + itoa(id) + "@mail.example.com", Code: "MB" + itoa(id)}}
}

func itoa(n int64) string { return id(n) }

// body is a JSON answer with its path walked by keys.
type body map[string]any

func (b body) at(path ...string) any {
	var v any = map[string]any(b)
	for _, key := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

func (p *shopper) get(path string) body { return p.do(http.MethodGet, path, nil) }

func (p *shopper) post(path string, pairs ...string) body {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return p.do(http.MethodPost, path, form)
}

func (p *shopper) do(method, path string, form url.Values) body {
	p.t.Helper()
	status, raw := p.raw(method, path, form)
	if status != http.StatusOK {
		p.t.Fatalf("%s %s %v answered %d %s", method, path, form, status, raw)
	}
	var b body
	if err := json.Unmarshal(raw, &b); err != nil {
		p.t.Fatalf("%s %s answered %s: %v", method, path, raw, err)
	}
	return b
}

// raw asks and holds the answer against the contract.
func (p *shopper) raw(method, path string, form url.Values) (int, []byte) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if err := web.SignIdentity(r, p.key, p.Identity); err != nil {
		p.t.Fatal(err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer w.Body.Close()
	if strings.HasPrefix(path, "/order") && (w.StatusCode == http.StatusOK || w.StatusCode == http.StatusBadRequest) {
		p.contract.Check(p.t, r, w)
	}
	if c := w.Header.Get(web.SetCartHeader); c != "" {
		p.Cart = c
	}
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return w.StatusCode, raw
}

func (p *shopper) add(sku, quantity string) body {
	p.t.Helper()
	return p.post("/order/cart-add-product-sku", "sku_id", sku, "quantity", quantity)
}

// want compares a value of an answer.
func want(t *testing.T, b body, value any, path ...string) {
	t.Helper()
	got := b.at(path...)
	if f, ok := got.(float64); ok {
		got = int(f)
	}
	if got != value {
		all, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		t.Errorf("%s is %v, want %v, in %s", strings.Join(path, "."), got, value, all)
	}
}

func TestSchema(t *testing.T) {
	t.Parallel()
	testenv.CheckSchema(t, newShop(t).db, "schema.sql")
}

func TestARoleSeesItsOwnSchemaOnly(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.exec(`CREATE TABLE "user".secret (x int)`)
	if _, err := s.db.Exec(t.Context(), `SELECT * FROM "user".secret`); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("order reads user's table: %v", err)
	}
	if _, err := s.db.Exec(t.Context(), `CREATE TABLE mine (x int)`); err == nil {
		t.Error("a runtime role makes tables")
	}
}
