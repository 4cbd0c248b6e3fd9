package order

import (
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// A form without a version of its row, or with one that never was, is refused for that reason: it
// is not a conflict with another person's change.
func TestStaffFormsNameAVersion(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	order := "/staff/orders/" + e.sold("ann@mail.example.com", "1")
	const product = "/staff/catalog/products/bSusp6dBHm"
	e.Exec(`INSERT INTO collection (id, address, title) VALUES (101, 'some-clips', 'Some clips')`)
	var paths []string
	for _, act := range []string{"ship", "undo", "refund", "cancel", "address", "status"} {
		paths = append(paths, order+"/"+act)
	}
	for _, part := range []string{"", "/media", "/skus", "/skus/add", "/prices", "/stock"} {
		paths = append(paths, product+part)
	}
	paths = append(paths, "/staff/catalog/states/in-stock", "/staff/catalog/collections/some-clips", "/staff/discounts/1",
		"/staff/discounts/1/end", "/staff/discounts/1/delete", "/staff/settings/shop", "/staff/settings/checkout", "/staff/settings/taxes",
		"/staff/settings/shipping/1", "/staff/settings/statuses/packing")
	changes := func() string {
		return e.Text(`SELECT count(*)::text || max(version) || (SELECT string_agg(p::text, '') FROM product p) FROM orders`)
	}
	before := changes()
	e.browser(adminui.Owner).Versions(paths...)
	if changes() != before || e.acts() != "" {
		t.Errorf("a refused act has changed something: %s", e.acts())
	}
}
