package order

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/services/order/stripe"
)

// An order shows what was sold, whatever becomes of the catalog; only state and picture are
// current.
func TestAnOrderShowsWhatWasSold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sql     string
		onSale  bool
		address string // of the product's page
	}{
		"renamed":        {`UPDATE product SET title = 'Clamps', title_url = 'Clamps'`, true, "Clamps"},
		"recolored":      {`UPDATE sku SET color = 'Pink', size = NULL, description = 'Holds nothing'`, true, "BinderClips"},
		"another price":  {`INSERT INTO sku_price (sku_id, price_cents) VALUES (6, 1)`, true, "BinderClips"},
		"off sale":       {`UPDATE sku SET product_id = NULL`, false, "BinderClips"},
		"another's":      {`UPDATE sku SET product_id = 1`, true, "PaperClips"},
		"deleted":        {`DELETE FROM sku`, false, "BinderClips"},
		"wholly deleted": {`ALTER TABLE sku DISABLE TRIGGER retire_sku; DELETE FROM sku; DELETE FROM product`, false, "BinderClips"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			p := e.visitor()
			p.add("6", "2")
			c := p.quoted("")
			e.Exec(test.sql) // between the payment page and the payment
			e.mustHandle(event("evt_1", completed, c, nil))
			e.Exec(test.sql) // and once more afterwards

			item := func(name string) []string {
				return []string{"order_data", "order_items", "product_sku_data", "0", name}
			}
			o := p.Get("/order/" + e.Text(`SELECT identifier FROM orders`))
			for field, value := range map[string]any{
				"parent_product__title": "Binder Clips", "color": "Black", "size": "Small", "description": "Holds up to 30 sheets",
				"price": "3.99", "quantity": 2, "sku_id": 6,
				"parent_product__title_url": test.address,
			} {
				o.Want(value, item(field)...)
			}

			if onSale := o.At(item("sku_inventory__title")...) != ""; onSale != test.onSale {
				t.Errorf("on sale: %t", onSale)
			}
			if l := e.mailOf(c).Order.Lines[0]; l.Product != "Binder Clips" || l.Color != "Black" || l.Text != "Holds up to 30 sheets" {
				t.Errorf("the mail shows %v", l)
			}
		})
	}
}

// Lines of older orders, which lack titles, get those of their quote.
func TestOldOrderLinesAreFilledIn(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "2")
	e.mustHandle(event("evt_1", completed, p.quoted(""), nil))
	e.Exec(`UPDATE order_line SET product_title = NULL, product_title_url = NULL, product_identifier = NULL, color = NULL, size = NULL, ` +
		`description = NULL`)

	path := "/order/" + e.Text(`SELECT identifier FROM orders`)
	title := []string{"order_data", "order_items", "product_sku_data", "0", "parent_product__title"}
	p.Get(path).Want("Binder Clips", title...) // as a process of the former version leaves it: the current title
	e.Exec(`UPDATE product SET title = 'Clamps'; UPDATE sku SET quoted_at = NULL`)
	raw, err := migrations.ReadFile("migrations/00010_sold.sql")
	if err != nil {
		t.Fatal(err)
	}

	for _, start := range []string{"UPDATE order_line", "UPDATE sku SET quoted_at"} {
		_, rest, found := strings.Cut(string(raw), start)
		if !found {
			t.Fatalf("no %s", start)
		}
		statement, _, _ := strings.Cut(rest, ";\n")
		e.Exec(start + statement)
	}
	p.Get(path).Want("Binder Clips", title...)
	if n := e.Number(`SELECT count(*) FROM sku WHERE quoted_at IS NOT NULL`); n != 1 {
		t.Errorf("%d SKUs are known to be quoted, want 1", n)
	}
}

// The second line of an address is in the order, in the mail and in a person's export; an address
// without one has only the contract's fields.
func TestTheSecondLineOfAnAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	p := e.visitor()
	p.add("6", "1")
	c := p.quoted("")
	e.mustHandle(event("evt_1", completed, c, func(o map[string]any) {
		for i, part := range []string{"shipping_details", "customer_details"} {
			o[part].(map[string]any)["address"] = map[string]any{"line1": "12 Elm Street", "line2": "Apt " + []string{"5B", "6C"}[i],
				"city": "Springfield", "country": "US"}
		}
	}))

	o := p.Get("/order/" + e.Text(`SELECT identifier FROM orders`))
	o.Want("Apt 5B", "order_data", "order_shipping_address", "address_line2")
	o.Want("Apt 6C", "order_data", "order_billing_address", "address_line2")
	mail := e.mailOf(c).Order
	if mail.ShippingAddress.Line2 != "Apt 5B" || mail.BillingAddress.Line2 != "Apt 6C" {
		t.Errorf("the mail's command has %v, %v", mail.ShippingAddress, mail.BillingAddress)
	}
	export, err := ExportOrders(t.Context(), e.pool, erasure.Person{Emails: []string{"pat@mail.example.com"}})
	if err != nil || !strings.Contains(string(export), "Apt 5B") || !strings.Contains(string(export), "Apt 6C") {
		t.Errorf("the export lacks it: %s %v", export, err)
	}

	p.add("6", "1")
	e.mustHandle(event("evt_2", completed, p.quoted(""), nil))
	o = p.Get("/order/" + e.Text(`SELECT identifier FROM orders ORDER BY id DESC LIMIT 1`))
	raw, err := json.Marshal(o.At("order_data", "order_shipping_address"))
	if err != nil || strings.Contains(string(raw), "line2") {
		t.Errorf("%s %v", raw, err)
	}
}

// The newer field for the shipping address has it, too.
func TestTheSecondLineInCollectedInformation(t *testing.T) {
	t.Parallel()
	p, err := stripe.ReadSession([]byte(`{"id":"cs_1","collected_information":{"shipping_details":{"name":"Pat","address":{"line1":"1",` +
		`"line2":"Unit 7"}}}}`))
	if err != nil || p.ShippingAddress().Line2 != "Unit 7" {
		t.Errorf("%v %v", p.ShippingAddress(), err)
	}
}
