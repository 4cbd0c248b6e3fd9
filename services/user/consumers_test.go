package user

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

func delivery(t testing.TB, subject, key string, payload any) *bus.Delivery {
	t.Helper()
	data, err := json.Marshal(payload)
	if err != nil {
		t.Fatal(err)
	}
	return &bus.Delivery{Key: key, Subject: subject, Data: data}
}

func placed(t testing.TB, identifier, email, code string, newsletter bool) *bus.Delivery {
	t.Helper()
	return delivery(t, msg.OrderPlacedSubject, "order.placed:"+identifier,
		msg.OrderPlaced{Identifier: identifier, Email: email, ProspectCode: code,
			Newsletter: newsletter, ConsentAt: time.Now().Add(-time.Minute), PlacedAt: time.Now()})
}

// receive hands messages to onOrder as one group.
func (e *env) receive(group ...*bus.Delivery) {
	e.t.Helper()
	e.inTx(func(ctx context.Context, tx pgx.Tx) error { return e.onOrder(ctx, tx, group) })
}

// An order of an unknown visitor makes one prospect, however often it comes, with every code of
// their orders.
func TestVisitorsOrderMakesAProspect(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.receive(placed(t, "A1", "ann@MAIL.example.com", "code1", false))
	p, found := e.prospect("ann@mail.example.com")
	if !found || p.Code != "code1" || !p.Unsubscribed || len(p.UnsubscribeToken) != 32 || p.Version != 1 {
		t.Fatalf("prospect %+v", p)
	}

	e.receive(placed(t, "A1", "ann@mail.example.com", "code1", false), placed(t, "A1", "ann@mail.example.com", "code1", false))
	again, _ := e.prospect("ann@mail.example.com")
	if again.Version != 1 || len(outboxPayloads[msg.Prospect](e, msg.ProspectChanged)) != 1 {
		t.Errorf("after repeats: %+v", again)
	}

	e.receive(placed(t, "A2", "ann@mail.example.com", "code2", false), placed(t, "A3", "ann@mail.example.com", "code3", false))
	p, _ = e.prospect("ann@mail.example.com")
	events := outboxPayloads[msg.Prospect](e, msg.ProspectChanged)
	if last := events[len(events)-1]; p.Code != "code1" || strings.Join(p.Aliases, " ") != "code2 code3" ||
		strings.Join(last.Aliases, " ") != "code2 code3" || last.Version != p.Version {
		t.Errorf("prospect %+v, event %+v", p, last)
	}

	// A code that is in use for another address stays with that one.
	e.receive(delivery(t, msg.ReceiptAddressGivenSubject, "r1",
		msg.ReceiptAddressGiven{Email: "bob@mail.example.com", ProspectCode: "code2", At: time.Now()}))
	if bob, found := e.prospect("bob@mail.example.com"); !found || bob.Code == "code2" || len(bob.Code) != 20 || !bob.Unsubscribed {
		t.Errorf("prospect %+v", bob)
	}

	if n := e.Number(`SELECT count(*) FROM consent`); n != 0 {
		t.Errorf("%d consents that no one gave", n)
	}
}

// A consent at checkout subscribes the prospect, unless a younger choice or an account says
// otherwise.
func TestConsentAtCheckout(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.receive(delivery(t, msg.ReceiptAddressGivenSubject, "r1",
		msg.ReceiptAddressGiven{Email: "ann@mail.example.com", ProspectCode: "code1", At: time.Now()}),
		placed(t, "A1", "ann@mail.example.com", "code1", true))
	p, _ := e.prospect("ann@mail.example.com")
	if p.Unsubscribed || p.Version != 2 {
		t.Errorf("prospect %+v", p)
	}
	if n := e.Number(`SELECT count(*) FROM consent WHERE prospect_id = $1 AND what = 'newsletter' AND given AND source = 'order A1' AND `+
		`at < now() - interval '30 seconds'`, p.ID); n != 1 {
		t.Errorf("%d consents", n)
	}

	// A person who unsubscribed after the consent stays unsubscribed, however late the order comes.
	e.is(e.Post("/user/email-unsubscribe-confirm", "pr_token", p.UnsubscribeToken),
		`{"email_unsubscribe_confirm":"success","email_address":"ann@mail.example.com","token":"`+e.token()+`"}`)
	e.receive(placed(t, "A2", "ann@mail.example.com", "code1", true))
	if p, _ := e.prospect("ann@mail.example.com"); !p.Unsubscribed {
		t.Error("an older consent lifted a younger unsubscription")
	}

	// A younger consent counts.
	later := msg.OrderPlaced{Identifier: "A3", Email: "ann@mail.example.com", Newsletter: true, ConsentAt: time.Now().Add(time.Minute)}
	e.receive(delivery(t, msg.OrderPlacedSubject, "order.placed:A3", later))
	if p, _ := e.prospect("ann@mail.example.com"); p.Unsubscribed {
		t.Error("a younger consent counted for nothing")
	}

	// A person with an account has switches of their own.
	e.register("ann_lee", "ann@mail.example.com")
	later.Identifier, later.ConsentAt = "A4", time.Now().Add(time.Hour)
	e.receive(delivery(t, msg.OrderPlacedSubject, "order.placed:A4", later))
	if p, _ := e.prospect("ann@mail.example.com"); !p.Unsubscribed || p.Converted == nil {
		t.Error("a converted prospect is written to again")
	}
}

// token is the unsubscribe token of the only prospect.
func (e *env) token() (token string) {
	e.t.Helper()
	if err := e.pool.QueryRow(e.t.Context(), `SELECT unsubscribe_token FROM prospect`).Scan(&token); err != nil {
		e.t.Fatal(err)
	}
	return token
}

// Orders of members, under proved addresses and without an address make no prospect; unusable
// messages are permanent errors.
func TestOrdersThatMakeNoProspect(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.verified("ann_lee", "ann@mail.example.com")
	e.register("bob_ray", "bob@mail.example.com")

	e.receive(placed(t, "A1", "ann@mail.example.com", "code1", true), placed(t, "A2", "", "code2", true),
		delivery(t, msg.OrderPlacedSubject, "order.placed:A3",
			msg.OrderPlaced{Identifier: "A3", MemberID: 1, Email: "carl@mail.example.com"}))
	if n := e.Number(`SELECT (SELECT count(*) FROM prospect) + (SELECT count(*) FROM consent WHERE prospect_id IS NOT NULL)`); n != 0 {
		t.Errorf("%d rows", n)
	}

	e.receive(placed(t, "A4", "bob@mail.example.com", "code4", false))
	if _, found := e.prospect("bob@mail.example.com"); !found {
		t.Error("an address that no one proved made no prospect")
	}

	for _, bad := range []*bus.Delivery{{Subject: msg.OrderPlacedSubject, Data: []byte("{")},
		{Subject: msg.ReceiptAddressGivenSubject, Data: []byte("[]")},
		delivery(t, msg.OrderPlacedSubject, "k", msg.OrderPlaced{Email: strings.Repeat("a", 255)}),
		delivery(t, msg.OrderPlacedSubject, "k", msg.OrderPlaced{Email: "a@b.cd", ProspectCode: strings.Repeat("a", 51)})} {
		if err := e.onOrder(t.Context(), nil, []*bus.Delivery{bad}); !bus.IsPermanent(err) {
			t.Errorf("%s: %v", bad.Data, err)
		}
	}
}

// However messages are repeated, grouped and ordered, an address has one prospect, a code has one
// owner, and versions only grow.
func TestVisitsInAnyOrder(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	round := 0

	rapid.Check(t, func(rt *rapid.T) {
		round++
		if round > 25 {
			return // each round is a few dozen statements; 25 find what 100 find
		}
		var group []*bus.Delivery
		for i := range rapid.IntRange(1, 8).Draw(rt, "messages") {
			email := rapid.SampledFrom([]string{"ann", "bob", "carl"}).Draw(rt, "email") + strconv.Itoa(round) + "@mail.example.com"
			code := rapid.SampledFrom([]string{"", "x", "y", "z"}).Draw(rt, "code")
			if code != "" {
				code += strconv.Itoa(round)
			}
			if rapid.Bool().Draw(rt, "address only") {
				group = append(group, delivery(t, msg.ReceiptAddressGivenSubject, "r",
					msg.ReceiptAddressGiven{Email: email, ProspectCode: code}))
				continue
			}
			group = append(group, placed(t, strconv.Itoa(round)+"-"+strconv.Itoa(i), email, code, rapid.Bool().Draw(rt, "newsletter")))
		}

		e.receive(group...)
		e.receive(rapid.Permutation(group).Draw(rt, "repeated")...)
	})

	if n := e.Number(`SELECT count(*) FROM prospect p JOIN prospect_alias a USING (pr_cd)`); n != 0 {
		t.Errorf("%d codes stand twice", n)
	}

	versions := map[int64]int64{}
	for _, p := range outboxPayloads[msg.Prospect](e, msg.ProspectChanged) {
		if p.Version <= versions[p.ID] {
			t.Errorf("version %d of prospect %d came after %d", p.Version, p.ID, versions[p.ID])
		}
		versions[p.ID] = p.Version
	}
	if n := e.Number(`SELECT count(*) FROM prospect`); n != len(versions) {
		t.Errorf("%d prospects, %d told of", n, len(versions))
	}
}
