package mailer

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/service"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const (
	memberNews   = "P0Ps5FLIfUUiMpdV3HOB"
	prospectNews = "A1jAqhMyLVpBVgxjuknq"
)

// desk is staff at the endpoints of a mailer.
type desk struct {
	t   *testing.T
	url string
}

func newDesk(t *testing.T, w *world) desk {
	t.Helper()
	s, err := newServer(&service.Core{Log: testenv.Log(t), Pool: w.pool, Outbox: w.outbox}, w.cfg, quick)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.routes())
	t.Cleanup(server.Close)
	return desk{t, server.URL + "/staff/templates"}
}

func (d desk) is(method, path, body string, status int, want string) string {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), method, d.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		d.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	if answer.StatusCode != status || !strings.Contains(string(text), want) {
		d.t.Errorf("%s %s %s: %d %s, want %d %s", method, path, body, answer.StatusCode, text, status, want)
	}
	return string(text)
}

// audience is everybody that the tests know.
func (w *world) audience() {
	w.t.Helper()
	for id, m := range []msg.Member{
		{FirstName: "Ada {token}", Email: "ada@x.example", Newsletter: true},
		{FirstName: "Bob", Email: "bob@x.example", Newsletter: true},
		{FirstName: "Cid", Email: "cid@x.example"},
		{FirstName: "Dan", Email: "dan@x.example", Unsubscribed: true},
	} {
		m.ID, m.Code, m.UnsubscribeToken, m.Version = int64(id+1), fmt.Sprint("MB", id+1), fmt.Sprint("T", id+1), 1
		w.enqueue(msg.Message{Key: fmt.Sprint("member:", m.ID), Subject: msg.UserRegistered, Payload: m})
	}
	for id, p := range []msg.Prospect{{Email: "pia@x.example"}, {Email: "quin@x.example", Unsubscribed: true}} {
		p.ID, p.Code, p.UnsubscribeToken, p.Version = int64(id+1), fmt.Sprint("PR", id+1), fmt.Sprint("PT", id+1), 1
		w.enqueue(msg.Message{Key: fmt.Sprint("prospect:", p.ID), Subject: msg.ProspectChanged, Payload: p})
	}
	w.eventually("the audience known", func() bool { return w.count(`SELECT count(*) FROM recipient`) == 6 })
}

func receiversOf(mails []taken) (list []string) {
	for _, m := range mails {
		list = append(list, m.to...)
	}
	slices.Sort(list)
	return list
}

func TestNewsletters(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	w := newWorld(t, sink.port(), nil)
	w.start()
	w.audience()
	d := newDesk(t, w)

	d.is("POST", "/"+memberNews+"/send", "", 409, "template-is-draft")
	d.is("POST", "/"+memberNews+"/draft", "", 200, `{"mails":1}`)
	w.sent(1)
	for _, m := range sink.all() {
		if fmt.Sprint(m.to) != "[staff@shop.example]" || m.header.Get("List-Unsubscribe") != "" {
			t.Errorf("a draft went to %v", m.to)
		}
		holds(t, "draft", m.subject, "DRAFT: News for members")
		holds(t, "draft", m.text, "THIS IS A DRAFT. It is filled in for ada@x.example.", "These 2 would", "  ada@x.example\n", "  bob@x.example\n", "members see new things first")
		holds(t, "draft", m.html, "<pre>THIS IS A DRAFT", "bob@x.example")
	}

	d.is("PATCH", "/"+memberNews, `{"status":"Ready","subject":"News of {shop_name}","bcc_address":"archive@shop.example","em_cd":"other"}`, 200, `"em_cd":"`+memberNews+`"`)
	d.is("POST", "/"+memberNews+"/draft", "", 409, "template-is-ready")
	d.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	d.is("POST", "/"+memberNews+"/send", "", 409, "template-is-sent")
	w.sent(3)
	mails := sink.all()[1:]
	if got := fmt.Sprint(receiversOf(mails)); got != "[ada@x.example archive@shop.example archive@shop.example bob@x.example]" {
		t.Fatalf("the newsletter went to %s", got)
	}
	ada := mails[slices.IndexFunc(mails, func(m taken) bool { return slices.Contains(m.to, "ada@x.example") })]
	unsubscribe := "https://shop.example/account/email-unsubscribe?em_cd=" + memberNews + "&mb_cd=MB1&token=T1"
	holds(t, "newsletter", ada.subject, "News of Paper & Co")
	holds(t, "newsletter", ada.text, "Hello Ada {token},", "https://shop.example/?em_cd="+memberNews+"&mb_cd=MB1", unsubscribe, "https://shop.example/account/edit-communication-preferences")
	holds(t, "newsletter", ada.html, "<h1>News of Paper &amp; Co</h1>", strings.ReplaceAll(unsubscribe, "&", "&amp;"))
	if strings.Contains(ada.text+ada.html, "DRAFT") || strings.Contains(ada.text+ada.html, "{draft") || ada.header.Get("List-Unsubscribe") != "<"+unsubscribe+">" ||
		ada.header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("newsletter: %v\n%s", ada.header, ada.text)
	}
	var told int
	if err := w.pool.QueryRow(t.Context(), `SELECT count(*) FROM delivery WHERE kind = 'newsletter' AND em_cd = $1 AND member_id IN (1, 2)`, memberNews).Scan(&told); err != nil || told != 2 {
		t.Errorf("%d mails recorded, error %v", told, err)
	}

	// Whoever unsubscribes while it is under way gets none.
	sink.set(always("rcpt", 450))
	d.is("PATCH", "/"+memberNews, `{"status":"Ready"}`, 200, `"status":"Ready"`)
	d.is("PATCH", "/"+prospectNews, `{"status":"Ready"}`, 200, `"type":"Prospect"`)
	d.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	d.is("POST", "/"+prospectNews+"/send", "", 200, `{"mails":1}`)
	w.enqueue(msg.Message{Key: "bob:2", Subject: msg.UserPreferencesChanged, Payload: msg.Member{ID: 2, Email: "bob@x.example", Unsubscribed: true, Version: 2}})
	w.eventually("bob unsubscribed", func() bool { return w.count(`SELECT count(*) FROM recipient WHERE id = 2 AND unsubscribed`) == 2 })
	sink.set(nil)
	w.sent(5)
	w.eventually("nothing waits", func() bool { return w.count(`SELECT count(*) FROM delivery WHERE state <> 'sent'`) == 0 })
	mails = sink.all()[3:]
	if got := fmt.Sprint(receiversOf(mails)); got != "[ada@x.example archive@shop.example pia@x.example]" {
		t.Errorf("the second newsletter went to %s", got)
	}
	pia := mails[slices.IndexFunc(mails, func(m taken) bool { return slices.Contains(m.to, "pia@x.example") })]
	holds(t, "prospects' newsletter", pia.text, "Hello customer,", "https://shop.example/account/email-unsubscribe?em_cd="+prospectNews+"&pr_cd=PR1&pr_token=PT1")
}

func TestTemplatesOfStaff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 1, nil)
	d := newDesk(t, w)
	d.is("GET", "", "", 200, `"em_cd":"`+memberConfirmation+`"`)
	d.is("POST", "/unknown/send", "", 404, "not-found")
	d.is("PATCH", "/unknown", "{}", 404, "not-found")
	d.is("POST", "/"+memberConfirmation+"/send", "", 409, "template-of-orders")
	made := d.is("POST", "", `{"subject":"Sale","type":"Member","body_text":"Hello"}`, 200, `"status":"Draft"`)
	code := made[len(`{"em_cd":"`):][:20]
	d.is("POST", "/"+code+"/draft", "", 409, "no-unsubscribe-link")
	for field, body := range map[string]string{
		"":             `{"subject":1}`,
		"subject":      `{"subject":""}`,
		"body_text":    `{"body_text":"` + strings.Repeat("é", 5001) + `"}`,
		"body_html":    `{"body_html":"a\u0000b"}`,
		"type":         `{"type":"Staff"}`,
		"status":       `{"status":"Going"}`,
		"from_address": `{"from_address":"nobody"}`,
		"bcc_address":  `{"bcc_address":"a@b.example, x"}`,
	} {
		want := `{"error":"bad-request"`
		if field != "" {
			want += `,"parameter":"` + field + `"`
		}
		d.is("PATCH", "/"+code, body, 400, want)
		d.is("POST", "", body, 400, `{"error":"bad-request"`)
	}
	d.is("PATCH", "/"+code, `{"unknown":1}`, 400, "bad-request")
	d.is("PATCH", "/"+code, `{"body_text":"Hello {token}","from_address":"News <news@shop.example>"}`, 200, `"subject":"Sale"`)
	d.is("POST", "/"+code+"/draft", "", 200, `{"mails":0}`)
}
