package order

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// givenBackTold are the messages about what was given back: the version, and amount, tax and day of
// each return.
const givenBackTold = `
	SELECT coalesce(string_agg(concat_ws(' ', j->>'tax', 'v' || (j->>'version'), (
	  SELECT string_agg(concat_ws('/', r->>'amount', r->>'tax', (current_date - (r->>'at')::timestamptz::date)), ' ' ORDER BY n)
	  FROM jsonb_array_elements(j->'returns') WITH ORDINALITY AS x (r, n))), ', ' ORDER BY seq), '')
	FROM (SELECT seq, convert_from(payload, 'UTF8')::jsonb AS j FROM outbox WHERE subject = 'order.given-back') AS m`

// Reports get what is given back once that is final: refunds when they have succeeded, each on its
// day, and no longer if one fails after all; disputes when they are lost; each with its share in
// the order's tax, which is complete when all is given back. A repeated event changes nothing.
func TestGivenBackAmountsArePublished(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`UPDATE configuration SET value = CASE key WHEN 'tax_mode' THEN 'included' ELSE $1 END
		WHERE key IN ('tax_mode', 'tax_rates')`, taxRate{Country: "US", State: "IL", Rate: 19_000}.String())
	p := e.visitor()
	p.add("6", "3")
	p.Post("/order/cart-apply-discount-code", "discount_code_id", "WELCOME10")
	c := p.quoted("ann@mail.example.com")
	e.mustHandle(event("evt_"+c.ID, completed, c, nil))
	identifier := e.Text(`SELECT identifier FROM orders WHERE checkout_id = $1`, c.ID)
	intent := e.intent(identifier)

	// 3 pieces of 3.99 less 10 %, and 9.56 for shipping, with 19 % of tax included
	if got := e.Text(`SELECT concat_ws(' ', total, sales_tax, tax_included) FROM orders WHERE identifier = $1`, identifier); got !=
		"2033 0 325" {
		t.Fatal(got)
	}
	if got := e.Text(`SELECT concat_ws(' ', j->>'sales_tax', j->>'tax_included')
		FROM (SELECT convert_from(payload, 'UTF8')::jsonb AS j FROM outbox WHERE subject = 'order.placed') AS m`); got != "0 325" {
		t.Errorf("reports hear of the taxes %s", got)
	}

	told := func(what, want string) {
		t.Helper()
		if diff := cmp.Diff(want, e.Text(givenBackTold)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		e.Exec(`DELETE FROM outbox WHERE subject = 'order.given-back'`)
	}
	mine, err := e.server.desk.Refund(t.Context(), kim, Refund{Order: Order{Identifier: identifier}, Lines: []Pieces{{0, 1}}})
	if err != nil {
		t.Fatal(err)
	}

	told("a refund that Stripe has not heard of", "")
	ours := map[string]any{"metadata": map[string]string{"refund": mine}, "created": time.Now().AddDate(0, 0, -2).Unix()}
	first := refundEvent("evt_1", "refund.created", "re_1", intent, 359, "succeeded", ours)
	e.mustHandle(first)
	told("a piece", "325 v1 359/57/2")
	second := func(id, status string) {
		e.mustHandle(refundEvent(id, "refund.updated", "re_2", intent, 500, status, map[string]any{
			"created": time.Now().AddDate(0, 0, -1).Unix()}))
	}
	second("evt_2", "pending")

	told("a refund that is under way", "")
	second("evt_3", "succeeded") // today, not when it was begun
	told("an amount", "325 v2 359/57/2 500/80/0")
	second("evt_4", "failed")
	second("evt_5", "succeeded") // late
	told("a refund that failed", "325 v3 359/57/2")

	const prefix = "charge.dispute."
	e.mustHandle(disputeEvent("evt_6", prefix+"funds_withdrawn", intent, "needs_response", -1674))
	told("a dispute", "")
	e.mustHandle(disputeEvent("evt_7", prefix+"closed", intent, "lost", -1674))
	told("a dispute that is lost", "325 v4 359/57/2 1674/268/0")
	e.mustHandle(first, disputeEvent("evt_8", prefix+"closed", intent, "lost", -1674))
	told("all of it again", "")
	e.mustHandle(disputeEvent("evt_9", prefix+"closed", intent, "won", -1674, 1674))
	told("a dispute that is won in the end", "325 v5 359/57/2")
}
