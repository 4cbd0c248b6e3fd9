package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/services/order"
	"github.com/startupwebapp/startupwebapp/standin/stripestandin"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// soonTold makes the time to undo a parcel short enough for a test to wait, and long enough to use.
const soonTold = "SHIPPING_MAIL_AFTER=400ms"

// actPoints are the steps after an act at which the process dies; pagePoints are those of the act
// itself.
var (
	actPoints = []string{"order.refund-claimed", "order.refund-asked", "order.refund-noted", "order.parcels-taken", "order.parcels-told",
		"order.relay-publishing", "mailer-mail.committed", "order-stripe.received", "order-stripe.committed", "admin-staff.received",
		"admin-staff.committed", "mailer.sent"}
	pagePoints = []string{"order.act-made", "order.act-committed"}
)

// orderUnderTest is an order that staff and Stripe change.
type orderUnderTest struct {
	*testing.T
	shop                              *shoptest.Shop
	desk                              *order.Desk
	pool                              *pgxpool.Pool
	dice                              *rand.Rand
	email, identifier, intent, parcel string
}

var staff = order.Actor{Person: 7, Name: "Kim"}

// newOrderUnderTest buys something, however long that takes.
func newOrderUnderTest(t *testing.T, shop *shoptest.Shop, dice *rand.Rand, email string) (*orderUnderTest, error) {
	t.Helper()
	if err := buyThrough(shop, email, true); err != nil {
		return nil, err
	}
	d := &orderUnderTest{T: t, shop: shop, pool: shop.Database("order"), dice: dice, email: email}
	d.desk = order.NewDesk(d.pool, 400*time.Millisecond, nil)
	return d, insist(func() error {
		return d.pool.QueryRow(context.Background(), `SELECT identifier, payment_intent FROM orders WHERE email = $1`, email).
			Scan(&d.identifier, &d.intent)
	})
}

func (d *orderUnderTest) on() order.Order { return order.Order{Identifier: d.identifier} }

// The process dies at any step of an act or after it. There is one parcel with one mail, one refund
// at Stripe, and each act is in the log and in the trail.
func TestKilledBetweenAnyTwoStepsOfAnAct(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Faults: true, Env: append(slices.Clone(quickSweep), soonTold)})
	orders := make([]*orderUnderTest, len(actPoints)+len(pagePoints))
	var all sync.WaitGroup
	for i := range orders {
		all.Go(func() {
			var err error
			if orders[i], err = newOrderUnderTest(t, shop, nil, fmt.Sprintf("act%d@mail.example.com", i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}

	// The process dies in an act itself.
	shop.Quiet(60 * time.Second)
	o := newOffice(t, shop)
	for i, point := range pagePoints { // a person without an answer looks again, and repeats what was not done
		d := orders[len(actPoints)+i]
		shop.Kill()
		shop.AgainUnseen("FAULT=" + point + ":1")
		opens(shop)
		if status := o.ships(d.identifier); status != 0 {
			t.Errorf("%s: the page answers %d", point, status)
		}
		if !shop.Ended(90 * time.Second) {
			t.Fatalf("the process did not come to %s", point)
		}
		shop.Again("FAULT=")
		want := map[string]int{"order.act-made": http.StatusSeeOther, "order.act-committed": http.StatusUnprocessableEntity}[point]
		if status := o.ships(d.identifier); status != want {
			t.Errorf("%s: then the page answers %d, want %d", point, status, want)
		}
		if _, err := d.desk.Refund(t.Context(), staff, order.Refund{Order: d.on(), Amount: 100}); err != nil {
			t.Fatal(err)
		}
	}

	// The process dies after an act.
	for i, point := range actPoints {
		told := `{"webhook_drop":0}`
		if strings.HasPrefix(point, "order.refund") { // an event must not save the shop the second call
			told = dropWebhooks
		}
		shop.StripeSwitches(told)
		shop.Kill()
		shop.AgainUnseen("FAULT=" + point + ":1")
		_, err := orders[i].desk.Ship(t.Context(), staff, order.Parcel{Order: orders[i].on(), Tracking: "1Z9"})
		if err == nil {
			_, err = orders[i].desk.Refund(t.Context(), staff, order.Refund{Order: orders[i].on(), Amount: 100})
		}
		if err != nil {
			t.Fatal(err)
		}
		if !shop.Ended(90 * time.Second) {
			t.Fatalf("the process did not come to %s", point)
		}
		shop.Again("FAULT=")
	}

	// The books agree, and everything was done once.
	awaitDone(t, shop)
	points := slices.Concat(actPoints, pagePoints)
	for i, d := range orders {
		d.compareBooks(sessions(shop))
		if o.follow(d.identifier); t.Failed() {
			t.Fatalf("after it died at %s", points[i])
		}
		if parcels := d.count(`SELECT count(*) FROM shipment s JOIN orders o ON o.id = s.order_id WHERE identifier = $1`,
			d.identifier); parcels != 1 {
			t.Errorf("%d parcels after it died at %s", parcels, points[i])
		}
		if refunds := d.count(`SELECT count(*) FROM refund WHERE payment_intent = $1 AND state = 'succeeded'`, d.intent); refunds != 1 {
			t.Errorf("%d refunds after it died at %s", refunds, points[i])
		}
	}
}

// Staff, Stripe's dashboard and banks act in any order, events come late, twice, swapped or not at
// all, and the shop with its broker and database is killed meanwhile. In the end what is left of
// each payment is the same in the shop and at Stripe, there is one refund at Stripe for each that
// staff asked for, one mail for each parcel and refund, and each act is in the log. LEDGER is the
// number of orders, SEED repeats a run. Each thousand orders have a shop of their own, since the
// stand-in and the inbox read all their data again after each kill.
func TestLedger(t *testing.T) {
	t.Parallel()
	count, seed := number(t, "LEDGER", 30), number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	for left := count; left > 0 && !t.Failed(); left, seed = left-1000, seed+1 {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { ledgerOf(t, min(left, 1000), seed) })
	}
}

// ledgerOf runs TestLedger for some orders in one shop.
func ledgerOf(t *testing.T, count, seed int) {
	t.Helper()
	t.Logf("LEDGER=%d SEED=%d", count, seed)
	broker := testenv.NewBroker(t)
	shop := shoptest.Start(t, shoptest.Options{Faults: true, OwnDatabase: true,
		Env: append(slices.Clone(quickSweep), soonTold, "NATS_URL="+broker.URL(), "MAIL_INBOX_KEEP=100000")})
	shop.StripeSwitches(`{"webhook_types":["refund.created","refund.updated","refund.failed","charge.refunded","charge.refund.updated",
		"charge.dispute.created","charge.dispute.updated","charge.dispute.closed","charge.dispute.funds_withdrawn",
		"charge.dispute.funds_reinstated"],"webhook_double":-1,"webhook_reorder_ms":300}`)
	shop.Database("order") // one pool for all

	orders := make([]*orderUnderTest, count)
	var all sync.WaitGroup
	slots, done := make(chan struct{}, min(15+count/20, 50)), make(chan struct{})
	go func() {
		defer close(done)
		for n := range count {
			slots <- struct{}{}
			all.Go(func() {
				defer func() { <-slots }()
				dice := rand.New(rand.NewPCG(uint64(seed), uint64(n))) //nolint:gosec // a campaign, no secret
				d, err := newOrderUnderTest(t, shop, dice, fmt.Sprintf("ledger%d@mail.example.com", n))
				if err != nil {
					t.Errorf("order %d: %v", n, err)
					return
				}
				for range 4 + dice.IntN(10) {
					d.step()
					if dice.IntN(2) == 0 { // otherwise before the shop has heard of the payment
						<-time.After(time.Duration(dice.IntN(1000)) * time.Millisecond)
					}
				}
				orders[n] = d
			})
		}
		all.Wait()
	}()

	killed := killUntil(t, shop, broker, done, rand.New(rand.NewPCG(uint64(seed), 1<<40))) //nolint:gosec // a campaign, no secret
	if t.Failed() {
		return
	}

	// The faults end, and the work is finished.
	shop.StripeSwitches(`{"webhook_drop":0,"webhook_reorder_ms":0,"webhook_double":0,"refund_pending":0,"api_faults":[]}`)
	began := time.Now()
	awaitDone(t, shop)
	t.Logf("done after %v", time.Since(began))

	stripe := sessions(shop)
	o := newOffice(t, shop)
	for _, d := range orders {
		d.compareBooks(stripe)
		o.follow(d.identifier)
	}
	t.Logf("%d orders with %v: %s", count, killed, tally(shop))
}

// killUntil kills the shop at chosen steps and at any moment, its database, or its broker, until
// the work is done. It leaves them running, and returns how often it killed each.
func killUntil(t *testing.T, shop *shoptest.Shop, broker *testenv.Broker, done <-chan struct{}, dice *rand.Rand) map[string]int {
	t.Helper()
	killed := map[string]int{}
	for {
		died := !opens(shop) || shop.Ended(time.Duration(dice.IntN(4000))*time.Millisecond)
		select {
		case <-done:
			if !died {
				shop.Kill() // if a crash point was set
			}
			shop.Again("FAULT=")
			return killed
		default:
		}

		switch n := dice.IntN(4); {
		case died || n > 1:
			if !died {
				shop.Kill()
			}
			killed["shop"]++
			shop.AgainUnseen(fmt.Sprintf("FAULT=%s:%d", actPoints[dice.IntN(len(actPoints))], 1+dice.IntN(6)))
		case n == 1:
			killed["broker"]++
			broker.Stop()
			died = shop.Ended(time.Duration(dice.IntN(1000)) * time.Millisecond)
			broker.Start()
			if died {
				shop.AgainUnseen("FAULT=")
			}
		default:
			if pid := postmaster(t, shop); pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed["database"]++
			}
		}
	}
}

// opens waits until the shop answers again, and reports whether it did before it died at a crash
// point.
func opens(shop *shoptest.Shop) bool {
	b := shop.Browser()
	for range 600 {
		if a, err := b.Try(http.MethodGet, "/products", nil); err == nil && a.Status == http.StatusOK {
			return true
		}
		if shop.Ended(100 * time.Millisecond) {
			return false
		}
	}
	return true // it hangs, and is killed next
}

// tally logs what happened, so that a test that did nothing is noticed.
func tally(shop *shoptest.Shop) string {
	var text string
	err := shop.Database("order").QueryRow(context.Background(), `
		SELECT concat_ws(', ',
		  (SELECT string_agg(n || ' refunds ' || concat_ws(' ', origin, state, failure), ', ')
		    FROM (SELECT count(*) AS n, origin, state, failure FROM refund GROUP BY origin, state, failure ORDER BY 2, 3, 4) r),
		  (SELECT count(*) || ' parcels' FROM shipment),
		  (SELECT count(*) || ' canceled' FROM orders WHERE canceled_at IS NOT NULL),
		  (SELECT string_agg(n || ' disputes ' || status, ', ')
		    FROM (SELECT count(*) AS n, status FROM dispute GROUP BY status ORDER BY status) d))`).Scan(&text)
	if err != nil {
		return err.Error()
	}
	return text
}

// step does one thing to an order, which may be refused: only the books at the end count.
func (d *orderUnderTest) step() {
	switch n := d.dice.IntN(16); n {
	case 8, 9:
		d.stripe("/_/payments/"+d.intent+"/refund", fmt.Sprintf(`{"amount":%d}`, 1+d.dice.IntN(900)))
	case 10, 11:
		if id := d.refund(); id != "" {
			d.stripe("/_/refunds/"+id, fmt.Sprintf(`{"outcome":%q}`, []string{"succeed", "fail", "cancel"}[d.dice.IntN(3)]))
		}
	case 12:
		d.stripe("/_/payments/"+d.intent+"/dispute", []string{`{}`, `{"outcome":"inquiry"}`}[d.dice.IntN(2)])
	case 13:
		d.stripe("/_/payments/"+d.intent+"/dispute", fmt.Sprintf(`{"outcome":%q}`,
			[]string{"evidence", "escalate", "won", "lost"}[d.dice.IntN(4)]))
	case 14:
		d.stripe("/_/switches", []string{`{"webhook_drop":2}`, `{"refund_pending":2}`, `{"webhook_two_ids":2}`}[d.dice.IntN(3)])
	case 15:
		d.stripe("/_/switches", []string{
			`{"api_faults":[{"kind":"timeout","after":true,"hang_ms":50,"times":1,"method":"POST","path":"/v1/refunds"}]}`,
			`{"api_faults":[{"kind":"timeout","hang_ms":50,"times":1,"method":"POST","path":"/v1/refunds"}]}`,
			`{"api_faults":[{"kind":"429","times":2,"method":"POST","path":"/v1/refunds"}]}`,
		}[d.dice.IntN(3)])
	default:
		d.act(n, money.Cents(1+d.dice.IntN(900)))
	}
}

// act is something that staff do. While the database is down they try again, without knowing
// whether the last try succeeded.
func (d *orderUnderTest) act(n int, amount money.Cents) {
	if err := insist(func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		switch n {
		case 0, 1:
			d.parcel, err = d.desk.Ship(ctx, staff, order.Parcel{Order: d.on(), Tracking: "1Z9"})
		case 2:
			err = d.desk.Undo(ctx, staff, d.on(), d.parcel)
		case 3, 4:
			_, err = d.desk.Refund(ctx, staff, order.Refund{Order: d.on(), Amount: amount})
		case 5:
			_, err = d.desk.Refund(ctx, staff, order.Refund{Order: d.on(), Lines: []order.Pieces{{Seq: 0, Quantity: 1}}, Restock: true})
		case 6:
			_, err = d.desk.Refund(ctx, staff, order.Refund{Order: d.on(), All: true, Restock: true})
		case 7:
			_, err = d.desk.Cancel(ctx, staff, d.on(), "", "")
		}
		if _, refused := errors.AsType[*order.Refusal](err); refused {
			return nil
		}
		return err
	}); err != nil {
		d.Errorf("order %s: %v", d.identifier, err)
	}
}

// refund is one of Stripe's refunds of the order that the shop knows, or "".
func (d *orderUnderTest) refund() (id string) {
	if err := insist(func() error {
		return d.pool.QueryRow(context.Background(), `SELECT coalesce((SELECT stripe_id FROM refund
			WHERE payment_intent = $1 AND stripe_id IS NOT NULL
			ORDER BY md5(stripe_id || $2) LIMIT 1), '')`, d.intent, fmt.Sprint(d.dice.Uint32())).Scan(&id)
	}); err != nil {
		d.Errorf("order %s: %v", d.identifier, err)
	}
	return id
}

// stripe does something at Stripe, which may refuse, or be down.
func (d *orderUnderTest) stripe(path, body string) {
	if err := insist(func() error {
		status, err := d.shop.TryStripe(path, body)
		if err == nil && status >= http.StatusInternalServerError {
			err = fmt.Errorf("answered %d", status)
		}
		return err
	}); err != nil {
		d.Errorf("%s: %v", path, err)
	}
}

// awaitDone waits until everything that staff want is done, and Stripe's lists are read to their
// end.
func awaitDone(t *testing.T, shop *shoptest.Shop) {
	t.Helper()
	shop.Eventually(3*time.Minute, "refunds and parcels are done", func() bool {
		shop.Exec("order", `UPDATE refund SET next_at = now() WHERE state = 'requested' AND next_at > now() + interval '2 seconds'`)
		return shop.Count("order", `SELECT (SELECT count(*) FROM refund WHERE state = 'requested')
			+ (SELECT count(*) FROM shipment WHERE told_at IS NULL)`) == 0
	})
	shop.Exec("order", `UPDATE sweep SET refunds_listed_to = now() - interval '1 hour'`) // the lists are due now
	shop.Eventually(time.Minute, "Stripe's lists are read", func() bool {
		return shop.Count("order", `SELECT count(*) FROM sweep WHERE refunds_listed_to > now() - interval '30 minutes'`) == 1
	})
	shop.Quiet(2 * time.Minute)
}

func sessions(shop *shoptest.Shop) map[string]stripestandin.Ledger {
	all := map[string]stripestandin.Ledger{}
	for _, l := range shop.Ledger() {
		all[l.PaymentIntent] = l
	}
	return all
}

func (d *orderUnderTest) count(sql string, args ...any) int {
	return d.shop.Count("order", sql, args...)
}

// compareBooks compares the books of an order with Stripe's, its mails and the log of acts.
func (d *orderUnderTest) compareBooks(stripe map[string]stripestandin.Ledger) {
	d.Helper()
	theirs := stripe[d.intent]
	ours, err := order.LedgerOf(context.Background(), d.pool, d.intent)
	if err != nil {
		d.Fatal(err)
	}

	// Money, as both sides know it.
	if left := theirs.AmountTotal - theirs.AmountRefunded - theirs.AmountDisputed; int64(ours.AtStripe()) != left || ours.Requested != 0 {
		d.Errorf("order %s: the shop says %+v, Stripe that %d of %d are left (refunded %d, disputed %d)", d.identifier, ours, left,
			theirs.AmountTotal, theirs.AmountRefunded, theirs.AmountDisputed)
	}
	made := map[string]int{}
	for _, r := range theirs.Refunds {
		if id := r.Metadata["refund"]; id != "" {
			made[id]++
		}
		if n := d.count(`SELECT count(*) FROM refund WHERE stripe_id = $1 AND amount = $2 AND state = $3`, r.ID, r.Amount,
			r.Status); n != 1 {
			d.Errorf("order %s: refund %+v of Stripe's is %d of the shop's", d.identifier, r, n)
		}
	}
	for id, n := range made {
		if n > 1 {
			d.Errorf("order %s: Stripe made refund %s %d times", d.identifier, id, n)
		}
	}

	// Mails.
	mails := map[string]int{}
	for _, m := range d.shop.Mails(d.email) {
		kind, _, _ := strings.Cut(m.MessageID, ".")
		mails[strings.TrimPrefix(kind, "<")]++
	}
	for kind, sql := range map[string]string{
		"order-shipped":  `SELECT count(*) FROM shipment s JOIN orders o ON o.id = s.order_id WHERE o.payment_intent = $1`,
		"order-refunded": `SELECT count(*) FROM refund WHERE payment_intent = $1 AND told_at IS NOT NULL AND NOT with_cancel`,
		"order-canceled": `SELECT count(*) FROM orders WHERE payment_intent = $1 AND canceled_at IS NOT NULL`,
	} {
		if want := d.count(sql, d.intent); mails[kind] != want {
			d.Errorf("order %s: %d mails %s, want %d", d.identifier, mails[kind], kind, want)
		}
	}

	// The log of acts.
	acts := d.count(`SELECT version - 1 FROM orders WHERE payment_intent = $1`, d.intent)
	if logged := d.shop.Count("admin", `SELECT count(*) FROM audit WHERE kind = 'order' AND key = $1`, d.identifier); logged != acts {
		d.Errorf("order %s: %d of %d acts are in the log", d.identifier, logged, acts)
	}
}
