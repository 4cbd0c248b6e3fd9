package mailer

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// Recipients keep the newest version that user has told, complete the codes of commands, and are
// erased with their mails.
func TestRecipientsFollowUserUntilErased(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	member := func(version int64, email string) msg.Message {
		return msg.Message{Key: "member:" + email, Subject: msg.UserProfileChanged,
			Payload: msg.Member{ID: 7, Email: email, Code: "MB7", Newsletter: true, UnsubscribeToken: "T", Version: version}}
	}
	e.enqueue(member(3, "newest@x.example"))
	e.eventually("known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 1 })
	e.enqueue(member(2, "older@x.example"), msg.Message{Key: "p1", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 9, Email: "pros@x.example", Code: "PR9", UnsubscribeToken: "PT", Version: 1}})
	e.eventually("prospect known", func() bool {
		return e.Number(`SELECT count(*) FROM recipient WHERE kind = 'prospect' AND token = 'PT'`) == 1
	})
	if n := e.Number(`SELECT count(*) FROM recipient WHERE email = 'newest@x.example' AND version = 3`); n != 1 {
		t.Error("an older version has replaced a newer one")
	}

	// Codes that a command lacks come from the projection.
	e.send("order:1", msg.SendMail{Kind: msg.MailOrderMember, To: []string{"newest@x.example"}, MemberID: 7, Order: order()})
	e.awaitSent(1)
	wantContains(t, "confirmation", sink.all()[0].text, "mb_cd=MB7")

	// One mail waits for the person to be erased, one for another member with the same address.
	e.stop()
	e.start()
	sink.set(always("rcpt", 450))
	m := welcome("Newest@X.example")
	e.send("welcome:7", m)
	m.MemberID = 8
	e.send("welcome:8", m)
	m.MemberID, m.To = 7, []string{"former@x.example"}
	e.send("welcome:7:former", m)
	e.eventually("three wait", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state = 'queued'`) == 3 })
	e.enqueue(msg.Message{Key: "erased:7", Subject: msg.UserErased,
		Payload: msg.Erased{MemberID: 7, ProspectID: 9, Emails: []string{"newest@x.example"}, At: time.Now()}})
	e.eventually("erased", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 0 })
	e.enqueue(member(4, "late@x.example"), msg.Message{Key: "after", Subject: msg.ProspectChanged,
		Payload: msg.Prospect{ID: 10, Email: "next@x.example", Version: 1}})
	e.eventually("the message after a late one", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 1 })
	if n := e.Number(`SELECT count(*) FROM delivery WHERE key <> 'welcome:8'`); n != 0 {
		t.Errorf("%d mails of the erased person are left", n)
	}
	sink.set(nil)
	e.awaitSent(1)
	if n := sink.count(); n != 2 {
		t.Errorf("%d mails, want 2", n)
	}
}

func TestContentOfOldMailsIsCleared(t *testing.T) {
	t.Parallel()
	pool := testenv.Pool(t, "mailer", Migrations()...)
	_, err := pool.Exec(t.Context(), `
		INSERT INTO delivery (key, kind, payload, smtp_reply, to_hashes, message_id, state, done_at, deadline, created_at)
		SELECT state || days, 'welcome', 'x', 'y', '{}', state || days, state, now() - days * interval '1 day', now(), now()
		FROM unnest('{sent,parked}'::text[]) AS s (state), unnest('{29,31,89,91}'::int[]) AS d (days)`)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := clearContent(t.Context(), pool); err != nil || n != 4 {
		t.Errorf("%d dropped, error %v; want sent31, sent89, sent91, parked91", n, err)
	}
}

func TestInvalidSettingsAreNamed(t *testing.T) {
	t.Parallel()
	good := Config{SMTPPort: 25, SMTPTLS: "none", MailFrom: "a@b.example", MailStaff: "c@d.example",
		UserURL: "http://127.0.0.1:8082", OrderURL: "http://127.0.0.1:8083"}
	good.ShopEnv, good.LogLevel = "development", "info"
	if err := good.Validate(); err != nil {
		t.Error(err)
	}

	for name, change := range map[string]func(*Config){
		"SMTP_TLS":      func(c *Config) { c.SMTPTLS = "ssl" },
		"SMTP_PORT":     func(c *Config) { c.SMTPPort = 0 },
		"MAIL_FROM":     func(c *Config) { c.MailFrom = "shop" },
		"MAIL_STAFF":    func(c *Config) { c.MailStaff = "" },
		"MAIL_REPLY_TO": func(c *Config) { c.MailReplyTo = "a b" },
		"MAIL_SEEN_URL": func(c *Config) { c.MailSeenURL = "nowhere" },
		"USER_URL":      func(c *Config) { c.UserURL = "" },
		"ORDER_URL":     func(c *Config) { c.OrderURL = "user:8083" },
		"encrypted": func(c *Config) {
			c.ShopEnv, c.ShopSecret, c.SMTPHost = "production", strings.Repeat("s", 32), "mail.example"
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			change(&c)
			if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	if err := Run(context.Background(), testenv.Log(t), Config{Addr: "127.0.0.1:0"}); err == nil {
		t.Error("runs without a database")
	}
	if _, err := newServer(service.NewCore(testenv.Log(t), nil, nil), Config{}, quick); err == nil {
		t.Error("runs without a mail server")
	}
}
