package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

const webhookTime = 3 * time.Second

// webhooks compares accepting events (HTTP, signature, both rows, synced) with pgbench inserting
// the same two rows in a transaction each.
func (w *backing) webhooks(ctx context.Context) error {
	s, err := w.script("webhook", "webhook", webhookScript())
	if err != nil {
		return err
	}
	clients, err := best(ctx, []int{8, 16, 32}, func(ctx context.Context, n int) (float64,
		error) {
		return w.storeEvents(ctx, s, n, 2)
	})
	if err != nil {
		return err
	}

	a := &acceptance{backing: w}
	connections, err := best(ctx, []int{32, 64, 128, 256},
		func(ctx context.Context, n int) (float64, error) { return a.accept(ctx, n, time.Second) })
	if err != nil {
		return err
	}

	a.spent = spent{}
	var limit spent
	r := result{what: "webhooks accepted", against: "pgbench, the same two rows, one a transaction", want: 1,
		how: fmt.Sprintf("%d connections, %d clients", connections, clients)}
	err = w.turns(ctx, r, w.rounds,
		func(ctx context.Context) (float64, error) {
			end := w.meter(nil)
			rate, err := w.storeEvents(ctx, s, clients, 3)
			limit.add(end(rate * 3))
			return rate, err
		},
		func(ctx context.Context) (float64, error) { return a.accept(ctx, connections, webhookTime) })

	w.notes = append(w.notes, fmt.Sprintf("Processor time, webhooks: %s; pgbench's %s.", a.spent, limit))
	return err
}

// acceptance is webhook running under load.
type acceptance struct {
	*backing
	round int
	spent spent
}

// accept runs webhook with its relay and posts events to it. It runs only that long, so that its
// relay takes nothing from pgbench.
func (a *acceptance) accept(ctx context.Context, connections int, d time.Duration) (float64, error) {
	if err := a.checkpoint(ctx, `TRUNCATE webhook.event, webhook.outbox`); err != nil {
		return 0, err
	}
	addr, err := freeAddr()
	if err != nil {
		return 0, err
	}
	p, err := a.start("webhook", "", append(a.settings(), "WEBHOOK_ADDR="+addr,
		"STRIPE_WEBHOOK_SECRET="+webhookSecret)...)
	if err != nil {
		return 0, err
	}
	a.round++
	if err := wait(ctx, 10*time.Second, 5*time.Millisecond, "webhook answers", func() (bool, error) {
		_, _, err := fetch(addr, a.eventPosts("first"+strconv.Itoa(a.round)))
		return err == nil, nil
	}); err != nil {
		return 0, errors.Join(err, p.stop())
	}
	posts := prebuilt(a.eventPosts(strconv.Itoa(a.round)), connections)
	end := a.meter(p)
	rate, err := load(ctx, addr, connections, d, posts)
	a.spent.add(end(rate * d.Seconds()))
	return rate, errors.Join(err, p.stop())
}

func (w *backing) storeEvents(ctx context.Context, s script, clients, seconds int) (float64, error) {
	if err := w.checkpoint(ctx, `TRUNCATE webhook.event, webhook.outbox`); err != nil {
		return 0, err
	}
	return w.pgbench(ctx, s, clients, "-T", strconv.Itoa(seconds))
}

// webhookScript writes what webhook writes for one event, in one statement and with the body as a
// constant, so that only the two rows cost anything.
func webhookScript() string {
	body := literal(eventBody("evt_bench", "72999999", 2951))
	return fmt.Sprintf(`\set n :n + 1
\set i :client_id + :clients * :n
WITH e AS (
  INSERT INTO event (id, type, api_version, created, payload)
  VALUES ('evt_' || CAST(:i AS text), 'checkout.session.completed', '2023-10-16', CAST('2026-01-02' AS timestamptz),
    CAST(%s AS bytea))
  ON CONFLICT (id) DO NOTHING RETURNING id, payload
)
INSERT INTO outbox (key, subject, payload, headers, pending)
SELECT id, 'stripe.checkout.session.completed', payload,
  CAST(E'{"traceparent"\x3a "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}' AS jsonb),
    ARRAY['order-stripe'] FROM e
ON CONFLICT (key) DO NOTHING;
`, body)
}

const webhookSecret = "whsec_bench"

// eventPosts makes signed webhooks, each with an id of its own.
func (w *backing) eventPosts(round string) request {
	const id = "evt_00000000000000000000000000"
	body := eventBody(id, "72999999", 2951)
	before, after, _ := strings.Cut(body, id)
	var counters [1024]int
	return func(worker int, buf []byte) []byte {
		counters[worker]++
		unique := fmt.Sprintf("evt_%s_%d_%d", round, worker, counters[worker])
		at := strconv.FormatInt(time.Now().Unix(), 10)
		text := make([]byte, 0, len(body)+len(unique))
		text = append(append(append(text, before...), unique...), after...)
		mac := hmac.New(sha256.New, []byte(webhookSecret))
		mac.Write([]byte(at + ".")) // a hash never fails to write
		mac.Write(text)
		buf = append(buf, "POST /order/stripe-webhook HTTP/1.1\r\nHost: shop.example.com\r\nContent-Type: "+
			"application/json\r\nStripe-Signature: t="...)
		buf = append(buf, at...)
		buf = append(buf, ",v1="...)
		buf = hex.AppendEncode(buf, mac.Sum(nil))
		buf = append(buf, "\r\nContent-Length: "...)
		buf = strconv.AppendInt(buf, int64(len(text)), 10)
		buf = append(buf, "\r\n\r\n"...)
		return append(buf, text...)
	}
}

// prebuilt makes requests beforehand, so that signing them takes nothing from the service that
// checks the signatures. Once they are used up, it makes more on demand.
func prebuilt(next request, connections int) request {
	const number = 30_000 // of some 3.6 kB each; more than three seconds' worth
	made := make([][][]byte, connections)
	for worker := range made {
		for range number / connections {
			made[worker] = append(made[worker], next(worker, nil))
		}
	}
	return func(worker int, buf []byte) []byte {
		mine := made[worker]
		if len(mine) == 0 {
			return next(worker, buf)
		}
		made[worker] = mine[1:]
		return mine[0]
	}
}

func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close() //nolint:errcheck // it was only looked for
	return l.Addr().String(), nil
}
