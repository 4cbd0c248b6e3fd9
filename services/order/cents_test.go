package order

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// TestNoCentIsLostOnAnyWay sends prices from 0.01 to 1,000.00 the whole way: database → cart answer
// → quote → Stripe's parameters → order → order answer → the mail's command. Every price takes a
// minute of processor time under -race, so the run of all tests sends one thousand of every eleven;
// make cents sends all (EVERY_CENT).
func TestNoCentIsLostOnAnyWay(t *testing.T) {
	t.Parallel()
	const perCart = 1000
	step := 11 * perCart // the last thousand is among them, and in each all cents from .00 to .99
	if os.Getenv("EVERY_CENT") != "" {
		step = perCart
	}
	e := newEnv(t)
	e.Exec(`INSERT INTO sku (id, product_id, inventory_id) SELECT 10000 + n, 1, 1 FROM generate_series(1, $1) n`, perCart)

	for from := 0; from < 100_000; from += step {
		e.Exec(`INSERT INTO sku_price (sku_id, price_cents, created_date_time) SELECT 10000 + n, $1 + n, now() + `+
			`($1 - 100000) * interval '1 second' FROM generate_series(1, $2::int) n`, from, perCart)
		p := e.member(int64(from + 1))
		e.Exec(`WITH c AS (INSERT INTO cart (member_id) VALUES ($1) RETURNING id) INSERT INTO cart_line (cart_id, sku_id, quantity) `+
			`SELECT c.id, 10000 + n, 1 FROM c, generate_series(1, $2::int) n ORDER BY n`, p.MemberID, perCart)
		c := p.quoted("")
		sent := stripePrices(t, c)
		var paid []line
		answered, err := cartLines(t.Context(), e.pool, c.CartID)
		if err != nil {
			t.Fatal(err)
		}

		e.mustHandle(event("evt_"+c.ID, completed, c, nil))
		var orderID int64
		if err := e.pool.QueryRow(t.Context(), `SELECT id FROM orders WHERE checkout_id = $1`, c.ID).Scan(&orderID); err != nil {
			t.Fatal(err)
		}
		parts, err := readOrderParts(t.Context(), e.pool, orderID)
		if err != nil {
			t.Fatal(err)
		}

		paid = parts.lines
		mail := e.mailOf(c)
		var sum money.Cents
		for n := range perCart {
			want := money.Cents(from + n + 1)
			sum += want
			text := fmt.Sprintf("%d.%02d", want/100, want%100)
			if answered[n].Price != want || answered[n].Price.String() != text || sent[n] != want || paid[n].Price != want ||
				money.Cents(mail.Order.Lines[n].PriceEach) != want {
				t.Fatalf("%s is %s in the cart, %s at Stripe, %s in the order, %d in the mail", text, answered[n].Price, sent[n],
					paid[n].Price, mail.Order.Lines[n].PriceEach)
			}
		}
		if c.ItemSubtotal != sum || money.Cents(mail.Order.ItemSubtotal) != sum {
			t.Fatalf("the sum of %d prices from %d is %s, want %s", perCart, from, c.ItemSubtotal, sum)
		}
	}
}

// stripePrices are the prices of a quote's lines as they are sent to Stripe.
func stripePrices(t *testing.T, c checkout) (prices []money.Cents) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := range c.Quote.Lines {
			price, err := strconv.ParseInt(r.PostFormValue(fmt.Sprintf("line_items[%d][price_data][unit_amount]", n)), 10, 64)
			if err != nil {
				t.Error(err)
			}
			prices = append(prices, money.Cents(price))
		}
		fmt.Fprint(w, `{"id":"cs_1"}`)
	}))
	defer server.Close()
	cfg := Config{Public: boot.Public{PublicURL: "https://shop.test"}, StripeAPIBase: server.URL, StripeSecretKey: "sk_test_123"}
	if _, err := newStripe(testenv.Log(t), cfg, nil).CreatePage(t.Context(), c.page()); err != nil {
		t.Fatal(err)
	}
	return prices
}

// mailOf is the message that has a quote's order confirmed by mail.
func (e *env) mailOf(c checkout) (mail msg.SendMail) {
	e.t.Helper()
	var raw []byte
	if err := e.pool.QueryRow(e.t.Context(), `SELECT payload FROM outbox WHERE key = $1`, "order-confirmation:"+c.ID).
		Scan(&raw); err != nil {
		e.t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &mail); err != nil {
		e.t.Fatal(err)
	}
	return mail
}

func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"1", "99", "-1", "100", "٣", "0x1", "", "00000000000000000000000000001"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if quantityProblem(text) != "" {
			return
		}
		for _, c := range text {
			if c < '0' || c > '9' {
				if c != '-' { // -0 is a whole number between 0 and 99
					t.Fatalf("%q was accepted", text)
				}
			}
		}
	})
}
