package order

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// pathsOf are the values for the paths of the pages of a shop with something of each kind.
func (e *env) pathsOf() map[string]string {
	e.t.Helper()
	id := e.rich()
	e.Exec(`INSERT INTO payment_issue (reason, explanation, session_id, payment_intent, amount, currency, payload)
		VALUES ('paid-twice', 'Twice.', 'cs_twice', 'pi_twice', 100, 'usd', '{}')`)
	e.Exec(`INSERT INTO collection (address, title) VALUES ('odd', '=1+1')`)
	imported := bring(e.browser(adminui.Owner), "address,title\nOakDesk,Oak\n")
	return map[string]string{
		"/orders/{identifier}": "/orders/" + id, "/orders/slips": "/orders/slips?id=" + id, "/orders/pick": "/orders/pick?id=" + id,
		"parcel": e.Text(`SELECT id FROM shipment`), "/payments/{id}": "/payments/" + e.Text(`SELECT min(id)::text FROM payment_issue`),
		"/catalog/products/{identifier}": "/catalog/products/ITHJW3mytn", "state": e.Text(`SELECT min(identifier) FROM sku_inventory`),
		"import": imported[strings.LastIndex(imported, "/")+1:], "kind": "products", "address": "odd",
		"/discounts/{id}": "/discounts/1", "/settings/shipping/{id}": "/settings/shipping/2",
		"/settings/statuses/{identifier}": "/settings/statuses/packing"}
}

// Each page of the back office is JSON of its struct's shape, which pages.txt records, and HTML,
// and a file.
func TestSchemaOfPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	paths, owner := e.pathsOf(), e.staff(adminui.Owner)
	owner.Post("/staff/orders/views", "name", "To pack", "query", "status=packing").OK()
	owner.Faces("pages.txt", e.server.staff(), paths)
}

// A program that posts an empty form gets the errors as JSON.
func TestRefusedFormsSayWhyAsJSON(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.staff(adminui.Owner).Refused(e.server.staff(), 25, e.pathsOf())
}
