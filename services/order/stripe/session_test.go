package stripe

import (
	"encoding/json"
	"fmt"
	"testing"
)

func FuzzReadSession(f *testing.F) {
	f.Add(`{"id":"cs_1","amount_total":2751,"payment_intent":"pi_1","currency":"usd"}`)
	f.Add(`{"id":"cs_1","amount_total":1e3,"payment_intent":{"id":"pi_1"}}`)
	f.Add(`{"amount_total":-1,"collected_information":{"shipping_details":null}}`)
	f.Add(`{"amount_total":"12"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := readSession([]byte(raw))
		if err != nil {
			return
		}
		var generic struct {
			AmountTotal *json.Number `json:"amount_total"`
		}
		if err := json.Unmarshal([]byte(raw), &generic); err != nil {
			return
		}
		if (s.AmountTotal == nil) != (generic.AmountTotal == nil) {
			t.Fatalf("%s: the amount is %v", raw, s.AmountTotal)
		}
		if s.AmountTotal != nil && fmt.Sprint(int64(*s.AmountTotal)) != generic.AmountTotal.String() &&
			generic.AmountTotal.String() != "-0" {
			t.Fatalf("%s read as %d", raw, *s.AmountTotal)
		}
		_, _, _ = s.ShippingAddress(), s.BillingAddress(), s.Email() // nothing panics
	})
}
