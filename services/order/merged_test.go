package order

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// hear has the consumer handle a message about people.
func (e *env) hear(subject, key string, v any) {
	e.t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		e.t.Fatal(err)
	}
	err = pgx.BeginFunc(e.t.Context(), e.pool, func(tx pgx.Tx) error {
		return e.server.onUserEvents(context.WithoutCancel(e.t.Context()), tx,
			[]*bus.Delivery{{Subject: subject, Key: key, Data: raw}})
	})
	if err != nil {
		e.t.Fatal(err)
	}
}

// Orders, carts, quotes and uses of codes of an account that was merged into another belong to the
// other member, including orders that are paid later, rows that arrive later, and when the messages
// of two merges arrive in the wrong order, or twice.
func TestAMergedMembersOrdersMove(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	bob := e.member(2)
	bob.add("6", "1")
	e.mustHandle(event("evt_1", completed, bob.quoted(""), nil))
	bob.add("7", "2")
	paying := bob.quoted("")
	identifier := e.Text(`SELECT identifier FROM orders`)
	e.member(1).Get("/order/"+identifier).Want("order-not-in-account", "errors", "error")

	for range 2 {
		e.hear(msg.UserMerged, "user.merged:1", msg.Merged{MemberID: 1, Into: 3}) // arrives before the first
		e.hear(msg.UserMerged, "user.merged:2", msg.Merged{MemberID: 2, Into: 1})
	}

	e.mustHandle(event("evt_2", completed, paying, nil)) // was paid in the meantime
	cy := e.member(3)
	cy.Get("/order/"+identifier).Want("success", "order_detail")
	if n := e.Number(`SELECT count(*) FROM orders WHERE member_id = 3`); n != 2 {
		t.Errorf("%d orders of two moved, want 2", n)
	}

	bob.add("6", "1") // by a session that ends a moment later
	cy.add("7", "1")
	moved, err := repeatMerges(t.Context(), e.pool)
	if err != nil || moved == 0 {
		t.Fatalf("%d, %v", moved, err)
	}
	if moved, err = repeatMerges(t.Context(), e.pool); err != nil || moved != 0 {
		t.Errorf("once more: %d, %v", moved, err)
	}
	if n := e.Number(`SELECT count(*) FROM cart_line l JOIN cart c ON c.id = l.cart_id WHERE c.member_id = 3`); n != 2 {
		t.Errorf("%d lines in the cart, want 2", n)
	}
	if n := e.Number(`SELECT (SELECT count(*) FROM cart WHERE member_id <> 3)
		  + (SELECT count(*) FROM checkout WHERE member_id <> 3 OR owner <> 'member:3')`); n != 0 {
		t.Errorf("%d carts and quotes are left, want 0", n)
	}

	e.hear(msg.UserErased, "user.erased:3", msg.Erased{MemberID: 3})
	if n := e.Number(`SELECT count(*) FROM merged_member`); n != 0 {
		t.Errorf("%d merges of an erased member are left, want 0", n)
	}
}
