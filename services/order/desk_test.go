package order

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

var kim = Actor{Person: 7, Name: "Kim", From: "192.0.2.9"}

// sold makes an order of a visitor, of some pieces of SKU 6, and returns its identifier.
func (e *env) sold(email string, pieces string) string {
	e.t.Helper()
	p := e.visitor()
	p.add("6", pieces)
	c := p.quoted(email)
	e.mustHandle(event("evt_"+c.ID, completed, c, func(o map[string]any) {
		o["customer_details"].(map[string]any)["email"] = email
	}))
	return e.Text(`SELECT identifier FROM orders WHERE checkout_id = $1`, c.ID)
}

// mailParcels waits out the time for undoing, and has the customers of that many parcels mailed.
func (e *env) mailParcels(want int) {
	e.t.Helper()
	e.Exec(`UPDATE shipment SET mail_at = now() WHERE told_at IS NULL`)
	if n, err := e.server.mailDueShipments(e.t.Context()); err != nil || n != want {
		e.t.Fatalf("%d parcels mailed, want %d: %v", n, want, err)
	}
}

// mailed are the messages that have mails of a kind sent.
func (e *env) mailed(kind string) (list []msg.SendMail) {
	e.t.Helper()
	for _, raw := range strings.Split(e.Text(`
		SELECT coalesce(string_agg(convert_from(payload, 'UTF8'), E'\n' ORDER BY seq), '')
		FROM outbox WHERE subject = 'mail.send.' || $1`, kind), "\n") {
		if raw == "" {
			continue
		}
		var m msg.SendMail
		if err := json.Unmarshal([]byte(raw), &m); err != nil {
			e.t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

// acts are the entries in the log of acts, as "action kind subject by".
func (e *env) acts() string {
	e.t.Helper()
	return e.Text(`
		SELECT coalesce(string_agg(concat_ws(' ', a->>'action', a->>'kind', a->>'key', a->>'name', a->>'person'), E'\n' ORDER BY seq), '')
		FROM (SELECT seq, convert_from(payload, 'UTF8')::jsonb AS a FROM outbox WHERE subject = 'staff.acted.order') x`)
}

func (e *env) statuses(identifier string) string {
	e.t.Helper()
	return e.Text(`SELECT string_agg(s.status, ' ' ORDER BY s.status)
		FROM order_status s JOIN orders o ON o.id = s.order_id WHERE identifier = $1`, identifier)
}

func (e *env) version(identifier string) int {
	e.t.Helper()
	return e.Number(`SELECT version FROM orders WHERE identifier = $1`, identifier)
}

// refusedFor asserts that an act was refused because of a field.
func refusedFor(t *testing.T, field string, err error) {
	t.Helper()
	if r, ok := errors.AsType[*Refusal](err); !ok || r.Field != field || r.Text == "" {
		t.Errorf("want a refusal because of %q: %v", field, err)
	}
}

// An act on a version that another person has changed is refused as a conflict.
func TestTwoPeopleActOnOneOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	desk := e.server.desk
	on := Order{Identifier: e.sold("ann@mail.example.com", "2"), Version: 1}
	if _, err := desk.Ship(t.Context(), kim, Parcel{Order: on, Lines: []Pieces{{0, 1}}}); err != nil {
		t.Fatal(err)
	}

	for name, act := range map[string]func() error{
		"ship":   func() error { _, err := desk.Ship(t.Context(), kim, Parcel{Order: on}); return err },
		"refund": func() error { _, err := desk.Refund(t.Context(), kim, Refund{Order: on, All: true}); return err },
		"cancel": func() error { _, err := desk.Cancel(t.Context(), kim, on, "", ""); return err },
		"move":   func() error { return desk.Move(t.Context(), kim, on, "packing", "") },
	} {
		t.Run(name, func(t *testing.T) {
			if err := act(); !errors.Is(err, adminui.ErrStale) {
				t.Errorf("by a person who has not seen the parcel: %v", err)
			}
		})
	}
	if err := desk.Move(t.Context(), kim, Order{Identifier: "none"}, "packing", ""); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("an unknown order: %v", err)
	}

	on.Version = 2
	if err := desk.Move(t.Context(), kim, on, "packing", ""); err != nil {
		t.Error(err)
	}
	if err := desk.Move(t.Context(), kim, Order{Identifier: on.Identifier, Version: 3}, "packing", ""); err != nil ||
		e.version(on.Identifier) != 3 {
		t.Errorf("moving to the current status makes version %d: %v", e.version(on.Identifier), err)
	}
	if got, want := e.acts(), "orders.fulfil order "+on.Identifier+" Kim 7\norders.fulfil order "+on.Identifier+" Kim 7"; got != want {
		t.Errorf("the log of acts says\n%s\nwant\n%s", got, want)
	}
}
