package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// No one changes the log of acts: neither the service nor the owner of the table.
func TestLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	add := func(key string, before any) {
		e.tx(func(tx pgx.Tx) error {
			return insertAudit(t.Context(), tx, msg.StaffActed{Person: 1, Name: "Ada", Service: "order", Action: "orders.edit",
				Kind: "order",
				Key:  key, Text: "Address corrected", Before: before, After: map[string]string{"city": "Bath"}, At: time.Now()})
		})
	}
	add("aB3", map[string]string{"email": "Gone@shop.example"})
	add("cD4", map[string]string{"email": "joann@shop.example"})
	add("eF5", nil)

	for i, sql := range []string{`UPDATE audit SET text = 'nothing'`, `DELETE FROM audit`, `TRUNCATE audit CASCADE`,
		`UPDATE audit_values SET before = NULL`} {
		if _, err := e.pool.Exec(t.Context(), sql); err == nil {
			t.Errorf("the service can: %s", sql)
		}
		if _, err := e.Conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "not changed") && i != 2 {
			t.Errorf("the owner of the table can: %s (%v)", sql, err)
		}
	}

	// A customer's erasure deletes their values, and leaves the act.
	p := erasure.Person{Emails: []string{"gone@shop.example", "ann@shop.example"}}
	out, err := ExportValues(t.Context(), e.pool, p)
	if err != nil || !strings.Contains(string(out), "Gone@shop.example") {
		t.Errorf("%s, %v", out, err)
	}
	e.tx(func(tx pgx.Tx) error { return eraseValues(context.Background(), tx, p) })
	got := fmt.Sprint(e.Number(`SELECT count(*) FROM audit`), e.Number(`SELECT count(*) FROM audit_values`),
		e.Number(`SELECT count(*) FROM audit_values WHERE before->>'email' = 'joann@shop.example'`))
	if got != "3 2 1" {
		t.Errorf("entries, values, another's: %s", got)
	}
}

// Changed values are told by name, unchanged ones are not told.
func TestLogSaysWhatChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ before, after, want string }{
		{``, ``, ``}, {``, `{"amount": 399, "order_id": "x"}`, `amount 3.99 · order id x`},
		{`{"note": "a"}`, ``, `note a → nothing`},
		{`{"customer": "a", "address": {"city": "Bath", "zip": "1", "line2": ""}}`,
			`{"customer": "a", "address": {"city": "York", "zip": "1", "line2": "b"}}`,
			`address city Bath → York · address line2 nothing → b`},
		{`{"roles": ["owner"], "off": null}`, `{"roles": [], "off": true}`, `off nothing → yes · roles owner → nothing`},
		{`[1]`, `7`, ` 1 → 7`}, {``, `{"lines": [{"line": 0, "quantity": 2}, {"line": 1, "quantity": 1}]}`,
			`lines 2 of line 1, 1 of line 2`}, {`{"restock": false}`, `{"restock": true}`, `restock no → yes`},
		{``, `{"prices": [{"sku": 7, "price": 3}]}`, `prices price 3 sku 7`},
	} {
		t.Run(c.want, func(t *testing.T) {
			row := auditRow{Kind: "order", Before: json.RawMessage(c.before), After: json.RawMessage(c.after)}
			if got := row.changed(); got != c.want {
				t.Errorf("%s to %s: %q, want %q", c.before, c.after, got, c.want)
			}
		})
	}
}

// An act that arrives after its customer was erased is stored without the customer's values.
func TestLateActOfAnErasedCustomer(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	at := time.Now()
	e.tx(func(tx pgx.Tx) error {
		return erasure.Forget(t.Context(), tx, erasure.Person{Emails: []string{"ann@shop.example"}}, at)
	})
	for key, when := range map[string]time.Time{"late": at.Add(-time.Second), "new": at.Add(time.Second)} {
		e.tx(func(tx pgx.Tx) error {
			return insertAudit(t.Context(), tx, msg.StaffActed{Name: "Ada", Service: "order", Kind: "order", Key: key, At: when,
				Before: map[string]string{"customer": "Ann@shop.example"}, Whose: []string{"Ann@shop.example", ""}})
		})
	}
	if got := e.Text(`SELECT string_agg(key || ' ' || (v IS NULL), ', ' ORDER BY key)
		FROM audit a LEFT JOIN audit_values v ON v.audit_id = a.id`); got != "late true, new false" {
		t.Errorf("without values: %s", got)
	}
}

// A key that is not valid text is not found.
func TestLogOfAnInvalidKey(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.in(e.person("ann", adminui.Owner))
	for _, key := range []string{"%00/%00", "%ff%fe/%ff%fe", "a%00b/a", "%C0%80/x", "x/%C0%80"} {
		b.Get("/audit/" + key).Has(404)
	}
}

// The log of one thing is a file as well, for people who may see the thing, and does not say from
// which address they acted.
func TestLogOfAThingAsAFile(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	owner := e.as(adminui.Owner)
	owner.Post("/people/invite", "name", "Ben", "username", "ben", "role", "fulfilment").OK()
	key := "/audit/person/" + e.Text(`SELECT id::text FROM person WHERE username = 'ben'`)
	file := owner.Get(key + ".csv")
	file.Has(200, "When,Who,What,On,Changed\n", "Invited Ben")
	if strings.Contains(file.Body, "127.0.0.1") {
		t.Error(file)
	}
	owner.Get(key).Has(200, "Invited Ben")
	e.as(adminui.Fulfilment).Get(key + ".csv").Has(403)
}
