package admin

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// walked is the part of a trail that an owner behind admin knows: the order leads to the event.
func walked(r *http.Request) (adminui.Answer, error) {
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	var t adminui.Trail
	for _, key := range r.URL.Query()["key"] {
		switch key {
		case "order1":
			t.Keys = []string{"cs_1", "order1"}
			t.Hops = append(t.Hops, adminui.Hop{At: at.Add(time.Minute), Step: "mail", State: "queued",
				Text: "Mail <b>x</b> was accepted."})
		case "many":
			for i := range 3 * adminui.TrailKeys / 2 {
				t.Keys = append(t.Keys, fmt.Sprintf("many-%03d", i))
			}
		case "many-299":
			t.Hops = append(t.Hops, adminui.Hop{At: at, Step: "order", Text: "The last of many."})
		case "cs_1":
			t.Keys = []string{"evt_1"}
			t.Hops = append(t.Hops, adminui.Hop{At: at, Step: "event", Text: "Stripe told of it.", State: "paid", Message: "evt_1",
				Attempt: 2,
				Stream:  "STRIPE", Sequence: 7, Trace: "00-abc"})
		case "evt_1":
			t.Hops = append(t.Hops, adminui.Hop{At: at, Step: "stripe", Text: "Order keeps evt_1.", About: "evt_1"},
				adminui.Hop{At: at.Add(2 * time.Minute), Step: "stripe", Text: "Order keeps evt_9.", About: "evt_9"})
		case "order2":
			t.Keys = []string{"evt_2"}
			t.Hops = append(t.Hops, adminui.Hop{At: at, Step: "entry", About: "7", Text: "For staff."})
		}
	}

	return adminui.Page{Title: "Trail", Data: t}, nil
}

// The trail asks the owners again with the keys in their answers, shows all hops in one order, and
// marks what is missing; an unavailable owner is named.
func TestTrail(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Support)

	for _, thing := range [][2]string{{"order", "order2"}, {"mail", "evt_2"}, {"payment", "7"}, {"order", "order1"}, {"payment", "1"},
		{"person", "order2"}} {
		e.tx(func(tx pgx.Tx) error {
			return insertAudit(t.Context(), tx, msg.StaffActed{Name: "Ada", Service: "order", Kind: thing[0], Key: thing[1], At: time.Now(),
				Text: strings.Join(thing[:], " "), After: map[string]string{"city": "Bath"}})
		})
	}

	b.Get("/trail").Has(200, "Order, payment, event")
	page := b.Get("/trail?key=order1")
	page.Has(200, "Mail &lt;b&gt;x&lt;/b&gt; was accepted.", "STRIPE 7", "attempt 2", "trace 00-abc", "Paid, but no order after 2 minutes.",
		"A mail was accepted but not sent.", "mailer does not answer")

	// An owner's note of an event is shown only if webhook no longer has the event.
	if page.Has(200, "Order keeps evt_9."); strings.Contains(page.Body, "Order keeps evt_1.") {
		t.Error("an event of Stripe's stands twice")
	}
	if first, then := strings.Index(page.Body, "Stripe told of it."), strings.Index(page.Body, "was accepted."); first > then {
		t.Error("not in the order of time")
	}

	b.Get("/trail?key=many").Has(200, "The last of many.") // more keys than one request holds
	b.Get("/trail?key=nothing").Has(200, "No service knows this.")
	b.Header = http.Header{"Accept": {"application/json"}}
	b.Get("/trail?key=order1").Want("event", "hops", "0", "step")

	a := b.Get("/trail?key=order2")
	var acts []string
	for _, hop := range a.At("hops").([]any) { //nolint:errcheck // a wrong type fails the test
		if h := hop.(map[string]any); h["step"] == "act" { //nolint:errcheck // a wrong type fails the test
			acts = append(acts, fmt.Sprint(h["who"], " ", h["text"]))
		}
	}

	if got := strings.Join(acts, ", "); got != "Ada order order2, Ada mail evt_2, Ada payment 7" || strings.Contains(a.Body, "Bath") {
		t.Errorf("acts on its way: %s", got)
	}
	if a := e.in(e.person("marketing", adminui.Marketing)).Get("/trail?key=order1"); a.Status != http.StatusForbidden {
		t.Error(a)
	}
}
