package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

const (
	// firstGrown is the first id or number of the filled-in rows. The shop's own stay below.
	firstGrown = 1_000_000_000
	// fillChunk is the number of rows in one statement.
	fillChunk = 100_000
	// viewsOfBrowser is the number of page views of one browser. Every third browser is a member's.
	viewsOfBrowser = 20
	// ordersOfMember is how many of the filled-in orders belong to the registered member, whose
	// pages are measured.
	ordersOfMember = 10
)

// template makes the rows that are copied: a registered member, and a purchase by a guest, both
// through the shop.
func (g *grown) template(ctx context.Context) (err error) {
	s := &shop{g.shop, g.edge}
	if g.member, err = s.visitor(); err != nil {
		return err
	}
	if err := g.member.register("grown_member"); err != nil {
		return err
	}
	if _, err := g.load(ctx, 1, 1, 0); err != nil {
		return err
	}
	g.account, err = pg.Get[int64](ctx, g.owner, "find the member",
		`SELECT id FROM "user".account WHERE username = 'grown_member'`)
	return err
}

// copying describes one table to fill: rows are copied once for each i from :from to :to, with some
// columns set. :first is where numbers begin, :members and :batch are the first member of this step
// and their number.
type copying struct {
	table, of string // of selects the row to copy, whose alias is t
	count     func(orders, views, members int64) int64
	set       map[string]string
}

func perOrder(orders, _, _ int64) int64   { return orders }
func perGuest(orders, _, _ int64) int64   { return orders / 4 }
func perView(_, views, _ int64) int64     { return views }
func perMember(_, _, members int64) int64 { return members }

// The buyer of order i: a member of this step for every second order, five orders each, otherwise a
// guest.
const (
	buyerID   = `CASE WHEN i <= :first + :own THEN :account WHEN i % 2 = 0 THEN :members + (i / 2) % :batch END`
	buyerMail = `CASE WHEN i <= :first + :own THEN 'grown_member' WHEN i % 2 = 0 THEN 'member' || :members + (i / 2) % :batch
		ELSE 'guest' || i / 4 END || '@mail.example.com'`
	ago        = `now() - interval '390 days' * (1 - (i - :from + 1)::float8 / (:to - :from + 1)) - interval '1 hour'`
	guest      = `i - :first + :first / 4`
	memberMail = `'member' || i || '@mail.example.com'`
)

// mark is erasure.MarksOf in SQL.
func mark(name string) string {
	return `('x' || encode(substring(sha256(convert_to(` + name + `, 'UTF8')) FOR 8), 'hex'))::bit(64)::bigint`
}

// copied are all tables that grow, in the order in which they are filled.
var copied = []copying{
	{table: `"user".account`, of: `username = 'grown_member'`, count: perMember, set: map[string]string{
		"id": "i", "username": `'member' || i`, "email": memberMail, "unsubscribe_token": `'t' || i`,
		"mb_cd": `'m' || i`}},
	{table: `"user".terms_agreed`, of: `member_id = :account`, count: perMember,
		set: map[string]string{"id": "i", "member_id": "i"}},
	{table: `mailer.recipient`, of: `kind = 'member' AND id = :account`, count: perMember, set: map[string]string{
		"id": "i", "email": memberMail, "code": `'m' || i`, "token": `'t' || i`}},
	{table: `events.member`, of: `id = :account`, count: perMember,
		set: map[string]string{"id": "i", "mb_cd": `'m' || i`}},
	{table: `edge.session`, of: `member_id = :account`, count: perMember, set: map[string]string{
		"token_hash": `sha256(convert_to('s' || i, 'UTF8'))`, "member_id": "i", "username": `'member' || i`,
		"email": memberMail}},
	{table: `"user".prospect`, of: `TRUE`, count: perGuest, set: map[string]string{
		"id": "i", "email": `'guest' || (` + guest + `) || '@mail.example.com'`,
		"unsubscribe_token": `'pt' || i`, "pr_cd": `'p' || (` + guest + `)`}},
	{table: `"order".prospect`, of: `TRUE`, count: perGuest, set: map[string]string{
		"email": `'guest' || (` + guest + `) || '@mail.example.com'`,
		"code":  `'p' || (` + guest + `)`}},
	{table: `"order".checkout`, of: `id = (SELECT checkout_id FROM "order".orders ORDER BY id LIMIT 1)`,
		count: perOrder,
		set: map[string]string{"id": `'grown' || i`, "cart_id": "i", "session_id": `'cs_test_grown' || i`,
			"payment_intent": `'pi_grown' || i`,
			"member_id":      buyerID, "email": buyerMail, "owner": `'visitor:grown' || i`, "person": buyerMail,
			"round":      "NULL",
			"created_at": ago, "agreed_at": ago, "checked_at": ago, "expires_at": ago}},
	{table: `"order".orders`, of: `id = (SELECT min(id) FROM "order".orders)`, count: perOrder, set: map[string]string{
		"id": "i", "identifier": `'grown' || i`, "checkout_id": `'grown' || i`, "session_id": `'cs_test_grown' || i`,
		"payment_intent": `'pi_grown' || i`, "cart_id": "i", "member_id": buyerID, "email": buyerMail,
		"prospect_code": `CASE WHEN i % 2 = 1 THEN 'p' || i / 4 END`, "placed_at": ago}},
	{table: `"order".order_line`, of: `order_id = (SELECT min(id) FROM "order".orders)`, count: perOrder,
		set: map[string]string{
			"order_id": "i"}},
	{table: `"order".order_status`, of: `order_id = (SELECT min(id) FROM "order".orders)`, count: perOrder,
		set: map[string]string{
			"order_id": "i", "created_date_time": ago}},
	{table: `webhook.event`, of: `type = 'checkout.session.completed' AND payload <> '{}'`, count: perOrder,
		set: map[string]string{
			"id": `'evt_grown' || i`, "received": ago,
			"payload": `convert_to(replace(replace(convert_from(t.payload, 'UTF8'),
			:'session', 'cs_test_grown' || i), :'email', ` + buyerMail + `), 'UTF8')`,
			"marks": `ARRAY[` + mark(`split_part(`+buyerMail+`, '.', 1)`) + `, ` + mark(`'cs_test_grown' || i`) + `, ` +
				mark(`'pi_grown' || i`) + `]`}},
	{table: `mailer.delivery`, of: `kind LIKE 'order-%'`, count: perOrder, set: map[string]string{
		"id": "i", "key": `'grown' || i`, "message_id": `'grown' || i`, "to_hashes": `ARRAY[md5(` + buyerMail + `)]`,
		"member_id": buyerID,
		"payload":   "NULL", "created_at": ago, "queued_at": ago, "done_at": ago}},
	{table: `events.order_placed`, of: `identifier = (SELECT identifier FROM "order".orders ORDER BY id LIMIT 1)`,
		count: perOrder,
		set: map[string]string{"identifier": `'grown' || i`, "member_id": buyerID, "visitor": "i % 2 = 1", "at": ago,
			"pr_cd": `CASE WHEN i % 2 = 1 THEN 'p' || i / 4 END`}},
	{table: `events.page_view`, count: perView, set: map[string]string{
		"id": "i", "event_id": `'grown' || i`, "anonymous_id": fmt.Sprintf(`'grown' || i / %d`, viewsOfBrowser),
		"user_id": fmt.Sprintf(`CASE WHEN i / %d %% 3 = 0 THEN :members + (i / %d) %% :batch END`, viewsOfBrowser,
			3*viewsOfBrowser),
		"url":        `'/products/p' || i % 200 || CASE WHEN i % 10 = 0 THEN '?utm_source=letter&utm_campaign=c' || i % 1000 ELSE '' END`,
		"page_width": "1280", "order_mark": `CASE WHEN i % 50 = 0 THEN 'mark' || i END`, "at": ago,
		"remote_addr": `CASE WHEN ` + ago + ` > now() - interval '29 days' THEN '198.51.100.' || i % 250 END`,
		"user_agent":  "NULL"}},
}

// countedDays marks the days for which the shop's figures are counted.
const countedDays = `INSERT INTO events.recount (day) SELECT generate_series(current_date - 391, current_date, interval '1 day')`

// fill brings the shop to a size. Triggers and foreign keys are off while it runs, and indexes that
// serve no constraint are rebuilt at the end, which is several times faster.
func (g *grown) fill(ctx context.Context, size float64) error {
	conn, err := g.owner.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("fill the shop: %w", err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, `SET session_replication_role = replica; SET maintenance_work_mem = '512MB';
		SET timezone = 'UTC'`); err != nil {
		return fmt.Errorf("fill the shop: %w", err)
	}

	orders, views, members := int64(size*grownOrders), int64(size*grownPageViews), int64(size*grownMembers)
	var sessionID, email string
	if err := conn.QueryRow(ctx, `SELECT session_id, email FROM "order".orders ORDER BY id LIMIT 1`).Scan(&sessionID,
		&email); err != nil {
		return fmt.Errorf("find the order to copy: %w", err)
	}
	if _, err := conn.Exec(ctx, `SELECT events.make_months(current_date - 400, current_date)`); err != nil {
		return fmt.Errorf("make the tables of months: %w", err)
	}

	own := int64(0)
	if g.orders == 0 {
		own = ordersOfMember
	}
	names := strings.NewReplacer(":first", fmt.Sprint(firstGrown), ":own", fmt.Sprint(own), ":account",
		fmt.Sprint(g.account),
		":members", fmt.Sprint(firstGrown+g.members+1), ":batch", fmt.Sprint(members-g.members), ":'session'",
		"'"+sessionID+"'",
		":'email'", "'"+email+"'")

	for _, c := range copied {
		from, to := firstGrown+1+c.count(g.orders, g.views, g.members), firstGrown+c.count(orders, views, members)
		if err := c.fill(ctx, conn.Conn(), names, from, to); err != nil {
			return err
		}
	}
	if _, err := conn.Exec(ctx, countedDays); err != nil {
		return fmt.Errorf("have the days counted: %w", err)
	}

	if g.orders == 0 {
		g.order = fmt.Sprintf("grown%d", firstGrown+1)
	}
	g.orders, g.views, g.erased, g.members = orders, views, g.members, members
	_, err = conn.Exec(ctx, `RESET session_replication_role`)
	if err := errors.Join(err, g.checkpoint(ctx, `VACUUM ANALYZE`)); err != nil {
		return err
	}

	return wait(ctx, 20*time.Minute, time.Second, "figures are counted", func() (bool, error) {
		return pg.Get[bool](ctx, conn, "look whether figures are counted", `SELECT NOT EXISTS (SELECT FROM events.recount)`)
	})
}

// fill copies one table's rows.
func (c copying) fill(ctx context.Context, conn *pgx.Conn, names *strings.Replacer, from, to int64) error {
	columns, err := pg.List[string](ctx, conn, "list the columns of "+c.table, `
		SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
		c.table)
	if err != nil {
		return err
	}

	var into, values []string
	for _, column := range columns {
		value, set := c.set[column]
		if !set && c.of == "" {
			continue
		}
		if !set {
			value = "t." + pgx.Identifier{column}.Sanitize()
		}
		into, values = append(into, pgx.Identifier{column}.Sanitize()), append(values, value)
	}

	source := "generate_series(:now::bigint, :last::bigint) AS i"
	if c.of != "" {
		source = "(SELECT * FROM " + c.table + " WHERE " + c.of + " LIMIT 1) AS t, " + source
	}
	sql := strings.NewReplacer(":from", fmt.Sprint(from), ":to", fmt.Sprint(to)).Replace(names.Replace(
		"INSERT INTO " + c.table + " (" + strings.Join(into, ", ") + ") OVERRIDING SYSTEM VALUE SELECT " +
			strings.Join(values, ", ") +
			" FROM " + source))

	return withoutIndexes(ctx, conn, c.table, func() error {
		for now := from; now <= to; now += fillChunk {
			last := min(to, now+fillChunk-1)
			chunk := strings.NewReplacer(":now", fmt.Sprint(now), ":last", fmt.Sprint(last)).Replace(sql)
			n, err := pg.ExecRows(ctx, conn, "fill "+c.table, chunk)
			if err != nil {
				return err
			}
			if n != last-now+1 {
				return fmt.Errorf("fill %s: %d rows of %d: the row to copy is not there", c.table, n, last-now+1)
			}
		}
		return nil
	})
}

// withoutIndexes drops the indexes of a table that serve no constraint, and creates them again
// after fn.
func withoutIndexes(ctx context.Context, conn *pgx.Conn, table string, fill func() error) error {
	type index struct{ Name, Definition string }
	all, err := pg.List[index](ctx, conn, "list the indexes of "+table, `
		SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index x
		WHERE indrelid = $1::regclass AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = x.indexrelid)`, table)
	if err != nil {
		return err
	}
	for _, x := range all {
		if _, err := conn.Exec(ctx, "DROP INDEX "+x.Name); err != nil {
			return fmt.Errorf("drop index %s: %w", x.Name, err)
		}
	}
	if err := fill(); err != nil {
		return err
	}
	for _, x := range all {
		if _, err := conn.Exec(ctx, strings.Replace(x.Definition, " ON ONLY ", " ON ", 1)); err != nil {
			return fmt.Errorf("make index %s: %w", x.Name, err)
		}
	}
	return nil
}
