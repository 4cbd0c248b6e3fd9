package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const at = "2026-11-22T10:00:00.123456Z"

// Each kind of event is stored in its table, with the ids of the people and codes that are known.
func TestEveryKindFindsItsTable(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.enqueue(
		msg.Message{Key: "m7", Subject: msg.UserRegistered, Payload: msg.Member{ID: 7, Code: "MB7", Version: 1}},
		msg.Message{Key: "p9", Subject: msg.ProspectChanged,
			Payload: msg.Prospect{ID: 9, Code: "PR9", Aliases: []string{"PR9b", ""}, Version: 1}})
	e.Becomes(3, `SELECT (SELECT count(*) FROM member) + (SELECT count(*) FROM prospect_code)`)
	e.Exec(`INSERT INTO ad (type_id, status_id, ad_cd) VALUES (1, 3, 'AD1')`)

	for i, event := range []string{
		`{"id":"e1","kind":"pageview","at":"` + at +
			`","user_id":7,"anonymous_id":"anon","url":"https://shop/?a=1","page_width":390,"remote_addr":"192.0.2.1",` +
			`"user_agent":"Browser","order":"mark","referrer":"blog.example"}`,
		`{"id":"e2","kind":"pageview","at":"` + at + `","user_id":8,"url":"/"}`, // an unknown member
		`{"id":"e3","kind":"ajaxerror","at":"` + at + `","user_id":7,"url":"/cart","what":"cart-items"}`,
		`{"id":"e4","kind":"buttonclick","at":"` + at + `","url":"/","what":"chat-icon"}`,
		`{"id":"e5","kind":"linkevent","at":"` + at + `","url":"/","mb_cd":"MB7","em_cd":"gvREoqen93ffZsmBIc8zl","ad_cd":"AD1"}`,
		`{"id":"e6","kind":"linkevent","at":"` + at + `","url":"/","pr_cd":"PR9b","em_cd":"unknown","mb_cd":"unknown","ad_cd":"unknown"}`,
	} {
		e.report(fmt.Sprint("e", i+1), event)
	}

	e.Becomes(6, `SELECT (SELECT count(*) FROM page_view) + (SELECT count(*) FROM call_error) + (SELECT count(*) FROM click) + `+
		`(SELECT count(*) FROM arrival)`)

	for sql, want := range map[string]string{
		`SELECT row_to_json(p)::text FROM page_view p WHERE event_id = 'e1'`: `{"id":1,"event_id":"e1","user_id":7,` +
			`"anonymous_id":"anon","stand_in":null,"url":"https://shop/?a=1","referrer":"blog.example","page_width":390,` +
			`"remote_addr":"192.0.2.1","user_agent":"Browser","order_mark":"mark","bought":false,"at":"2026-11-22T10:00:00.123456+00:00"}`,
		`SELECT row_to_json(p)::text FROM page_view p WHERE event_id = 'e2'`: `{"id":2,"event_id":"e2","user_id":null,` +
			`"anonymous_id":null,"stand_in":null,"url":"/","referrer":null,"page_width":null,"remote_addr":null,` +
			`"user_agent":null,"order_mark":null,"bought":false,"at":"2026-11-22T10:00:00.123456+00:00"}`,
		`SELECT row_to_json(p)::text FROM call_error p`: `{"id":1,"event_id":"e3","user_id":7,"anonymous_id":null,` +
			`"url":"/cart","error_id":"cart-items","at":"2026-11-22T10:00:00.123456+00:00"}`,
		`SELECT row_to_json(p)::text FROM click p`: `{"id":1,"event_id":"e4","user_id":null,` +
			`"anonymous_id":null,"url":"/","button_id":"chat-icon","search":null,"at":"2026-11-22T10:00:00.123456+00:00"}`,
		`SELECT row_to_json(p)::text FROM arrival p WHERE event_id = 'e5'`: `{"id":1,"event_id":"e5","user_id":7,"prospect_id":null,` +
			`"anonymous_id":null,"stand_in":null,"email_id":1,"ad_id":1,"url":"/","at":"2026-11-22T10:00:00.123456+00:00"}`,
		`SELECT row_to_json(p)::text FROM arrival p WHERE event_id = 'e6'`: `{"id":2,"event_id":"e6","user_id":null,"prospect_id":9,` +
			`"anonymous_id":null,"stand_in":null,"email_id":null,"ad_id":null,"url":"/","at":"2026-11-22T10:00:00.123456+00:00"}`,
	} {
		var got string
		if err := e.pool.QueryRow(t.Context(), sql).Scan(&got); err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		// The ids depend on how the group was split.
		strip := func(s string) string { _, rest, _ := strings.Cut(s, ","); return rest }
		if diff := cmp.Diff(strip(want), strip(got)); diff != "" {
			t.Errorf("%s\n%s", sql, diff)
		}
	}
}

// Unusable events are parked; texts that are too long are cut.
func TestUnusableEventsAreParked(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i, bad := range []string{`hello`, `[]`, `{}`, `{"kind":"strange","url":"/"}`, `{"kind":"pageview"}`,
		`{"kind":"pageview","url":"\u0000"}`, `{"kind":"pageview","url":7}`} {
		e.report(fmt.Sprint("bad", i), bad)
		e.Becomes(i+1, `SELECT count(*) FROM parked`) // one by one, since edge sends none of these together
	}

	e.report("long", fmt.Sprintf(`{"id":"long","kind":"pageview","url":%q,"user_agent":%q,"anonymous_id":%q,"page_width":-5,"user_id":-1}`,
		"/"+strings.Repeat("ä", 5000), strings.Repeat("x", 5000), strings.Repeat("\u00e9", 500)))
	e.report("", `{"id":"","kind":"ajaxerror","url":"/a\u0000b","what":"`+strings.Repeat("y", 500)+`"}`)
	e.Becomes(7, `SELECT count(*) FROM parked`)
	e.Becomes(1, `SELECT count(*) FROM page_view WHERE length(url) = 2000 AND length(user_agent) = 1000 AND length(anonymous_id) = 100 `+
		`AND page_width IS NULL AND user_id IS NULL`)
	e.Becomes(1, `SELECT count(*) FROM call_error WHERE url = '/ab' AND length(error_id) = 100 AND event_id <> '' AND at > now() - `+
		`interval '1 minute'`)
}

var began = time.Now().UTC()

// pageview is page view i, always with the same id and time.
func pageview(i int) string {
	return fmt.Sprintf(`{"id":"e%d","kind":"pageview","at":"%s","url":"/p%d?x=1"}`, i, began.Format(time.RFC3339Nano), i%3)
}

// Reports are stored once each although they are repeated, the database is cut off, events stops,
// and the broker stops.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	report := func(from, to int) {
		for i := from; i < to; i++ {
			e.report(fmt.Sprint("e", i), pageview(i))
		}
	}
	report(0, 1000)
	report(0, 500) // again
	e.Becomes(1000, `SELECT count(*) FROM page_view`)

	e.cut.Set(true)
	report(1000, 1500)
	if a := e.Get("/internal/configuration"); a.Status != 503 || a.Body != `{"error":"unavailable"}` {
		t.Errorf("without the database: %d %s", a.Status, a.Body)
	}
	e.cut.Set(false)
	e.Becomes(1500, `SELECT count(*) FROM page_view`)

	e.stop()
	report(1500, 2000)
	e.start()
	e.Becomes(2000, `SELECT count(*) FROM page_view`)

	e.broker.Stop()
	report(2000, 2500)
	e.broker.Start()
	e.Becomes(2500, `SELECT count(*) FROM page_view`)
	if n := e.Number(`SELECT count(DISTINCT event_id) FROM page_view`); n != 2500 {
		t.Errorf("%d different ids", n)
	}
}

// Events that come again, within a group or later, are stored once; their keys are deleted after
// keyTTL.
func TestRepeatsAreStoredOnce(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "events", Migrations()...)

	var list []msg.ClientEvent
	for i := range 500 {
		e, err := readEvent("", []byte(pageview(i%100)))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}

	for range 2 {
		tx, err := pool.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := insertEvents(t.Context(), tx, list); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	db := testenv.DB{TB: t, Conn: pool}
	if n := db.Number(`SELECT count(*) FROM page_view`); n != 100 {
		t.Errorf("%d rows", n)
	}

	db.Exec(`
		INSERT INTO inbox (consumer, key, at) SELECT c, 'k' || d, now() - d * interval '1 day'
		FROM unnest('{events-event,events-order}'::text[]) AS c, unnest('{7,9}'::int[]) AS d`)
	if n, err := deleteEventKeys(t.Context(), pool); err != nil || n != 1 {
		t.Errorf("%d keys dropped, error %v", n, err)
	}
}

// Orders and mails become rows of the funnel, once each, and the summary counts them with visits.
func TestOrdersAndMailsAreCountedInTheSummary(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	// Orders, their states and mails, some of them twice or unreadable.
	now := time.Now().UTC()
	placed := msg.OrderPlaced{Identifier: "A1", PlacedAt: now, MemberID: 7, Email: "ada@x.example", Currency: "usd",
		OrderAmounts: msg.OrderAmounts{Total: 3250}, Lines: []msg.OrderLine{{Quantity: 3}, {Quantity: 1}}}
	visitor := placed
	visitor.Identifier, visitor.MemberID, visitor.Total = "A2", 0, 1
	e.enqueue(
		msg.Message{Key: "o1", Subject: msg.OrderPlacedSubject, Payload: placed},
		msg.Message{Key: "o1 again", Subject: msg.OrderPlacedSubject, Payload: placed},
		msg.Message{Key: "o2", Subject: msg.OrderPlacedSubject, Payload: visitor},
		msg.Message{Key: "s1", Subject: msg.OrderStatusChangedSubject,
			Payload: msg.OrderStatusChanged{Identifier: "A1", Status: "shipped", At: now}},
		msg.Message{Key: "sent1", Subject: msg.MailSentSubject,
			Payload: msg.MailDone{Key: "order:A1", EmailCode: "gvREoqen93ffZsmBIc8zl", MemberID: 7, At: now}},
		msg.Message{Key: "sent2", Subject: msg.MailSentSubject,
			Payload: msg.MailDone{Key: "order:A2", EmailCode: "staffmade", ProspectCode: "PR9", At: now}},
		msg.Message{Key: "sent3", Subject: msg.MailSentSubject, Payload: msg.MailDone{Key: "welcome:7", MemberID: 7, At: now}},
		msg.Message{Key: "garbage", Subject: msg.OrderPlacedSubject, Payload: 7})
	e.Becomes(2, `SELECT count(*) FROM order_placed`)
	e.Becomes(1, `SELECT count(*) FROM order_status`)

	// A campaign names its template once its name is known.
	for i, name := range []string{"Spring", "", "Spring sale"} { // one is from an older mailer
		campaign := msg.MailDone{Key: fmt.Sprint("c", i), EmailCode: "springletter", At: now.Add(time.Duration(i) * time.Second)}
		if name != "" {
			campaign.Campaign, campaign.CampaignName = 3, name
		}
		e.enqueue(msg.Message{Key: campaign.Key, Subject: msg.MailSentSubject, Payload: campaign})
		e.Becomes(1, `SELECT count(*) FROM email_sent WHERE key = $1`, campaign.Key)
	}

	e.Becomes(1, `SELECT count(*) FROM email_code WHERE em_cd = 'springletter' AND title = 'Spring sale' AND campaign_id = 3`)

	e.Exec(`DELETE FROM email_sent WHERE key LIKE 'c%'`)
	e.Becomes(2, `SELECT count(*) FROM email_sent`)
	e.Becomes(1, `SELECT count(*) FROM parked`)
	e.Becomes(1, `SELECT count(*) FROM email_sent JOIN email_code c ON c.id = email_id WHERE em_cd = 'staffmade' AND pr_cd = 'PR9' AND `+
		`prospect_id IS NULL`)

	// A prospect who becomes known later gets the mails of their codes.
	e.enqueue(msg.Message{Key: "p9", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 9, Code: "other", Aliases: []string{"PR9"}, Version: 1}})
	e.Becomes(1, `SELECT count(*) FROM email_sent WHERE prospect_id = 9 AND pr_cd IS NULL`)

	// The summary of today.
	for i := range 6 {
		e.report(fmt.Sprint("e", i), pageview(i))
	}
	e.report("x", `{"id":"x","kind":"ajaxerror","url":"/","what":"cart-items"}`)
	e.report("l", `{"id":"l","kind":"linkevent","url":"/","em_cd":"staffmade"}`)
	e.Becomes(8, `SELECT (SELECT count(*) FROM page_view) + (SELECT count(*) FROM call_error) + (SELECT count(*) FROM arrival)`)
	e.awaitCounts()

	var out bytes.Buffer
	var got, want map[string]any
	if err := printSummary(t.Context(), e.pool, 1, &out); err != nil || json.Unmarshal(out.Bytes(), &got) != nil {
		t.Fatalf("%s: %v", &out, err)
	}

	day := now.Format("2006-01-02")
	if err := json.Unmarshal([]byte(`{"days":1,"page_views":[{"day":"`+day+`","count":6}],"orders":[{"day":"`+day+
		`","count":2,"pieces":8,"total":"32.51"}],
		"top_urls":[{"name":"/p0","count":2},{"name":"/p1","count":2},{"name":"/p2","count":2}],"failed_calls":[{"name":"cart-items","count":1}],
		"visits_from_mails":[{"name":"staffmade","count":1}],"visits_from_ads":[]}`), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" && time.Now().UTC().Format("2006-01-02") == day {
		t.Error(diff)
	}

	// The number of days is bounded.
	for _, days := range []string{"0", "367", "x", "1e9", "%00"} {
		if _, err := readCommand([]string{"summary", "-days", days}); !errors.Is(err, boot.ErrUsage) {
			t.Errorf("days %s: %v", days, err)
		}
	}
}

// Only edge may read the configuration.
func TestConfigurationIsForEdgeAlone(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	if a := e.Get("/internal/configuration"); a.Status != 200 || a.Body != `{"log_client_events":true}` {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := e.stranger().Get("/internal/configuration"); a.Status != 401 {
		t.Errorf("without an identity: %d %s", a.Status, a.Body)
	}
	if a := e.Get("/clientevent/pageview"); a.Status != 404 {
		t.Errorf("another path: %d %s", a.Status, a.Body)
	}
}

// Members and prospects are known in their newest version; after an erasure neither their visits
// nor late messages lead to them.
func TestErasedPeopleLeaveNoTrace(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	member := func(version int64, code string) msg.Message {
		return msg.Message{Key: "m" + code, Subject: msg.UserRegistered, Payload: msg.Member{ID: 7, Code: code, Version: version}}
	}

	// Messages come in any order.
	e.enqueue(member(2, "new"))
	e.Becomes(1, `SELECT count(*) FROM member WHERE mb_cd = 'new'`)
	e.enqueue(member(1, "old"), msg.Message{Key: "p1", Subject: msg.ProspectChanged, Payload: msg.Prospect{ID: 9, Code: "PR9", Version: 2}})
	e.Becomes(1, `SELECT count(*) FROM prospect_code`)
	e.enqueue(msg.Message{Key: "p2", Subject: msg.ProspectChanged, Payload: msg.Prospect{ID: 9, Code: "PR9late", Version: 1}},
		msg.Message{Key: "o", Subject: msg.OrderPlacedSubject,
			Payload: msg.OrderPlaced{Identifier: "A1", MemberID: 7, PlacedAt: time.Now()}})
	e.Becomes(1, `SELECT count(*) FROM order_placed WHERE member_id = 7`)

	// Visits of the two people and of another person.
	for i, event := range []string{
		`"kind":"pageview","user_id":7,"anonymous_id":"anon7","url":"/account?mb_cd=new","remote_addr":"192.0.2.7","user_agent":"B"`,
		`"kind":"pageview","anonymous_id":"anon7","url":"/before?code=1","remote_addr":"192.0.2.7"`,
		`"kind":"pageview","anonymous_id":"somebody","url":"/other?code=1","remote_addr":"192.0.2.8"`,
		`"kind":"linkevent","pr_cd":"PR9","anonymous_id":"anon9","url":"/?pr_cd=PR9"`,
		`"kind":"buttonclick","anonymous_id":"anon9","url":"/?pr_cd=PR9","what":"chat-icon"`,
	} {
		e.report(fmt.Sprint("e", i), fmt.Sprintf(`{"id":"e%d",%s}`, i, event))
	}

	e.Becomes(5, `SELECT (SELECT count(*) FROM page_view) + (SELECT count(*) FROM arrival) + (SELECT count(*) FROM click)`)
	if n := e.Number(`SELECT count(*) FROM member WHERE mb_cd = 'new' AND version = 2`); n != 1 {
		t.Error("an older version has replaced a newer one")
	}

	// The erasure, and a message about the erased member after it.
	e.enqueue(msg.Message{Key: "erased", Subject: msg.UserErased, Payload: msg.Erased{MemberID: 7, ProspectID: 9}})
	e.Becomes(0, `SELECT (SELECT count(*) FROM member) + (SELECT count(*) FROM prospect)`)
	e.enqueue(member(9, "late"), msg.Message{Key: "m8", Subject: msg.UserRegistered, Payload: msg.Member{ID: 8, Version: 1}})
	e.Becomes(1, `SELECT count(*) FROM member`)

	if n := e.Number(`SELECT count(*) FROM (
		  SELECT anonymous_id, url, remote_addr FROM page_view
		  UNION ALL SELECT anonymous_id, url, '' FROM arrival
		  UNION ALL SELECT anonymous_id, url, '' FROM click) AS v
		WHERE anonymous_id IN ('anon7', 'anon9') OR url LIKE '%?%' OR remote_addr = '192.0.2.7'`); n != 1 {
		t.Errorf("%d visits are traceable, want only someone's", n)
	}
	if n := e.Number(`SELECT count(*) FROM order_placed WHERE member_id IS NULL AND NOT visitor`); n != 1 {
		t.Error("the order has lost its kind or kept its member")
	}
}

// Events that waited at the same moment travel in one message, and are all stored.
func TestEventsOfOneMessageAreAllStored(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for i := range 1500 {
		e.report(fmt.Sprint("e", i), fmt.Sprintf(`{"id":"e%d","kind":"pageview","url":"/a,b/[%d]"}`, i, i))
	}
	e.Becomes(1500, `SELECT count(DISTINCT url) FROM page_view`)
	e.Becomes(1500, `SELECT count(*) FROM page_view`)
}
