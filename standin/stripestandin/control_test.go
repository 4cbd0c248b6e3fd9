package stripestandin

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

// ctl calls the control surface with JSON and decodes the answer.
func (e *env) ctl(method, path, body string, into any) int {
	e.t.Helper()
	c := e.client()
	r := c.Body(method, path, body)
	r.Header.Set("Content-Type", "application/json")
	a := c.Do(r)
	if into != nil && json.Unmarshal([]byte(a.Body), into) != nil {
		e.t.Errorf("no JSON: %s", a)
	}
	return a.Status
}

func TestPaymentsByControlSurface(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	if status := e.ctl("POST", "/_/sessions/"+s.ID+"/pay",
		`{"email":"bob@example.com","method":"delayed","address":{"line1":"1 Rue","city":"Montréal","country":"CA"}}`, nil); status != 200 {
		t.Fatalf("pay: %d", status)
	}
	var list struct{ Sessions []Ledger }
	if e.ctl("GET", "/_/sessions", "", &list); len(list.Sessions) != 1 || list.Sessions[0].Email != "bob@example.com" ||
		list.Sessions[0].Paid() {
		t.Errorf("%+v", list)
	}

	pi := list.Sessions[0].PaymentIntent
	for _, step := range []struct {
		path, body string
		want       int
	}{
		{"/_/sessions/" + s.ID + "/pay", "", 400},
		{"/_/sessions/cs_none/pay", "", 404},
		{"/_/sessions/" + s.ID + "/pay", "[1]", 400},
		{"/_/payments/" + pi + "/refund", "", 400},
		{"/_/sessions/" + s.ID + "/async", `{"outcome":"maybe"}`, 400},
		{"/_/sessions/" + s.ID + "/async", `{"outcome":"succeed"}`, 200},
		{"/_/payments/" + pi + "/refund", `{"amount":100}`, 200},
		{"/_/payments/" + pi + "/refund", `{"amount":-1}`, 400},
		{"/_/refunds/re_none", `{"outcome":"fail"}`, 404},
		{"/_/payments/" + pi + "/dispute", `{"outcome":"escalate"}`, 400},
		{"/_/payments/" + pi + "/dispute", `{"outcome":"maybe"}`, 400},
		{"/_/payments/" + pi + "/dispute", "", 200},
		{"/_/payments/" + pi + "/dispute", "", 400},
		{"/_/payments/" + pi + "/dispute", `{"outcome":"lost"}`, 200},
		{"/_/payments/" + pi + "/dispute", `{"outcome":"lost"}`, 400},
		{"/_/payments/pi_none/dispute", "", 404},
		{"/_/sessions/" + s.ID + "/expire", "", 400},
		{"/_/events/evt_none/resend", "", 404},
		{"/_/clock", `{"advance_seconds":60}`, 200},
		{"/_/clock", `{"advance_seconds":"soon"}`, 400},
	} {
		if status := e.ctl("POST", step.path, step.body, nil); status != step.want {
			t.Errorf("%s %s: %d, want %d", step.path, step.body, status, step.want)
		}
	}

	var events struct{ Events []Delivery }
	e.delivered()
	if e.ctl("GET", "/_/events", "", &events); len(events.Events) != 8 || events.Events[0].Type != "charge.dispute.closed" {
		t.Errorf("%+v", events)
	}
	if status := e.ctl("POST", "/_/events/"+events.Events[0].EventID+"/resend", "", nil); status != 200 {
		t.Errorf("resend: %d", status)
	}
	e.events(2, "charge.dispute.closed")
}

// A call changes only the switches that it names, and an invalid call changes nothing.
func TestSwitchesByControlSurface(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	var sw Switches
	if status := e.ctl("POST", "/_/switches", `{"webhook_drop":true,"webhook_double":3,"api_faults":[{"kind":"500","path":"/v1/coupons"}]}`,
		&sw); status != 200 || sw.WebhookDrop != Always || sw.WebhookDouble != 3 || sw.APIFaults[0].Times != 1 {
		t.Errorf("%d %+v", status, sw)
	}
	if e.ctl("POST", "/_/switches", `{"webhook_drop":"off"}`, &sw); sw.WebhookDrop != 0 || sw.WebhookDouble != 3 {
		t.Errorf("the others changed: %+v", sw)
	}

	for _, bad := range []string{`{"webhook_drop":"often"}`, `{"nonsense":1}`, `{"api_faults":[{"kind":"404"}]}`, `{"api_latency_ms":-1}`,
		`{"shipping_shape":"round"}`, `{"async_outcome":"later"}`, `{`, ``} {
		if status := e.ctl("POST", "/_/switches", bad, nil); status != 400 {
			t.Errorf("%s: %d", bad, status)
		}
	}

	form := url.Values{"back": {"1"}, "webhook_delay_ms": {"250"}, "webhook_date_offset_seconds": {"-400"}, "webhook_drop": {"2"}}
	if resp := e.post(e.URL()+"/_/switches", form); resp.Status != 303 {
		t.Errorf("form: %d", resp.Status)
	}
	if sw := e.Switches(); sw.WebhookDelayMS != 250 || sw.WebhookDateOffsetSeconds != -400 || sw.WebhookDrop != 2 || sw.WebhookDouble != 3 {
		t.Errorf("%+v", sw)
	}
	if e.ctl("DELETE", "/_/switches", "", &sw); e.Switches().WebhookDouble != 0 {
		t.Errorf("after reset: %+v", sw)
	}
}

func TestDashboardShowsSessionsAndEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	s := e.session()
	if resp := e.post(e.URL()+"/_/sessions/"+s.ID+"/pay", url.Values{"back": {"1"}}); resp.Status != 303 ||
		resp.Header.Get("Location") != "/" {
		t.Errorf("button: %d", resp.Status)
	}
	e.delivered()
	page := e.get(e.URL() + "/").Body
	for _, want := range []string{s.ID, "shopper@example.com", "$30.00", "delivered", "Refund", "Send again"} {
		if !strings.Contains(page, want) {
			t.Errorf("the dashboard lacks %q", want)
		}
	}
	for _, path := range []string{"/nowhere", "/_/nothing", "/c/pay/"} {
		if resp := e.get(e.URL() + path); resp.Status != 404 {
			t.Errorf("%s: %d", path, resp.Status)
		}
	}
}
