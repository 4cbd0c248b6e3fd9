package events

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A guest's browser is known by the order that it looked at, whether the address still holds the
// order's identifier, as older rows do, or only a mark of it.
func TestErasingAGuestFindsTheOrdersPages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	const mine, before, other = "q7RkV2mX9bTzLw4cYp1sNd", "OLDq7RkV2mX9bTzLw4cYp1", "ZZZZV2mX9bTzLw4cYp1sZZ"
	now := time.Now().Add(-time.Minute)
	e.enqueue(msg.Message{Key: "p9", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 9, Code: "PR9", Aliases: []string{"PR9b"}, Version: 1}},
		msg.Message{Key: "o1", Subject: msg.OrderPlacedSubject,
			Payload: msg.OrderPlaced{Identifier: mine, ProspectCode: "PR9", PlacedAt: now}},
		msg.Message{Key: "o2", Subject: msg.OrderPlacedSubject,
			Payload: msg.OrderPlaced{Identifier: before, ProspectCode: "PR9b", PlacedAt: now}},
		msg.Message{Key: "o3", Subject: msg.OrderPlacedSubject,
			Payload: msg.OrderPlaced{Identifier: other, ProspectCode: "PR8", PlacedAt: now}})
	e.Becomes(3, `SELECT count(*) FROM order_placed WHERE pr_cd IS NOT NULL`)

	for i, event := range []string{
		`"kind":"pageview","anonymous_id":"guest","url":"/account/order?identifier=-","order":"` + msg.OrderMark(mine) + `"`,
		`"kind":"pageview","anonymous_id":"guest","url":"/products?x=1"`,
		`"kind":"buttonclick","anonymous_id":"guest","url":"/","what":"chat-icon"`,
		`"kind":"pageview","url":"/account/order?identifier=-","order":"` + msg.OrderMark(mine) + `"`,
		`"kind":"pageview","anonymous_id":"stranger","url":"/account/order?identifier=` + other + `","order":"` + msg.OrderMark(other) +
			`"`,
	} {
		e.report(fmt.Sprint("e", i), fmt.Sprintf(`{"id":"e%d","remote_addr":"192.0.2.7","user_agent":"B",%s}`, i, event))
	}
	e.Becomes(5, `SELECT (SELECT count(*) FROM page_view) + (SELECT count(*) FROM click)`)
	if n := e.Number(`SELECT count(*) FROM page_view WHERE url LIKE '%` + other + `%'`); n != 0 {
		t.Error("an address that came with its identifier is recorded with it")
	}

	// A visit that was recorded before identifiers were cut from addresses.
	e.Exec(`
		INSERT INTO page_view (event_id, anonymous_id, url, remote_addr, user_agent, at)
		VALUES ('h1', 'earlier', $1, '192.0.2.7', 'B', now()), ('h2', 'earlier', '/cart', '192.0.2.7', 'B', now())`,
		"/account/order?identifier="+before)

	// The export has what the guest's browsers did, and nothing of the stranger's.
	raw, err := ExportVisits(t.Context(), e.pool, erasure.Person{ProspectIDs: []int64{9}, Codes: []string{"PR9", "PR9b"}})
	var got struct {
		Views  []any `json:"page_views"`
		Orders []any `json:"orders_placed"`
	}
	if err != nil || json.Unmarshal(raw, &got) != nil || len(got.Views) != 3 || len(got.Orders) != 2 ||
		strings.Contains(string(raw), "stranger") {
		t.Errorf("the export holds %d page views and %d orders: %s, %v", len(got.Views), len(got.Orders), raw, err)
	}

	// After the erasure only the stranger is traceable.
	e.enqueue(msg.Message{Key: "erased", Subject: msg.UserErased,
		Payload: msg.Erased{ProspectID: 9, Codes: []string{"PR9", "PR9b"}, At: time.Now()}})
	e.Becomes(0, `SELECT count(*) FROM prospect`)
	e.Becomes(1, `SELECT count(*) FROM order_placed WHERE pr_cd IS NOT NULL`)
	if n := e.Number(`SELECT count(*) FROM page_view WHERE anonymous_id IS NOT NULL OR remote_addr IS NOT NULL OR user_agent IS NOT NULL ` +
		`OR order_mark IS NOT NULL OR url ~ '[?]'`); n != 1 {
		t.Errorf("%d page views are traceable, want the stranger's", n)
	}
	if n := e.Number(`SELECT count(*) FROM click WHERE anonymous_id IS NOT NULL`); n != 0 {
		t.Error("the guest's click keeps its mark")
	}

	// The message of an order may come after the erasure.
	e.enqueue(msg.Message{Key: "o4", Subject: msg.OrderPlacedSubject,
		Payload: msg.OrderPlaced{Identifier: "LATEq7RkV2mX9bTzLw4cYp", ProspectCode: "PR9", PlacedAt: now}})
	e.Becomes(4, `SELECT count(*) FROM order_placed`)
	e.Becomes(1, `SELECT count(*) FROM order_placed WHERE pr_cd IS NOT NULL`)
}
