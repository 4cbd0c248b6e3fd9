package webhook

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Staff see what Stripe sent, newest first, find it by what it is about, and read one event without
// what opens a payment page; what a buyer typed is shown as text.
func TestStaffSeeEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i := range 53 {
		e.sendUntilStored(fmt.Sprintf(`{"id":"evt_%02d","type":"charge.succeeded","data":{"object":{"id":"ch_%d","payment_intent":"pi_%d"}}}`,
			i, i, i/25))
	}
	e.sendUntilStored(`{"id":"evt_paid","type":"checkout.session.completed","livemode":false,"data":{"object":{"id":"cs_7","payment_intent":"pi_7",
		"payment_status":"paid","client_secret":"opens","note":"<script>hi"}}}`)

	staff := (&testenv.Client{TB: t, Handler: testenv.Mount(t, "webhook", (&server{pool: e.pool}).staff(), http.NotFoundHandler())}).
		AsStaff("webhook", adminui.Support)

	// One event, and the events of an order.
	page := staff.Get("/staff/stripe/events/evt_paid")
	page.Has(200, "&lt;script&gt;hi", "https://dashboard.stripe.com/test/events/evt_paid", "/trail?key=evt_paid", adminui.Hidden)
	if strings.Contains(page.Body, "opens") || strings.Contains(page.Body, "<script>hi") {
		t.Error(page)
	}
	staff.Get("/staff/stripe/panel?key=cs_7&key=pi_7").Has(200, `href="/stripe/events/evt_paid"`, "paid")
	staff.Get("/staff/stripe/panel?key=pi_0").Has(200, `href="/stripe?q=pi_0"`)
	staff.Get("/staff/stripe/panel?key=none").Has(200, "Stripe has sent nothing about this.")

	// All pages of the list have each event once.
	staff.Header = http.Header{"Accept": {"application/json"}}
	seen := map[string]bool{}
	for next := "/stripe"; next != ""; {
		a := staff.Get("/staff" + next).OK()
		for i := 0; a.At("events", fmt.Sprint(i)) != nil; i++ {
			seen[a.Text("events", fmt.Sprint(i), "id")] = true
		}
		next, _ = a.At("next").(string) //nolint:errcheck // it is missing on the last page
	}
	if len(seen) != 54 {
		t.Errorf("%d events on all pages", len(seen))
	}

	// A search finds an event by its object.
	staff.Get("/staff/stripe?q=ch_3").Want("evt_03", "events", "0", "id")
	staff.Get("/staff/stripe/panel?key=cs_7").Want("pi_7", "events", "0", "payment")

	// What makes no sense is refused, and so is a person without the right.
	for path, status := range map[string]int{"/panel": 400, "/events/none": 404, "?q=%00": 400, "?q=%ff": 400, "/panel?key=%00": 400,
		"/events/%00": 404, "?after=x": 400, "/panel?" + "key=1&key=2&key=3&key=4&key=5&key=6&key=7&key=8&key=9&key=10&key=11": 400} {
		if a := staff.Get("/staff/stripe" + path); a.Status != status {
			t.Errorf("%s: %s, want %d", path, a, status)
		}
	}
	if a := staff.AsStaff("webhook", adminui.Marketing, adminui.Fulfilment).Get("/staff/stripe"); a.Status != http.StatusForbidden {
		t.Error(a)
	}
}
