package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// alonePoints are steps of an act, from its page to the log, at which one process dies while all
// others go on. Every run has those without more.
var alonePoints = []struct {
	name string
	more bool
}{
	{name: "admin.forwarding"}, {name: "admin.answered"}, {name: "admin-staff.committed"}, {name: "order.act-committed"},
	{name: "broker.before"}, {name: "broker.after"}, // down for the whole act, or killed before its message arrived
	{name: "admin-staff.received", more: true}, {name: "admin-staff.acknowledged", more: true}, {name: "order.act-made", more: true},
	{name: "order.refund-claimed", more: true}, {name: "order.refund-asked", more: true}, {name: "order.refund-noted", more: true},
	{name: "order.parcels-taken", more: true}, {name: "order.parcels-told", more: true},
}

// staffUnderKills has a person ship and refund orders by their pages, while the process of admin,
// of order, or of the broker is killed at each of alonePoints. The person looks again and repeats
// what is missing. In the end there is one parcel with one mail, one refund at Stripe with one
// mail, and each act is in the log and in the trail.
func staffUnderKills(t *testing.T, f *shoptest.Fleet, folder string) {
	t.Helper()
	began := time.Now()

	// One process each of admin and order, which can die.
	for _, service := range []string{"admin", "order"} {
		for _, p := range f.Of(service)[1:] { // otherwise the work could be done in another process
			p.Stop()
		}
		p := f.Of(service)[0]
		p.Stop()
		p.Use(folder)
		p.StartWith("")
	}

	f.MakeOwner("kim")
	o := newOffice(t, f.Shop)
	f.Exec("admin", `UPDATE session SET fresh_until = now() + interval '1 hour'`) // when the second factor was given

	var orders []*orderUnderTest
	for _, point := range alonePoints {
		if point.more && os.Getenv("REPLICAS") == "" {
			continue
		}
		d, err := newOrderUnderTest(t, f.Shop, nil, strings.ReplaceAll(point.name, ".", "-")+"@mail.example.com")
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, d)
		f.Quiet(time.Minute)
		first := o.actsWhile(f, point.name, d)
		second := o.shipsAndRefunds(d)
		t.Logf("%s: the pages answered %v, then %v, after %s", point.name, first, second, time.Since(began).Round(time.Second))
	}

	// The books agree, and everything was done once.
	awaitDone(t, f.Shop)
	t.Logf("%d acts of staff with kills in %s", 2*len(orders), time.Since(began).Round(time.Second))
	for _, d := range orders {
		d.compareBooks(sessions(f.Shop))
		o.follow(d.identifier)
		got := fmt.Sprintf("%d parcels, %d refunds", d.count(`SELECT count(*) FROM shipment s JOIN orders o ON o.id = s.order_id
			WHERE identifier = $1`, d.identifier), d.count(`SELECT count(*) FROM refund WHERE payment_intent = $1 AND state = 'succeeded'`,
			d.intent))
		if got != "1 parcels, 1 refunds" {
			t.Errorf("%s: %s", d.email, got)
		}
	}
}

// actsWhile ships and refunds while a process dies at a step, and starts that process again.
func (o *office) actsWhile(f *shoptest.Fleet, point string, d *orderUnderTest) (answers []int) {
	o.Helper()
	service, step, _ := strings.Cut(point, ".")
	service, _, _ = strings.Cut(service, "-")
	p := f.Of(service)[0]
	if service == "broker" {
		if step == "before" {
			p.Kill()
			defer p.Start()
			return o.shipsAndRefunds(d)
		}
		answers = o.shipsAndRefunds(d)
		p.Kill()
		p.Start()
		return answers
	}
	p.Stop()
	p.StartWith(point + ":1")
	answers = o.shipsAndRefunds(d)
	p.Dies(time.Minute)
	p.StartWith("")
	return answers
}

// shipsAndRefunds sends the order and refunds a part, each unless it is done already. It returns
// the statuses of the answers, 0 for no answer.
func (o *office) shipsAndRefunds(d *orderUnderTest) (answers []int) {
	o.Helper()
	if d.count(`SELECT count(*) FROM shipment s JOIN orders o ON o.id = s.order_id WHERE identifier = $1`, d.identifier) == 0 {
		answers = append(answers, o.ships(d.identifier))
	}
	if d.count(`SELECT count(*) FROM refund WHERE payment_intent = $1`, d.intent) == 0 {
		answers = append(answers, o.posts("/orders/"+d.identifier+"/refund", url.Values{"amount": {"1.00"}}))
	}
	return answers
}
