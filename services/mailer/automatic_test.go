package mailer

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// standInOrder answers mailer's requests about automatic mails by their keys: not wanted,
// unavailable, otherwise wanted.
type standInOrder struct {
	mu    sync.Mutex
	says  map[string]string
	asked map[string]int
}

func (o *standInOrder) say(key, what string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.says[key] = what
}

func (o *standInOrder) wanted(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key := form.Get("key")
	o.asked[key]++
	switch o.says[key] {
	case "away":
		return web.Unavailable(io.ErrUnexpectedEOF)
	case "no":
		_, err = io.WriteString(w, `{"wanted":false}`)
	default:
		_, err = io.WriteString(w, `{"wanted":true}`)
	}
	return err
}

// Automatic mails go only to people who want them, while order says that they still make sense, and
// their links work for their kind of reader.
func TestAutomaticMails(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	order := &standInOrder{says: map[string]string{}, asked: map[string]int{}}
	var key []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		web.RequireIdentity(key)(web.Handle(order.wanted)).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	e := newEnv(t, sink.port(), func(c *Config) { c.OrderURL = server.URL; key = c.Key(boot.MailerKey) })
	e.start()
	e.people() // Ada and Bob want news, Cid does not, Dan has unsubscribed; Pia is a prospect, Quin one who never asked
	lines := &msg.PaymentMail{Total: 700, Lines: []msg.OrderLine{{SKUID: 1, Product: "Paper <b>Clips", Color: "Silver", PriceEach: 350,
		Quantity: 2}}}
	send := func(kind, about, to string, member int64, data map[string]string) {
		e.send(kind+":"+about, msg.SendMail{Kind: kind, To: []string{to}, MemberID: member, Data: data, Payment: lines})
	}
	order.say("checkout-reminder:bought", "no")
	order.say("review-request:away", "away")
	order.say("back-in-stock:no", "no")
	order.say("review-request:kept", "no")
	const reminder, review = msg.MailCheckoutReminder, msg.MailReviewRequest
	for about, to := range map[string]string{"cid": "cid@x.example", "dan": "dan@x.example", "bought": "ada@x.example",
		"other": "strange@x.example"} {
		member := map[string]int64{"cid": 3, "dan": 4, "bought": 1}[about]
		send(reminder, about, to, member, map[string]string{"asked": map[bool]string{true: "true"}[about == "dan"]})
	}
	send(reminder, "quin-not", "quin@x.example", 0, nil)
	send(msg.MailBackInStock, "no", "stranger@x.example", 0, map[string]string{"product": "bSusp6dBHm", "notice": "h.m"})
	send(review, "kept:again:1", "ada@x.example", 1, map[string]string{"identifier": "aB3"}) // order is asked about the original
	send(review, "away", "bob@x.example", 2, map[string]string{"identifier": "aB3"})
	e.eventually("what no one wants is dropped", func() bool { return e.Number(`SELECT count(*) FROM delivery`) == 1 })
	if sink.count() != 0 {
		t.Fatalf("sent: %v", receiversOf(sink.all()))
	}

	send(reminder, "pia", "PIA@x.example", 0, nil)
	send(review, "ada", "ada@x.example", 1, map[string]string{"identifier": "aB3"})
	send(msg.MailBackInStock, "1", "stranger@x.example", 0, map[string]string{"product": "bSusp6dBHm", "notice": "h.m"})
	e.awaitSent(3)
	byAddress := map[string]taken{}
	for _, m := range sink.all() {
		byAddress[strings.ToLower(m.to[0])] = m
	}
	for address, want := range map[string][]string{
		"pia@x.example": {"2 × Paper <b>Clips, Silver", "https://shop.example/cart?em_cd=checkout-reminder&pr_cd=PR1",
			"https://shop.example/account/email-unsubscribe?em_cd=checkout-reminder&pr_cd=PR1&pr_token=PT1"},
		"ada@x.example": {"Hello Ada {token},", "https://shop.example/account/order?identifier=aB3&em_cd=review-request&mb_cd=MB1",
			"https://shop.example/account/email-unsubscribe?em_cd=review-request&mb_cd=MB1&token=T1"},
		"stranger@x.example": {"someone, most likely you, asked us", "https://shop.example/product/bSusp6dBHm?em_cd=back-in-stock",
			"https://shop.example/account/no-notices?notice=h.m"},
	} {
		m := byAddress[address]
		wantContains(t, address, m.text, want...)
		link := want[len(want)-1]
		if m.header.Get("List-Unsubscribe") != "<"+link+">" || m.header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
			t.Errorf("%s: List-Unsubscribe is %q", address, m.header.Get("List-Unsubscribe"))
		}
	}

	// Order answers again; people who have unsubscribed in the meantime get nothing.
	e.Exec(`UPDATE recipient SET unsubscribed = true, newsletter = false, version = 9 WHERE kind = 'member' AND id = 2`)
	order.say("review-request:away", "")
	e.eventually("nothing waits", func() bool {
		// Once more each time: a try under way writes a later time.
		e.Exec(`UPDATE delivery SET next_at = now() WHERE state = 'queued'`)
		return e.Number(`SELECT count(*) FROM delivery WHERE state <> 'sent'`) == 0
	})
	if n := sink.count(); n != 3 {
		t.Errorf("%d mails, want 3", n)
	}
	// A visitor who asked for news at the checkout gets its reminder, unless the person refused
	// news earlier.
	e.enqueue(msg.Message{Key: "prospect:2:2", Subject: msg.ProspectChanged, Payload: msg.Prospect{ID: 2, Email: "quin@x.example",
		Code: "PR2", UnsubscribeToken: "PT2", Unsubscribed: true, Refused: new(bool), Version: 2, At: time.Now()}})
	e.eventually("mailer knows", func() bool { return e.Number(`SELECT count(*) FROM recipient WHERE version = 2`) == 1 })
	send(reminder, "quin", "quin@x.example", 0, map[string]string{"asked": "true"})
	e.awaitSent(4)
}
