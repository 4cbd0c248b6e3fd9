package user

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// receiveMoney hands messages about orders to onMoney as one group.
func (e *env) receiveMoney(orders ...msg.OrderMoney) {
	e.t.Helper()
	var group []*bus.Delivery
	for _, o := range orders {
		group = append(group, delivery(e.t, msg.OrderMoneySubject, fmt.Sprintf("order.money:%s:%d", o.Identifier, o.Version), o))
	}
	e.inTx(func(ctx context.Context, tx pgx.Tx) error { return onMoney(ctx, tx, group) })
}

// The figures of a customer contain all orders, existing ones too, and are net of what was given
// back, however often and in whatever order messages come, and whichever customer has the orders by
// then.
func TestFiguresAreWholeAndNet(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.verified("ann_lee", "ann@mail.example.com")
	first := e.guest("bob@mail.example.com") // an order of 1.00
	staff := e.staffClient(adminui.Owner)
	e.DB.Exec(`UPDATE account SET orders = 9, spent = 99999 WHERE id = $1`, ann) // counted before orders were stored

	figures := func(what string, want string) {
		t.Helper()
		got := e.DB.Text(`SELECT (SELECT orders || ' ' || spent FROM account WHERE id = $1) || ', ' ||
			(SELECT string_agg(orders || ' ' || spent, ' ' ORDER BY id) FROM prospect)`, ann)
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}

	at := time.Now().UTC().Add(-48 * time.Hour).Truncate(time.Second)
	old := msg.OrderMoney{Identifier: "old1", MemberID: ann, Email: "ann@mail.example.com", Total: 1000, PlacedAt: at}
	mailed := msg.OrderMoney{Identifier: "old2", Email: "ANN@mail.example.com", Total: 500, Returned: 200, Version: 1, PlacedAt: at}
	bobs := msg.OrderMoney{Identifier: "old3", Email: "bob@mail.example.com", Total: 300, PlacedAt: at}
	e.receiveMoney(old, mailed, bobs, msg.OrderMoney{Identifier: "old4", Email: "who@mail.example.com", Total: 7, PlacedAt: at},
		msg.OrderMoney{Identifier: "old5", MemberID: 999, Total: 7, PlacedAt: at})
	figures("history", "2 1300, 2 400")
	e.receiveMoney(bobs, old, mailed)
	figures("history again", "2 1300, 2 400")

	// A new order, and what is given back of an old one.
	e.bought("new1", msg.OrderPlaced{MemberID: ann, OrderAmounts: msg.OrderAmounts{Total: 2000}, PlacedAt: at.Add(time.Hour)})
	figures("a new order", "3 3300, 2 400")
	back := old
	back.Returned, back.Version = 1000, 2
	e.receiveMoney(back, old, back)
	figures("all of one given back", "3 2300, 2 400")
	back.Returned, back.Version = 400, 1
	e.receiveMoney(back)
	figures("told late", "3 2300, 2 400")
	back.Version = 3
	e.receiveMoney(back)
	figures("a part came back", "3 2900, 2 400")
	e.receiveMoney(msg.OrderMoney{Identifier: "new1", MemberID: ann, Total: 2000, PlacedAt: at.Add(time.Hour)})
	figures("a new order told with the history", "3 2900, 2 400")

	// Orders move with a record that is merged, and with a visitor who registers.
	second := e.guest("work@mail.example.com")
	e.mergeRecord(staff, "/staff/customers/prospect-"+web.ID(second.ID), "bob@mail.example.com")
	kept := e.DB.Number(`SELECT id FROM prospect WHERE orders = 3`)
	e.receiveMoney(msg.OrderMoney{Identifier: "old3", Email: "bob@mail.example.com", Total: 300, Returned: 300, Version: 1, PlacedAt: at})
	if n := e.DB.Number(`SELECT spent FROM prospect WHERE id = $1`, kept); n != 200 {
		t.Errorf("after a refund the merged record has %d cents, want 200", n)
	}

	bob := e.verified("bob_ray", e.DB.Text(`SELECT email FROM prospect WHERE id = $1`, kept))
	e.receiveMoney(msg.OrderMoney{Identifier: "old3", Email: "bob@mail.example.com", Total: 300, Returned: 0, Version: 2, PlacedAt: at})
	if n := e.DB.Number(`SELECT spent FROM account WHERE id = $1`, bob); n != 500 {
		t.Errorf("Bob bought for %d cents, want 500", n)
	}
	if n := e.DB.Number(`SELECT count(*) FROM bought WHERE member_id = $1`, bob); n != 3 || first.ID == 0 {
		t.Errorf("%d orders are Bob's", n)
	}

	// An erasure takes the orders of the person.
	e.mustPost(staff, memberPath(bob, "erase"), "confirm", e.DB.Text(`SELECT email FROM account WHERE id = $1`, bob))
	if n := e.DB.Number(`SELECT count(*) FROM bought WHERE member_id = $1 OR prospect_id IS NOT NULL`, bob); n != 0 {
		t.Errorf("%d orders are left of who was erased", n)
	}
}
