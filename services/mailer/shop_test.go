package mailer

import (
	"fmt"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// Mails and their sender have the name that staff give the shop, from the next mail on; the address
// stays MAIL_FROM's. A late or repeated message does not bring an older name back; without a name
// MAIL_FROM's counts.
func TestMailsFollowTheShopsName(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()

	sent := 0
	follows := func(name string) {
		t.Helper()
		e.eventually("mails are from "+name, func() bool {
			sent++
			e.send(fmt.Sprint("welcome:", sent), welcome("ada@x.example"))
			e.awaitSent(sent)
			m := sink.all()[sent-1]
			from, err := m.header.AddressList("From")
			if err != nil || len(from) != 1 || from[0].Address != "shop@shop.example" {
				t.Fatalf("from %v, %v", from, err)
			}
			answers, err := m.header.AddressList("Reply-To")
			return err == nil && from[0].Name == name && answers[0].Name == name && m.subject == "Welcome to "+name
		})
	}

	told := func(key, name string, version int64) {
		e.enqueue(msg.Message{Key: msg.ShopChanged + key, Subject: msg.ShopChanged, Payload: msg.Shop{Name: name, Version: version}})
	}
	follows("Paper & Co")
	told(":3:a", "Grace\r\nBcc: x@x.example", 3)
	follows("Grace  Bcc: x@x.example")
	told(":5:b", "Ink", 5)
	follows("Ink")
	told(":4:c", "Older", 4)
	e.Becomes(3, `SELECT count(*) FROM inbox WHERE consumer = 'mailer-order'`)
	follows("Ink")
	told(":6:d", "", 6)
	follows("Paper & Co")
}
