package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// hears waits until the broker knows all subscriptions that a bus has begun.
func hears(t *testing.T, b *bus.Bus) {
	t.Helper()
	heard := make(chan struct{}, 1)
	if err := b.Listen("probe", func(string, []byte) {
		select {
		case heard <- struct{}{}:
		default:
		}
	}); err != nil {
		t.Fatal(err)
	}
	testenv.Eventually(t, 20*time.Second, "the listener hears", func() bool { return b.Signal("probe", nil) == nil && len(heard) > 0 })
}

// Reports of browsers are published without what must not be recorded, and always get the same
// answer.
func TestClientEvents(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	contract := testenv.NewContract(t, "openapi.yaml")

	got := make(chan msg.ClientEvent, 100)
	listener := e.broker.Bus("listener")
	err := listener.Listen("event.>", func(subject string, data []byte) {
		var ev msg.ClientEvent
		if err := json.Unmarshal(data, &ev); err != nil || subject != "event."+ev.Kind {
			t.Errorf("%s: %s %v", subject, data, err)
		}
		got <- ev
	})
	if err != nil {
		t.Fatal(err)
	}

	hears(t, listener)
	b := e.browser()
	b.Header.Set("User-Agent", "Tester/1")
	b.Header.Set("X-Forwarded-For", "198.51.100.9")
	b.Get("/user/logged-in")

	id := b.cookie(anonymousCookie)
	value := unsign(e.server.keys.anonymous, id)
	long := strings.Repeat("é", 1200)
	for _, c := range []struct {
		path, query string
		want        *msg.ClientEvent
	}{
		{"pageview", "url=https://shop/&client_event_id=null&anonymous_id=" + id + "&pageWidth=1024",
			&msg.ClientEvent{Kind: "pageview", URL: "https://shop/", AnonymousID: value, PageWidth: 1024, RemoteAddr: "198.51.100.9",
				UserAgent: "Tester/1"}},
		{"pageview", "url=/&client_event_id=7&anonymous_id=undefined&pageWidth=wide",
			&msg.ClientEvent{Kind: "pageview", URL: "/", RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"pageview", "url=" + url.QueryEscape(long) + "&client_event_id=-7&pageWidth=99999999999999999999&anonymous_id=" + value,
			&msg.ClientEvent{Kind: "pageview", URL: long[:2000], RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"pageview", "url=/&referrer=WWW.Blog.example:8080", &msg.ClientEvent{Kind: "pageview", URL: "/", Referrer: "blog.example:8080",
			RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"pageview", "url=/&referrer=https://blog.example/ann%40mail.example", &msg.ClientEvent{Kind: "pageview", URL: "/",
			RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"pageview", "client_event_id=7", nil},
		{"pageview", "", nil},
		{"ajaxerror", "url=/a&client_event_id=7&error_id=cart-items", &msg.ClientEvent{Kind: "ajaxerror", URL: "/a", What: "cart-items"}},
		{"pageview", "url=" + url.QueryEscape("/account/order?identifier=-") + "&order=q7RkV2mX9bTzLw4cYp1sNd",
			&msg.ClientEvent{Kind: "pageview", URL: "/account/order?identifier=-", Order: msg.OrderMark("q7RkV2mX9bTzLw4cYp1sNd"),
				RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"pageview", "url=" + url.QueryEscape("/account/order?identifier=q7RkV2mX9bTzLw4cYp1sNd&em_cd=E&x=1") + "&client_event_id=null",
			&msg.ClientEvent{Kind: "pageview", URL: "/account/order?identifier=-&em_cd=-&x=1",
				Order: msg.OrderMark("q7RkV2mX9bTzLw4cYp1sNd"), RemoteAddr: "198.51.100.9", UserAgent: "Tester/1"}},
		{"linkevent", "url=" + url.QueryEscape("/login?next=/account/order%3Fidentifier%3Dabcdef#"+long),
			&msg.ClientEvent{Kind: "linkevent", URL: "/login?next=-"}},
		{"ajaxerror", "url=/a", &msg.ClientEvent{Kind: "ajaxerror", URL: "/a"}},
		{"ajaxerror", "url=%ff%00x&error_id=" + strings.Repeat("y", 300),
			&msg.ClientEvent{Kind: "ajaxerror", URL: "\uFFFDx", What: strings.Repeat("y", 100)}},
		{"buttonclick", "url=/b&button_id=chat-icon&client_event_id=7e3",
			&msg.ClientEvent{Kind: "buttonclick", URL: "/b", What: "chat-icon"}},
		{"buttonclick", "url=/b;x&button_id=%zz", nil},
		{"linkevent", "url=/l&mb_cd=null&pr_cd=undefined&em_cd=abcdefghijklmnopqrstu&ad_cd=a%20b",
			&msg.ClientEvent{Kind: "linkevent", URL: "/l", EmailCode: "abcdefghijklmnopqrstu"}},
		{"linkevent", "url=/l&mb_cd=M1&pr_cd=P1&ad_cd=A1&client_event_id=7&anonymous_id=" + id,
			&msg.ClientEvent{Kind: "linkevent", URL: "/l", MemberCode: "M1", ProspectCode: "P1", AdCode: "A1", AnonymousID: value}},
	} {
		a := b.Get("/clientevent/" + c.path + "?" + c.query)
		contract.CheckAnswer(a)
		if a.Status != http.StatusOK || a.Body != `"thank you"` {
			t.Errorf("%s?%s: %d %s", c.path, c.query, a.Status, a.Body)
		}
		if c.want == nil {
			continue
		}
		select {
		case ev := <-got:
			if len(ev.ID) < 20 || time.Since(ev.At) > time.Minute {
				t.Errorf("%s?%s: stamped %q %s", c.path, c.query, ev.ID, ev.At)
			}
			if diff := cmp.Diff(*c.want, ev, cmpopts.IgnoreFields(msg.ClientEvent{}, "ID", "At")); diff != "" {
				t.Errorf("%s?%s:\n%s", c.path, c.query, diff)
			}
		case <-time.After(30 * time.Second):
			t.Errorf("%s?%s: nothing published", c.path, c.query)
		}
	}

	if len(got) > 0 {
		t.Errorf("%d events too many, first %+v", len(got), <-got)
	}
}

func TestClientEventsWaitForTheBroker(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.broker.Stop()
	b := e.browser()
	began := time.Now()
	for range 20 {
		b.Get("/clientevent/pageview?url=/").Has(http.StatusOK, "thank you")
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("20 page views took %s without a broker", took)
	}

	e.broker.Start()

	// This reads as events does: a plain subscription may begin too late.
	var stored atomic.Int64
	pool, reader := testenv.Pool(t, "events", bus.Tables()), e.broker.Bus("events")
	testenv.Run(t, func(ctx context.Context) error {
		return reader.Consume(ctx, bus.Consumer{Name: msg.EventsEvent, Stream: "EVENT", Pool: pool,
			Handle: func(_ context.Context, _ pgx.Tx, group []*bus.Delivery) error {
				for _, d := range group {
					stored.Add(int64(bytes.Count(d.Data, []byte(`"kind":"pageview"`)))) // some messages travel together
				}
				return nil
			}})
	})

	testenv.Eventually(t, 30*time.Second, "20 page views published", func() bool { return stored.Load() >= 20 })
}

// A page view is a member's only with the member's session or with an id that was signed for the
// member.
func TestPageViewsAreProvedBySessions(t *testing.T) {
	t.Parallel()
	e := newEnv(t)

	got := make(chan msg.ClientEvent, 100)
	listener := e.broker.Bus("listener")
	if err := listener.Listen("event.>", func(_ string, data []byte) {
		var ev msg.ClientEvent
		if err := json.Unmarshal(data, &ev); err != nil {
			t.Errorf("%s: %v", data, err)
		}
		got <- ev
	}); err != nil {
		t.Fatal(err)
	}

	hears(t, listener)
	loginAs := func(b *browser, id int64) {
		e.user.on("POST /user/login", changes(`{"login":"true","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
			m := ann
			m.ID = id
			return web.SessionChange{Action: web.SessionOpen, Member: m}
		}))
		b.login()
	}
	one, two, visitor := e.browser(), e.browser(), e.browser()
	visitor.Get("/user/logged-in")
	before := e.server.readAnonymous(one.Get("/user/logged-in").Cookie(anonymousCookie).Value)
	loginAs(one, 7)
	one.Get("/user/logged-in")
	loginAs(two, 9)
	two.Get("/user/logged-in")
	idOf := func(b *browser) string { return b.cookie(anonymousCookie) }
	oneID, twoID := e.server.readAnonymous(idOf(one)), e.server.readAnonymous(idOf(two))
	if oneID.id != before.id || oneID.member != 7 || twoID.member != 9 || oneID.id == twoID.id {
		t.Fatalf("ids before %+v, after the logins %+v and %+v", before, oneID, twoID)
	}
	old := sign(e.server.keys.anonymous, oneID.id+".7-"+strconv.FormatInt(today()-15, 36))
	without := func(query string) {
		t.Helper()
		e.browser().Get("/clientevent/pageview?url=/&" + query)
	}

	with := func(b *browser, query string) { b.Get("/clientevent/pageview?url=/&" + query) }
	for i, c := range []struct {
		send func()
		user int64
		id   string
	}{
		{func() { without("client_event_id=7&anonymous_id=" + idOf(one)) }, 7, oneID.id},
		{func() { without("client_event_id=7&anonymous_id=undefined") }, 0, ""},
		{func() { without("client_event_id=7") }, 0, ""},
		{func() { without("client_event_id=7&anonymous_id=" + idOf(two)) }, 0, twoID.id},
		{func() { without("client_event_id=7&anonymous_id=" + idOf(visitor)) }, 0, e.server.readAnonymous(idOf(visitor)).id},
		{func() { without("client_event_id=null&anonymous_id=" + idOf(one)) }, 0, oneID.id},
		{func() { without("client_event_id=7&anonymous_id=" + old) }, 0, oneID.id},
		{func() { without("client_event_id=7&anonymous_id=" + oneID.id + ".7-zz.forged") }, 0, ""},
		{func() { with(two, "client_event_id=7&anonymous_id=undefined") }, 9, ""},
		{func() { with(two, "client_event_id=7&anonymous_id="+idOf(one)) }, 9, oneID.id},
		{func() { with(two, "client_event_id=9") }, 9, ""},
		{func() { with(visitor, "client_event_id=7") }, 0, ""},
	} {
		c.send()
		select {
		case ev := <-got:
			if ev.UserID != c.user || ev.AnonymousID != c.id {
				t.Errorf("event %d: user %d, browser %s; want %d, %s", i, ev.UserID, ev.AnonymousID, c.user, c.id)
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("event %d: nothing published", i)
		}
	}

	// Another member in the same browser is not recorded under the first one's id, nor is a visitor
	// after the session.
	loginAs(one, 8)
	one.Get("/user/logged-in")
	if next := e.server.readAnonymous(idOf(one)); next.member != 8 || next.id == oneID.id {
		t.Errorf("the next member in the browser: %+v", next)
	}

	one.setCookie(sessionCookie, "")
	one.Get("/user/logged-in")
	if next := e.server.readAnonymous(idOf(one)); next.member != 0 || next.id == oneID.id || next.id == "" {
		t.Errorf("a visitor after the session: %+v", next)
	}
}
