package adminui_test

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// A payload is shown as it is, except for values that open something: codes of reset mails, tokens,
// Stripe's secrets and links.
func TestReadableHidesWhatOpensSomething(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ payload, want string }{
		{`{"kind":"reset","to":["a@b.example"],"data":{"code":"S1","undo_code":"S2","first_name":"Ann"}}`, `"first_name": "Ann"`},
		{`{"email":"a@b.example","unsubscribe_token":"S1","aliases":["c1"],"refused":null}`, `"c1"`},
		{`{"UNSUBSCRIBE_TOKEN":"S1","unsubscribe_token":"S2","version":12345678901234567890}`, `12345678901234567890`},
		{`{"emails":["a@b.example"],"codes":["S1","S2"]}`, `"a@b.example"`},
		{`{"codes":[{"code":"SALE10"}],"lines":[],"more":{}}`, `"SALE10"`},
		{`{"data":{"object":{"client_secret":"cs_S1","url":"https://checkout.stripe.com/c/pay/S2#x","last_error":{"code":"declined"}}}}`,
			`"declined"`},
		{`[{"note":"see https://shop.example/reset?code=S1&a=<b>"}]`, `a=<b>`},
		{`{"unsubscribe_token":{"x":"S1"}}`, `"x"`},
		{`{"data":{"code":"S1"}`, "21 bytes that are not JSON."},
		{`S1 {"a":1}`, "not JSON"},
		{``, ""},
	} {
		got := adminui.Readable([]byte(c.payload))
		if !strings.Contains(got, c.want) || strings.Contains(got, "S1") || strings.Contains(got, "S2") {
			t.Errorf("%s is shown as %s, want %s in it", c.payload, got, c.want)
		}
	}
}
