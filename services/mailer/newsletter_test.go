package mailer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

const (
	memberNews   = "P0Ps5FLIfUUiMpdV3HOB"
	prospectNews = "A1jAqhMyLVpBVgxjuknq"
)

// templates are the endpoints for mail templates, as staff ask them.
type templates struct{ *testenv.Client }

func (e *env) templates() templates { return templates{e.staff()} }

func (s templates) is(method, path, body string, status int, want string) string {
	s.TB.Helper()
	a := s.Do(s.Body(method, "/staff/templates"+path, body))
	a.Has(status, want)
	return a.Body
}

// people are the recipients that the tests know.
func (e *env) people() {
	e.t.Helper()
	for id, m := range []msg.Member{
		{FirstName: "Ada {token}", Email: "ada@x.example", Newsletter: true},
		{FirstName: "Bob", Email: "bob@x.example", Newsletter: true},
		{FirstName: "Cid", Email: "cid@x.example"},
		{FirstName: "Dan", Email: "dan@x.example", Unsubscribed: true},
	} {
		m.ID, m.Code, m.UnsubscribeToken, m.Version = int64(id+1), fmt.Sprint("MB", id+1), fmt.Sprint("T", id+1), 1
		e.enqueue(msg.Message{Key: fmt.Sprint("member:", m.ID), Subject: msg.UserRegistered, Payload: m})
	}
	for id, p := range []msg.Prospect{{Email: "pia@x.example"}, {Email: "quin@x.example", Unsubscribed: true}} {
		p.ID, p.Code, p.UnsubscribeToken, p.Version = int64(id+1), fmt.Sprint("PR", id+1), fmt.Sprint("PT", id+1), 1
		e.enqueue(msg.Message{Key: fmt.Sprint("prospect:", p.ID), Subject: msg.ProspectChanged, Payload: p})
	}
	e.eventually("the recipients are known", func() bool { return e.Number(`SELECT count(*) FROM recipient`) == 6 })
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
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	s := e.templates()

	s.is("POST", "/"+memberNews+"/send", "", 409, "template-is-draft")
	s.is("POST", "/"+memberNews+"/draft", "", 200, `{"mails":1}`)
	e.sent(1)
	for _, m := range sink.all() {
		if fmt.Sprint(m.to) != "[staff@shop.example]" || m.header.Get("List-Unsubscribe") != "" {
			t.Errorf("a draft went to %v", m.to)
		}
		holds(t, "draft", m.subject, "DRAFT: News for members")
		holds(t, "draft", m.text, "THIS IS A DRAFT. It is filled in for ada@x.example.", "These 2 would", "  ada@x.example\n",
			"  bob@x.example\n", "members see new things first")
		holds(t, "draft", m.html, "<pre>THIS IS A DRAFT", "bob@x.example")
	}

	s.is("PATCH", "/"+memberNews, `{"status":"Ready","subject":"News of {shop_name}","bcc_address":"archive@shop.example","em_cd":"other"}`,
		200, `"em_cd":"`+memberNews+`"`)
	s.is("POST", "/"+memberNews+"/draft", "", 409, "template-is-ready")
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	s.is("POST", "/"+memberNews+"/send", "", 409, "template-is-sent")
	e.sent(3)
	mails := sink.all()[1:]
	if got := fmt.Sprint(receiversOf(mails)); got != "[ada@x.example archive@shop.example archive@shop.example bob@x.example]" {
		t.Fatalf("the newsletter went to %s", got)
	}
	ada := mails[slices.IndexFunc(mails, func(m taken) bool { return slices.Contains(m.to, "ada@x.example") })]
	unsubscribe := "https://shop.example/account/email-unsubscribe?em_cd=" + memberNews + "&mb_cd=MB1&token=T1"
	holds(t, "newsletter", ada.subject, "News of Paper & Co")
	holds(t, "newsletter", ada.text, "Hello Ada {token},", "https://shop.example/?em_cd="+memberNews+"&mb_cd=MB1", unsubscribe,
		"https://shop.example/account/edit-communication-preferences")
	holds(t, "newsletter", ada.html, "<h1>News of Paper &amp; Co</h1>", strings.ReplaceAll(unsubscribe, "&", "&amp;"))
	if strings.Contains(ada.text+ada.html, "DRAFT") || strings.Contains(ada.text+ada.html, "{draft") ||
		ada.header.Get("List-Unsubscribe") != "<"+unsubscribe+">" ||
		ada.header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("newsletter: %v\n%s", ada.header, ada.text)
	}
	if told := e.Number(`SELECT count(*) FROM delivery WHERE kind = 'newsletter' AND em_cd = $1 AND member_id IN (1, 2)`,
		memberNews); told != 2 {
		t.Errorf("%d mails recorded", told)
	}

	// Who unsubscribes while it is under way gets none.
	sink.set(always("rcpt", 450))
	s.is("PATCH", "/"+memberNews, `{"status":"Ready"}`, 200, `"status":"Ready"`)
	s.is("PATCH", "/"+prospectNews, `{"status":"Ready"}`, 200, `"type":"Prospect"`)
	s.is("POST", "/"+memberNews+"/send", "", 200, `{"mails":2}`)
	s.is("POST", "/"+prospectNews+"/send", "", 200, `{"mails":1}`)
	e.enqueue(msg.Message{Key: "bob:2", Subject: msg.UserPreferencesChanged,
		Payload: msg.Member{ID: 2, Email: "bob@x.example", Unsubscribed: true, Version: 2}})
	e.eventually("bob unsubscribed", func() bool { return e.Number(`SELECT count(*) FROM recipient WHERE id = 2 AND unsubscribed`) == 2 })
	sink.set(nil)
	e.sent(5)
	e.eventually("nothing waits", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state <> 'sent'`) == 0 })
	mails = sink.all()[3:]
	if got := fmt.Sprint(receiversOf(mails)); got != "[ada@x.example archive@shop.example pia@x.example]" {
		t.Errorf("the second newsletter went to %s", got)
	}
	pia := mails[slices.IndexFunc(mails, func(m taken) bool { return slices.Contains(m.to, "pia@x.example") })]
	holds(t, "prospects' newsletter", pia.text, "Hello customer,",
		"https://shop.example/account/email-unsubscribe?em_cd="+prospectNews+"&pr_cd=PR1&pr_token=PT1")
}

func TestTemplatesOfStaff(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.templates()
	s.is("GET", "", "", 200, `"em_cd":"`+memberConfirmation+`"`)
	s.is("POST", "/unknown/send", "", 404, "not-found")
	s.is("PATCH", "/unknown", "{}", 404, "not-found")
	s.is("POST", "/"+memberConfirmation+"/send", "", 409, "template-of-orders")
	made := s.is("POST", "", `{"subject":"Sale","type":"Member","body_text":"Hello"}`, 200, `"status":"Draft"`)
	code := made[len(`{"em_cd":"`):][:20]
	s.is("POST", "/"+code+"/draft", "", 409, "no-unsubscribe-link")
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
		s.is("PATCH", "/"+code, body, 400, want)
		s.is("POST", "", body, 400, `{"error":"bad-request"`)
	}
	s.is("PATCH", "/"+code, `{"unknown":1}`, 400, "bad-request")
	s.is("PATCH", "/"+code, `{"body_text":"Hello {token}","from_address":"News <news@shop.example>"}`, 200, `"subject":"Sale"`)
	s.is("POST", "/"+code+"/draft", "", 200, `{"mails":0}`)
}
