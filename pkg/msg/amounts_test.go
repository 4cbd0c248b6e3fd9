package msg

import (
	"encoding/json"
	"testing"
)

// Amounts stand among the other fields, where they stood before they were a struct: old and new
// processes read each other's messages, and a mail's payload is compared with what was sent before.
func TestAmountsAreFieldsOfTheirMessage(t *testing.T) {
	t.Parallel()
	amounts := OrderAmounts{ItemSubtotal: 1, ItemDiscount: 2, ShippingSubtotal: 3, ShippingDiscount: 4, SalesTax: 5,
		TaxIncluded: 6, Total: 7}
	const fields = `"item_subtotal":1,"item_discount":2,"shipping_subtotal":3,"shipping_discount":4,"sales_tax":5,"tax_included":6,"total":7`
	const address = `{"name":"","address_line1":"","city":"","state":"","zip":"","country":"","country_code":""}`
	for want, m := range map[string]any{
		`{"order_id":0,"identifier":"","placed_at":"0001-01-01T00:00:00Z","email":"","customer_name":"","currency":"usd",` + fields +
			`,"lines":null}`: OrderPlaced{Currency: "usd", OrderAmounts: amounts},
		`{"identifier":"","placed_at":"0001-01-01T00:00:00Z","customer_name":"","em_cd":"","lines":null,"shipping_method":"Post",` + fields +
			`,"shipping_address":` + address + `,"billing_address":` + address + `}`: OrderMail{ShippingMethod: "Post", OrderAmounts: amounts},
	} {
		if got, err := json.Marshal(m); err != nil || string(got) != want {
			t.Errorf("%T is %s, %v; want %s", m, got, err, want)
		}
	}
}
