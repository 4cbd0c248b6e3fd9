package adminui_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// A command reads forms. A body of another type is refused and not taken for an empty form.
func TestReadFormRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	h := testenv.Mount(t, "order", adminui.Pages{Routes: []adminui.Route{{Method: "POST", Path: "/do", Action: adminui.OrdersEdit,
		Handle: func(r *http.Request) (adminui.Answer, error) {
			form, err := adminui.ReadForm(r)
			return adminui.Done{To: "/", Text: "got " + form.Get("text")}, err
		}}}}, http.NotFoundHandler())

	c := (&testenv.Client{TB: t, Handler: h, Header: http.Header{"Accept": {"application/json"}}}).AsStaff("order", adminui.Owner)
	c.Header = http.Header{"Accept": {"application/json"}}
	for _, try := range []struct {
		kind, body string
		status     int
		has        string
	}{
		{kind: "application/json", body: `{"text":"hi"}`, status: 415, has: "not-a-form"},
		{kind: "text/plain", body: "text=hi", status: 415, has: "as a form"},
		{body: "text=hi", status: 415, has: "not-a-form"},
		{kind: "application/x-www-form-urlencoded; charset=UTF-8", body: "text=hi", status: 200, has: "got hi"},
		{kind: "application/json", status: 200, has: "got "},
		{status: 200, has: "got "},
	} {
		r := c.Body(http.MethodPost, "/staff/do", try.body)
		r.Header.Del("Content-Type")
		if try.kind != "" {
			r.Header.Set("Content-Type", try.kind)
		}
		c.Do(r).Has(try.status, try.has)
	}
}

// Characters that reverse text are removed from input: they would act wherever it is shown, also in
// mails and files.
func TestReadFormRemovesTurns(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("POST", "/", strings.NewReader(url.Values{"name": {"a\u202eb\u2066c\u200f", "\u202d"}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	form, err := adminui.ReadForm(r)
	if err != nil || !slices.Equal(form.Values.Values["name"], []string{"abc\u200f", ""}) {
		t.Errorf("%q, %v", form.Values.Values["name"], err)
	}
}
