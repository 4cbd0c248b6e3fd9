package e2e

import (
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// office is a person who has signed in to the back office.
type office struct {
	*testing.T
	shop   *shoptest.Shop
	client *http.Client
}

// newOffice signs in by the link that the shop prints.
func newOffice(t *testing.T, shop *shoptest.Shop) *office {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &office{T: t, shop: shop, client: &http.Client{Jar: jar, Timeout: time.Minute}}
	w, err := o.client.PostForm(shop.AdminLink, url.Values{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close() //nolint:errcheck // nothing is read
	if w.StatusCode != http.StatusOK {
		t.Fatalf("the link for staff answers %d", w.StatusCode)
	}
	return o
}

// trail is the trail of a key, and how long it took to find.
func (o *office) trail(key string) (hops []adminui.Hop, took time.Duration) {
	o.Helper()
	r, err := http.NewRequestWithContext(o.Context(), http.MethodGet, o.shop.Admin+"/trail?"+url.Values{"key": {key}}.Encode(), nil)
	if err != nil {
		o.Fatal(err)
	}
	r.Header.Set("Accept", "application/json")
	began := time.Now()
	w, err := o.client.Do(r)
	if err != nil {
		o.Fatal(err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	var answer struct {
		Hops   []adminui.Hop
		Silent []struct{ Service string }
		Cut    bool
	}
	if err := json.NewDecoder(w.Body).Decode(&answer); err != nil || w.StatusCode != http.StatusOK || len(answer.Silent) > 0 || answer.Cut {
		o.Errorf("the trail of %s: %d, %+v, %v", key, w.StatusCode, answer, err)
	}
	return answer.Hops, time.Since(began)
}

// formFields matches the hidden fields of a page's form.
var formFields = regexp.MustCompile(`name="(csrf|version)" value="([^"]*)"`)

// ships sends a whole order by its page. It returns the status of the answer, or 0 if none came.
func (o *office) ships(identifier string) (status int) {
	o.Helper()
	return o.posts("/orders/"+identifier+"/ship", url.Values{"tracking": {"1Z9"}})
}

// posts fills in the form of a page and sends it to the page's own path, as sends does.
func (o *office) posts(path string, form url.Values) (status int) {
	o.Helper()
	return o.sends(path, path, form)
}

// sends fills in a form of a page and posts it. It returns the status of the answer, or 0 if none
// came. If the page itself fails, that is its status.
func (o *office) sends(path, to string, form url.Values) (status int) {
	o.Helper()
	page, err := o.client.Get(o.shop.Admin + path)
	if err != nil {
		return 0
	}
	defer page.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(page.Body)
	if err != nil || page.StatusCode != http.StatusOK {
		return page.StatusCode
	}
	for _, field := range formFields.FindAllSubmatch(body, -1) {
		form.Set(string(field[1]), string(field[2]))
	}
	w, err := (&http.Client{Jar: o.client.Jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}).PostForm(o.shop.Admin+to, form)
	if err != nil {
		return 0
	}
	defer w.Body.Close() //nolint:errcheck // nothing is read
	return w.StatusCode
}

// names are the names of a hop: its step with its subject, or with its message.
func names(h adminui.Hop) []string {
	list := []string{h.Step + " " + h.About, h.Step + " " + h.Message}
	if h.Step == "received" {
		return []string{"received by " + h.About + " " + h.Message}
	}
	if h.Step == "status" {
		list = append(list, "status "+h.State)
	}
	return list
}

// partsOfTheWay are queries of everything that happened to an order, as names of hops. $1 is its
// identifier, $2 its checkout, $3 its session, $4 its payment, $5 the keys of messages about it.
var partsOfTheWay = []struct{ service, sql string }{
	{"order", `SELECT 'checkout ' || $2::text UNION ALL SELECT 'session ' || $3::text UNION ALL SELECT 'order ' || $1::text
		UNION ALL SELECT 'status ' || status FROM order_status s JOIN orders o ON o.id = s.order_id WHERE identifier = $1
		UNION ALL SELECT 'parcel ' || $1::text FROM shipment s JOIN orders o ON o.id = s.order_id WHERE identifier = $1
		UNION ALL SELECT 'refund ' || id FROM refund WHERE payment_intent = $4
		UNION ALL SELECT 'dispute ' || id FROM dispute WHERE payment_intent = $4
		UNION ALL SELECT 'entry ' || id FROM payment_issue WHERE payment_intent = $4 OR session_id = $3`},
	{"webhook", `SELECT 'event ' || id FROM event WHERE object = $3 OR payment = $4`},
	{"mailer", `SELECT 'mail ' || key FROM delivery WHERE order_identifier = $1
		UNION ALL SELECT 'mail-' || state || ' ' || key FROM delivery WHERE order_identifier = $1 AND done_at IS NOT NULL`},
	{"admin", `SELECT 'act ' || key FROM audit WHERE kind = 'order' AND key = $1`},
}

// follow requests the trail of an order, and wants every hop that the databases know, and no gap.
func (o *office) follow(identifier string) {
	o.Helper()
	var checkout, session, payment string
	if err := o.shop.Database("order").QueryRow(o.Context(), `SELECT checkout_id, session_id, coalesce(payment_intent, '')
		FROM orders WHERE identifier = $1`, identifier).Scan(&checkout, &session, &payment); err != nil {
		o.Fatal(err)
	}

	read := func(service, sql string, args ...any) []string {
		o.Helper()
		rows, err := o.shop.Database(service).Query(o.Context(), sql, args...)
		if err != nil {
			o.Fatal(err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			o.Fatal(err)
		}
		return list
	}

	// Everything that the databases know.
	var want []string
	for _, part := range partsOfTheWay {
		sql := `SELECT n FROM (VALUES ($1::text, $2::text, $3::text, $4::text)) AS v (a, b, c, d) CROSS JOIN LATERAL (` + part.sql +
			`) AS p (n)`
		want = append(want, read(part.service, sql, identifier, checkout, session, payment)...)
	}
	keys := []string{"order-placed:" + checkout}
	for _, name := range want {
		for _, step := range []string{"event ", "mail "} {
			if key, ok := strings.CutPrefix(name, step); ok {
				keys = append(keys, key)
			}
		}
	}
	for _, service := range []string{"order", "user", "events", "mailer"} {
		want = append(want, read(service, `SELECT 'received by ' || consumer || ' ' || key FROM inbox WHERE key = ANY($1)`, keys)...)
	}

	// Is in the trail, without a gap.
	hops, _ := o.trail(identifier)
	for _, h := range hops {
		if h.Step == "gap" {
			o.Errorf("order %s: a gap: %s", identifier, h.Text)
		}
		for _, name := range names(h) {
			if i := slices.Index(want, name); i >= 0 {
				want = slices.Delete(want, i, i+1)
				break
			}
		}
	}

	if len(want) > 0 {
		o.Errorf("the trail of order %s has %d hops and lacks %q", identifier, len(hops), want)
	}
}

var trailed = flag.Int("trailed", 1000, "orders among which one is followed")

// Among many orders the trail of one is found by any of its keys, and is complete. -trailed 100000
// limits the time to 200 ms at that size; beside other tests such a limit would be worthless.
func TestTrailAmongMany(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{})
	for _, fill := range []struct{ service, sql string }{
		{"order", `INSERT INTO checkout (id, cart_id, cart_generation, quote_hash, state, agreed_at, quote,
			  item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, expires_at, session_id, payment_intent, email)
			SELECT 'k' || n, -n, 1, 'h', 'paid', now(), '{}', n, 0, 0, 0, n, now(), 'cs_' || n, 'pi_' || n, 'c' || n || '@mail.example.com'
			FROM generate_series(1, $1::int) AS n`},
		{"order", `INSERT INTO orders (identifier, checkout_id, session_id, payment_intent, cart_id, cart_generation, email, currency,
			item_subtotal, item_discount, shipping_subtotal, shipping_discount, total, agreed_with_terms_of_sale)
			SELECT 'order' || id, id, session_id, payment_intent, cart_id, 1, email, 'usd', total, 0, 0, 0, total, true FROM checkout
			WHERE cart_id > -$1::int - 1 AND cart_id < 0`},
		{"order", `INSERT INTO order_status (order_id, status) SELECT id, 'accepted' FROM orders WHERE cart_id > -$1::int - 1`},
		{"order", `INSERT INTO inbox (consumer, key) SELECT 'order-stripe', 'evt_' || n FROM generate_series(1, $1::int) AS n`},
		{"user", `INSERT INTO inbox (consumer, key) SELECT 'user-order', 'order-placed:k' || n FROM generate_series(1, $1::int) AS n`},
		{"events", `INSERT INTO inbox (consumer, key) SELECT 'events-order', 'order-placed:k' || n FROM generate_series(1, $1::int) AS n`},
		{"mailer", `INSERT INTO inbox (consumer, key)
			SELECT 'mailer-mail', 'order-confirmation:k' || n FROM generate_series(1, $1::int) AS n`},
		{"mailer", `INSERT INTO delivery (key, kind, to_hashes, message_id, state, deadline, created_at, done_at, order_identifier)
			SELECT 'order-confirmation:k' || n, 'order-visitor', ARRAY[md5(n::text)], 'm' || n, 'sent', now(), now(), now(), 'orderk' || n
			FROM generate_series(1, $1::int) AS n`},
		{"webhook", `INSERT INTO event (id, type, payload, object, payment, paid)
			SELECT 'evt_' || n, 'checkout.session.completed', '{}', 'cs_' || n, 'pi_' || n, true FROM generate_series(1, $1::int) AS n`},
		{"admin", `INSERT INTO audit (at, person_id, name, token, address, service, action, kind, key, text)
			SELECT now(), 1, 'Kim', false, '', 'order', 'orders.fulfil', 'order', 'orderk' || n, 'Sent parcel ' || n
			FROM generate_series(1, $1::int) AS n`},
	} {
		shop.Exec(fill.service, fill.sql, *trailed)
	}

	for _, service := range []string{"order", "user", "events", "mailer", "webhook", "admin"} {
		shop.Exec(service, `ANALYZE`)
	}
	buyPromptly(t, shop, "trailed@mail.example.com")
	shop.Quiet(time.Minute)
	o := newOffice(t, shop)
	bought := shop.Orders()[*trailed]
	o.follow(bought.Identifier)

	payment := shop.Ledger()[0].PaymentIntent
	for _, key := range []string{bought.Identifier, bought.SessionID, payment, bought.Email, "orderk7", "cs_8", "pi_9", "evt_10", "k11",
		"c12@mail.example.com", "order-confirmation:k13"} {
		quickest := time.Hour
		for range 3 {
			hops, took := o.trail(key)
			quickest = min(quickest, took)
			if len(hops) < 8 {
				t.Errorf("%s: %d hops", key, len(hops))
			}
		}
		t.Logf("%s: %s", key, quickest)
		if *trailed >= 100_000 && quickest > 200*time.Millisecond {
			t.Errorf("%s: %s among %d orders", key, quickest, *trailed)
		}
	}
}
