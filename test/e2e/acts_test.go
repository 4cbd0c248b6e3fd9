//go:build acts

package e2e

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// PostgreSQL dies at any step of an act or after it, while the services go on. The person looks
// again and repeats what was not done, and everything is done once.
func TestDatabaseKilledBetweenAnyTwoStepsOfAnAct(t *testing.T) {
	t.Parallel()
	points := slices.Concat(actPoints, pagePoints)
	shop := shoptest.Start(t, shoptest.Options{Faults: true, OwnDatabase: true, Env: append(slices.Clone(quickSweep), soonTold)})

	var orders []*orderUnderTest
	for i := range points {
		d, err := newOrderUnderTest(t, shop, nil, fmt.Sprintf("act%d@mail.example.com", i))
		if err != nil {
			t.Fatal(err)
		}
		orders = append(orders, d)
	}
	o := newOffice(t, shop)
	shop.Exec("admin", `UPDATE session SET fresh_until = now() + interval '1 hour'`) // when the second factor was given
	shop.Quiet(60 * time.Second)

	// PostgreSQL dies once at each point, while a person ships and refunds.
	shop.Kill()
	shop.Again("FAULT="+strings.Join(points, ":1,")+":1", "FAULT_FILE="+filepath.Join(shop.DataDir, "postgres", "data", "postmaster.pid"))
	var answers []int
	for _, d := range orders {
		shop.Eventually(90*time.Second, d.identifier+" is sent and refunded", func() bool {
			sent, refunded, err := d.acted()
			switch {
			case err != nil:
				return false
			case !sent:
				answers = append(answers, o.ships(d.identifier))
			case !refunded:
				answers = append(answers, o.posts("/orders/"+d.identifier+"/refund", url.Values{"amount": {"1.00"}}))
			}
			return sent && refunded
		})
	}
	t.Logf("the pages answered %v", answers)

	shop.Eventually(2*time.Minute, "PostgreSQL has died at each step, and is there again", func() bool {
		log := shop.Log()
		for _, point := range points {
			if !strings.Contains(log, "fault: killed at "+point+"\n") {
				return false
			}
		}
		_, _, err := orders[0].acted()
		return err == nil
	})

	// The books agree, and everything was done once.
	awaitDone(t, shop)
	for _, d := range orders {
		d.compareBooks(sessions(shop))
		o.follow(d.identifier)
		parcels := d.count(`SELECT count(*) FROM shipment s JOIN orders o ON o.id = s.order_id WHERE identifier = $1`, d.identifier)
		refunds := d.count(`SELECT count(*) FROM refund WHERE payment_intent = $1 AND state = 'succeeded'`, d.intent)
		if parcels != 1 || refunds != 1 {
			t.Errorf("%s: %d parcels, %d refunds", d.email, parcels, refunds)
		}
	}
}

// acted reports whether the order was sent, and whether a part of it was refunded. It fails while
// the database is down.
func (d *orderUnderTest) acted() (sent, refunded bool, err error) {
	err = d.pool.QueryRow(context.Background(), `
		SELECT EXISTS (SELECT FROM shipment s JOIN orders o ON o.id = s.order_id WHERE identifier = $1),
		  EXISTS (SELECT FROM refund WHERE payment_intent = $2)`, d.identifier, d.intent).Scan(&sent, &refunded)
	return sent, refunded, err
}
