package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// firstBuyer is the number of the first buyer. Its digits occur nowhere else in the recorded
	// statements.
	firstBuyer = 73051846
	// A round has as many orders, on either side, as pgbench makes in orderSeconds, within bounds,
	// so that a busy machine gets less to do.
	orderSeconds         = 4
	minBuyers, maxBuyers = 2000, 10_000
)

// buyers are numbered visitors whose cart is frozen in a quote and paid: copies of one that went
// through the shop.
type buyers struct {
	*backing
	checkout string // of the copied purchase
	cart     int64
	total    int64 // cents
	next     int64
	perRound int
	// The processor time of the rounds on either side.
	spentOurs, spentLimit spent
}

// orders compares turning queued events into orders with pgbench running the same statements, one
// order a transaction.
func (w *backing) orders(ctx context.Context) error {
	b := &buyers{backing: w, next: firstBuyer}

	// The rounds of webhook left thousands of events in its outbox and in the broker.
	if err := errors.Join(w.checkpoint(ctx, `TRUNCATE webhook.event, webhook.outbox`), w.freshBroker(ctx)); err != nil {
		return err
	}
	if err := b.original(ctx); err != nil {
		return err
	}
	s, err := b.recordOne(ctx)
	if err != nil {
		return err
	}

	var top float64
	clients, err := best(ctx, []int{4, 8, 16, 32}, func(ctx context.Context, n int) (float64, error) {
		rate, err := b.oneByOne(ctx, s, n, 640)
		top = max(top, rate)
		return rate, err
	})
	if err != nil {
		return err
	}

	b.perRound = min(max(int(top*orderSeconds), minBuyers), maxBuyers) / clients * clients
	b.spentOurs, b.spentLimit = spent{}, spent{}
	limit := func(ctx context.Context) (float64, error) { return b.oneByOne(ctx, s, clients, b.perRound) }
	r := result{what: "orders made from queued events",
		against: "pgbench, the same statements, one order a transaction", want: 2,
		how: fmt.Sprintf("%d events, order alone; %d clients", b.perRound, clients)}
	err = w.turns(ctx, r, w.rounds, limit, func(ctx context.Context) (float64, error) {
		return b.queued(ctx, func() (*part, error) {
			return b.startOrder()
		})
	})
	if err != nil {
		return err
	}

	b.notes = append(b.notes, fmt.Sprintf("Processor time, orders: %s; pgbench's %s.", b.spentOurs, b.spentLimit))
	r.what, r.want, r.how = "the same, beside mails, analytics, owners", 0,
		fmt.Sprintf("%d events, the whole shop; %d clients", b.perRound, clients)
	return w.turns(ctx, r, min(w.rounds, 2), limit, func(ctx context.Context) (float64, error) {
		return b.queued(ctx, func() (*part, error) {
			p, err := b.openShop(b.settings()...)
			if err != nil {
				return nil, err
			}
			return p.part, nil
		})
	})
}

// original goes through a purchase up to the payment page.
func (b *buyers) original(ctx context.Context) error {
	s, err := b.openShop(b.settings()...)
	if err != nil {
		return err
	}
	defer s.stop() //nolint:errcheck // stopped below, or failed for another reason

	v, err := s.visitor()
	if err != nil {
		return err
	}
	for _, sku := range []string{"6", "7"} {
		if _, err := v.post("/order/cart-add-product-sku", "success", "sku_id", sku, "quantity", "2"); err != nil {
			return err
		}
	}
	a, err := v.post("/order/create-checkout-session", "success", "agree_to_terms_of_sale", "true",
		"anonymous_email_address",
		"original@mail.example.com")
	if err != nil {
		return err
	}

	if err := b.owner.QueryRow(ctx, `SELECT id, cart_id, total FROM "order".checkout WHERE session_id = $1`,
		a["session_id"]).Scan(&b.checkout, &b.cart, &b.total); err != nil {
		return fmt.Errorf("find the quote: %w", err)
	}
	return s.stop()
}

// startOrder starts order alone. Its sweep finds no Stripe.
func (b *buyers) startOrder() (*part, error) {
	return b.start("order", "", append(b.settings(), "ORDER_ADDR=127.0.0.1:0", "STRIPE_API_BASE=http://127.0.0.1:1",
		"STRIPE_SECRET_KEY=sk_test_bench")...)
}

// fill makes n paid buyers and returns the number of the first.
func (b *buyers) fill(ctx context.Context, n int) (int64, error) {
	first := b.next
	b.next += int64(n)
	for _, sql := range []string{
		`INSERT INTO "order".cart OVERRIDING SYSTEM VALUE
			SELECT r.* FROM "order".cart c, generate_series($1::bigint, $2::bigint) AS i,
			  LATERAL jsonb_populate_record(NULL::"order".cart,
			    to_jsonb(c) || jsonb_build_object('id', i, 'anonymous_id', 'benchvisitor' || i)) AS r
			WHERE c.id = $3`,
		`INSERT INTO "order".cart_line OVERRIDING SYSTEM VALUE
			SELECT r.* FROM "order".cart_line l, generate_series($1::bigint, $2::bigint) AS i,
			  LATERAL jsonb_populate_record(NULL::"order".cart_line, to_jsonb(l) || jsonb_build_object('cart_id', i)) AS r
			WHERE l.cart_id = $3`,
	} {
		if _, err := b.owner.Exec(ctx, sql, first, b.next-1, b.cart); err != nil {
			return 0, fmt.Errorf("make carts: %w", err)
		}
	}

	_, err := b.owner.Exec(ctx,
		`INSERT INTO "order".checkout
			SELECT r.* FROM "order".checkout c, generate_series($1::bigint, $2::bigint) AS i,
			  LATERAL jsonb_populate_record(NULL::"order".checkout, to_jsonb(c) || jsonb_build_object(
			    'id', $4 || i::text, 'cart_id', i, 'quote_hash', md5(i::text),
			    'email', 'buyer' || i || '@mail.example.com', 'session_id', $5 || i::text)) AS r
			WHERE c.id = $3`,
		first, b.next-1, b.checkout,
		checkoutPrefix, sessionPrefix)
	if err != nil {
		return 0, fmt.Errorf("make quotes: %w", err)
	}

	// No one needs rows of earlier rounds any longer. Every table is analyzed, since pgbench makes
	// its plans once and keeps them, whatever other parts of the run left in the tables.
	return first, b.checkpoint(ctx, `TRUNCATE "order".outbox, webhook.outbox`, `VACUUM ANALYZE`)
}

// queue puts the events of buyers into the stream in the same way as webhook does.
func (b *buyers) queue(ctx context.Context, first int64, n int) error {
	_, err := b.owner.Exec(ctx, `INSERT INTO webhook.outbox (key, subject, payload, pending)
		SELECT $4 || i::text, 'stripe.checkout.session.completed', convert_to(replace($3, '@number', i::text), 'UTF8'),
		  ARRAY['order-stripe']
		FROM generate_series($1::bigint, $2::bigint) AS i`,
		first, first+int64(n)-1, eventBody(eventPrefix+"@number", "@number", b.total),
		eventPrefix)
	if err != nil {
		return fmt.Errorf("store events: %w", err)
	}

	pool, err := pg.Open(ctx, b.cluster.URL(), "shop", "webhook")
	if err != nil {
		return err
	}
	defer pool.Close()
	conn, err := bus.Connect(b.log, b.nats, "webhook")
	if err != nil {
		return err
	}
	defer conn.Close()

	relaying, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- bus.NewOutbox(conn, pool).Run(relaying) }()
	err = wait(ctx, time.Minute, 20*time.Millisecond, "all events published", func() (bool, error) {
		var left int
		err := b.owner.QueryRow(ctx, `SELECT count(*) FROM webhook.outbox WHERE attempts = 0`).Scan(&left)
		return left == 0, err
	})
	stop()
	return errors.Join(err, <-ended)
}

// queued returns how many events a second become orders if the events are in the stream before
// order starts.
func (b *buyers) queued(ctx context.Context, start func() (*part, error)) (float64, error) {
	if err := b.freshBroker(ctx); err != nil {
		return 0, err
	}
	first, err := b.fill(ctx, b.perRound)
	if err != nil {
		return 0, err
	}
	if err := b.queue(ctx, first, b.perRound); err != nil {
		return 0, err
	}
	if err := b.checkpoint(ctx); err != nil {
		return 0, err
	}

	end := b.meter(nil)
	measured := make(chan error, 1)
	var rate float64
	go func() {
		var err error
		rate, err = b.watch(ctx, first, int64(b.perRound))
		measured <- err
	}()

	p, err := start()
	if err != nil {
		return 0, err
	}
	if err := <-measured; err != nil {
		return 0, errors.Join(err, p.stop())
	}

	cost := end(float64(b.perRound))
	cost.service = p.cpu() // since its start
	b.spentOurs.add(cost)
	return rate, p.stop()
}

// watch measures from the first orders that it sees to the last one's commit. It reads the sequence
// of ids, which costs the database next to nothing, and counts only at the end.
func (b *buyers) watch(ctx context.Context, first int64, n int64) (float64, error) {
	ids := func() (last int64, err error) {
		err = b.owner.QueryRow(ctx, `SELECT last_value FROM "order".orders_id_seq`).Scan(&last)
		return last, err
	}
	before, err := ids()
	if err != nil {
		return 0, err
	}

	var began time.Time
	var early, done int64
	err = wait(ctx, 2*time.Minute, 5*time.Millisecond, "all events are orders", func() (bool, error) {
		last, err := ids()
		if err != nil {
			return false, err
		}
		if last == before {
			return false, nil
		}
		if began.IsZero() {
			began, early = time.Now(), last-before
		}
		if last < before+n {
			return false, nil
		}
		done, err = b.made(ctx, first, n)
		return done == n, err
	})

	if err != nil {
		return 0, fmt.Errorf("%d of %d events are orders: %w", done, n, err)
	}
	return float64(n-early) / time.Since(began).Seconds(), nil
}

func (b *buyers) made(ctx context.Context, first, n int64) (made int64, err error) {
	err = b.owner.QueryRow(ctx, `SELECT count(*) FROM "order".orders WHERE cart_id BETWEEN $1 AND $2`, first,
		first+n-1).Scan(&made)
	return made, err
}

// recordOne turns one event into an order and records what order sent to the database for it.
func (b *buyers) recordOne(ctx context.Context) (script, error) {
	first, err := b.fill(ctx, 1)
	if err != nil {
		return script{}, err
	}
	if err := b.queue(ctx, first, 1); err != nil {
		return script{}, err
	}
	list, err := b.recording(ctx, "order", "INSERT INTO orders", func() error {
		p, err := b.startOrder()
		if err != nil {
			return err
		}
		err = wait(ctx, 20*time.Second, 20*time.Millisecond, "an order", func() (bool, error) {
			n, err := b.made(ctx, first, 1)
			return n == 1, err
		})
		return errors.Join(err, p.stop())
	})
	if err != nil {
		return script{}, err
	}

	// The order's identifier is random, but each transaction needs its own.
	var identifier string
	if err := b.owner.QueryRow(ctx, `SELECT identifier FROM "order".orders WHERE cart_id = $1`,
		first).Scan(&identifier); err != nil {
		return script{}, fmt.Errorf("find the order: %w", err)
	}

	marker := strconv.FormatInt(first, 10)
	for _, s := range list {
		for _, p := range s.params {
			if p != nil {
				*p = strings.ReplaceAll(*p, identifier, identifier[:len(identifier)-len(marker)]+marker)
			}
		}
	}

	text, err := b.transaction(ctx, "order", list, marker)
	if err != nil {
		return script{}, err
	}
	return b.script(`"order"`, "order", text)
}

// oneByOne returns how many orders a second pgbench makes with the recorded statements.
func (b *buyers) oneByOne(ctx context.Context, s script, clients, n int) (float64, error) {
	first, err := b.fill(ctx, n)
	if err != nil {
		return 0, err
	}
	before, err := b.made(ctx, first, int64(n))
	if err != nil {
		return 0, err
	}
	end := b.meter(nil)
	rate, err := b.pgbench(ctx, s, clients, "-t", strconv.Itoa(n/clients), "-D", "first="+strconv.FormatInt(first, 10))
	if err != nil {
		return 0, err
	}
	b.spentLimit.add(end(float64(n)))
	after, err := b.made(ctx, first, int64(n))
	if err == nil && after-before != int64(n) {
		err = fmt.Errorf("pgbench made %d orders, want %d", after-before, n)
	}
	return rate, err
}
