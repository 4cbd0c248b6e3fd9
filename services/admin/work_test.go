package admin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// waiting is the work list of an owner behind admin in these tests.
func waiting(*http.Request) (adminui.Answer, error) {
	return adminui.Page{Title: "Work", Data: adminui.WorkList{Kinds: []adminui.WorkKind{
		{Name: "held-stock", Title: "Held stock", Count: 1, Oldest: time.Now().Add(-time.Hour), Runbook: "held-stock", Calm: true,
			Items: []adminui.WorkItem{{Key: "6", Title: "Paper clips", Reason: "3 of 4", Since: time.Now()}}},
		{Name: "payments", Title: "Payments for staff", Count: 21, Oldest: time.Now(), To: "/payments", Runbook: "payments-for-staff",
			Items: []adminui.WorkItem{{Key: "7", Title: "paid-twice", Reason: "<i>twice</i>", Since: time.Now(), To: "/payments/7",
				Commands: []adminui.Command{{Text: "Resolve", To: "/payments/7/resolve"}}}}},
		{Name: "disputes", Title: "Disputes"},
	}}}, nil
}

// The work list shows the items of every service, faults first, with the commands that the person
// may use; an unavailable service costs its part and is named.
func TestWorkList(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.as(adminui.Manager)
	page := b.Get("/work")
	page.Has(200, "Payments for staff", `href="/payments"`, "&lt;i&gt;twice&lt;/i&gt;", `formaction="/payments/7/resolve"`, "All 21",
		"docs/runbooks/payments-for-staff.md", "mailer does not answer", "edge does not answer")
	if faults, calm := strings.Index(page.Body, "Payments for staff"), strings.Index(page.Body, "Held stock"); faults > calm {
		t.Error("what is not a fault stands first")
	}
	if strings.Contains(page.Body, "Disputes") || strings.Contains(page.Body, "order does not answer") {
		t.Error("what does not wait is listed")
	}
	b.Header = http.Header{"Accept": {"application/json"}}
	b.Get("/work").Want(21, "count")
	if a := e.in(e.person("reader", adminui.ReadOnly)).Get("/work"); a.Status != 200 || strings.Contains(a.Body, "formaction") {
		t.Error("who may only look is offered what they may not do")
	}
	if a := e.in(e.person("marketing", adminui.Marketing)).Get("/work"); a.Status != http.StatusForbidden {
		t.Error(a)
	}
}
