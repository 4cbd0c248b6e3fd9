package mailer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

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

// drafted is a campaign that a test writes.
type drafted struct {
	*env
	staff *testenv.Client
	id    int
}

// campaign creates a campaign, with the given fields in place of the defaults.
func (e *env) campaign(fields ...string) *drafted {
	e.t.Helper()
	d := &drafted{env: e, staff: e.office(adminui.Owner)}
	a := d.staff.Post("/staff/campaigns", "name", "Spring")
	if _, err := fmt.Sscanf(a.Header.Get("Location"), "/campaigns/%d", &d.id); err != nil {
		e.t.Fatal(a, err)
	}
	if a := d.save(fields...); a.Status != 303 {
		e.t.Fatal(a)
	}
	return d
}

func (d *drafted) version() string {
	d.t.Helper()
	return fmt.Sprint(d.Number(`SELECT version FROM campaign WHERE id = $1`, d.id))
}

// form is the posted form of the editor.
func (d *drafted) form(fields ...string) []string {
	d.t.Helper()
	all := []string{"name", "Spring", "audience", "members", "subject", "News of {shop_name}", "body_text",
		"Hello {recipient_first_name},\n{shop_link}\n{unsubscribe_link}", "body_html", "", "pace", "", "version", d.version()}
	for i := 0; i < len(fields); i += 2 {
		if at := slices.Index(all, fields[i]); at >= 0 && at%2 == 0 {
			all[at+1] = fields[i+1]
			continue
		}
		all = append(all, fields[i:i+2]...)
	}
	return all
}

func (d *drafted) save(fields ...string) testenv.Answer {
	d.t.Helper()
	return d.staff.Post(fmt.Sprint("/staff/campaigns/", d.id), d.form(fields...)...)
}

// do posts a command and wants it done.
func (d *drafted) do(command string, form ...string) {
	d.t.Helper()
	if a := d.try(command, form...); a.Status != 303 {
		d.t.Error(a)
	}
}

func (d *drafted) try(command string, form ...string) testenv.Answer {
	d.t.Helper()
	return d.staff.Post(fmt.Sprintf("/staff/campaigns/%d/%s", d.id, command), append([]string{"version", d.version()}, form...)...)
}

// receivers is how many people the campaign would go to now.
func (d *drafted) receivers() testenv.Answer {
	return d.staff.Get(fmt.Sprintf("/staff/campaigns/%d/receivers", d.id))
}

// compareCounts wants the counts of all campaigns to agree with the ledger.
func (e *env) compareCounts() {
	e.t.Helper()
	const all = `SELECT coalesce(string_agg(
		  concat_ws(' ', campaign_id, accepted, bounced, failed, suppressed), ', ' ORDER BY campaign_id), '')
		FROM `
	const sums = all + `(
		  SELECT campaign_id, sum(accepted) AS accepted, sum(bounced) AS bounced, sum(failed) AS failed, sum(suppressed) AS suppressed
		  FROM campaign_count GROUP BY 1) AS c`
	const ledger = all + `(
		  SELECT n.campaign_id, count(*) FILTER (WHERE d.state = 'sent') AS accepted,
		    count(*) FILTER (WHERE d.state = 'parked' AND d.smtp_reply LIKE '5%') AS bounced,
		    count(*) FILTER (WHERE d.state = 'parked' AND coalesce(d.smtp_reply, '') NOT LIKE '5%') AS failed,
		    count(*) FILTER (WHERE d.state = 'suppressed') AS suppressed
		  FROM newsletter n JOIN delivery d ON d.newsletter_id = n.id GROUP BY 1) AS c`
	if got, want := e.Text(sums), e.Text(ledger); got != want {
		e.t.Errorf("campaigns count %q, the ledger says %q", got, want)
	}
}

func (d *drafted) page() testenv.Answer { return d.staff.Get(fmt.Sprint("/staff/campaigns/", d.id)) }

// A campaign is written, tested, started and sent, and its page says what became of its mails.
func TestCampaign(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	c := e.campaign("audience", "both", "body_html", "<h1>{msg_subject}</h1>{recipient_first_name} <a href=\"{unsubscribe_link}\">Stop</a>")
	c.page().Has(200, "{unsubscribe_link}")
	c.receivers().Has(200, "What is saved goes to 3 people now")
	for _, name := range []string{" ", strings.Repeat("é", 101)} {
		c.staff.Post("/staff/campaigns", "name", name).Has(422, "1 to 100 characters", `value="`+name+`"`, "Spring")
	}
	c.staff.Get("/staff/campaigns").Has(200, "Spring", "Both, each address once", "News for members")

	// The frame shows the posted draft for a sample or for one receiver, and its links open
	// nothing.
	frame := func(fields ...string) testenv.Answer {
		return c.staff.Post(fmt.Sprintf("/staff/campaigns/%d/frame", c.id), c.form(fields...)...)
	}
	frame("subject", "Typed").Has(200, "Typed", "Hello Ada,", "token=sample")
	frame("reader", "BOB@x.example", "body_html", "<b>Hi</b> {unsubscribe_link}").Has(200, "Hello Bob,", "token=sample",
		"&lt;b&gt;Hi&lt;/b&gt;", `<div class="desk">`, `<iframe class="phone"`, "As text")
	frame("reader", "who@x.example").Has(200, "No receiver has this address")
	for want, fields := range map[string][]string{
		"{colour} is not a field":                    {"body_text", "{colour} {unsubscribe_link}"},
		"leave out &lt;script&gt;":                   {"body_html", "<p>Hi</p><ScRipt >x()</script> {unsubscribe_link}"},
		"Line 2, character 3: a lone":                {"body_html", "<style>p { color: red }</style>\nab{ {unsubscribe_link}"},
		"Every newsletter needs an unsubscribe link": {"body_text", "Hello"},
		"needs an unsubscribe link":                  {"body_html", "<p>Hello {token}</p>", "audience", "both"},
		"It needs a name":                            {"name", " "},
		"Choose who gets it":                         {"audience", "all"},
		"A number from 1 to 100000":                  {"pace", "-1"},
		"A mail needs a subject, on one":             {"subject", ""},
		"not an address: shop@shop.exampl":           {"from_address", "nobody"},
	} {
		c.save(fields...).Has(422, want)
	}
	if a := c.save("version", "1"); a.Status != 409 || !strings.Contains(a.Body, "Ada changed this") {
		t.Error(a)
	}

	// A test goes to the address that the person enters, once for each click, filled as for a
	// sample or for the receiver they name.
	once := onceOf(t, c.page().Body)
	c.try("test", "to", "nobody", "once", once).Has(422, "This is not an address")
	c.do("test", "to", "me@x.example", "once", once)
	c.do("test", "to", "me@x.example", "once", once)
	e.awaitSent(1)
	if m := sink.all()[0]; m.subject != "TEST: News of Paper & Co" || !strings.Contains(m.text, "token=sample") ||
		m.header.Get("List-Unsubscribe") != "" {
		t.Errorf("the test: %q %v\n%s", m.subject, m.header, m.text)
	}

	c.try("test", "to", "me@x.example", "reader", "who@x.example", "once", strings.Repeat("A", onceLength)).
		Has(422, "No receiver has this address", "who@x.example")
	c.do("test", "to", "me@x.example", "reader", "bob@x.example", "once", strings.Repeat("A", onceLength))
	e.awaitSent(2)
	if m := sink.all()[1]; !slices.Equal(m.to, []string{"me@x.example"}) || !strings.Contains(m.text, "Hello Bob,") ||
		!strings.Contains(m.text, "token=sample") {
		t.Errorf("the test as for Bob: %v\n%s", m.to, m.text)
	}

	c.do("start")
	c.try("start").Has(409)
	if a := c.save("subject", "Too late"); a.Status != 409 {
		t.Error(a)
	}
	e.awaitSent(5)
	if got := fmt.Sprint(receiversOf(sink.all()[2:])); got != "[ada@x.example bob@x.example pia@x.example]" {
		t.Errorf("it went to %s", got)
	}
	code := e.Text(`SELECT em_cd FROM campaign WHERE id = $1`, c.id)
	unsubscribe := "https://shop.example/account/email-unsubscribe?em_cd=" + code + "&mb_cd=MB1&token=T1"
	ada := to(sink, "ada@x.example")[0]
	wantContains(t, "newsletter", ada.subject, "News of Paper & Co")
	wantContains(t, "newsletter", ada.text, "Hello Ada {token},", "https://shop.example/?em_cd="+code+"&mb_cd=MB1", unsubscribe)
	wantContains(t, "newsletter", ada.html, "<h1>News of Paper &amp; Co</h1>", strings.ReplaceAll(unsubscribe, "&", "&amp;"))
	if ada.header.Get("List-Unsubscribe") != "<"+unsubscribe+">" ||
		ada.header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("newsletter: %v", ada.header)
	}
	wantContains(t, "a prospect's", to(sink, "pia@x.example")[0].text, "Hello customer,",
		"https://shop.example/account/email-unsubscribe?em_cd="+code+"&pr_cd=PR1&pr_token=PT1")
	if told := e.Number(`SELECT count(*) FROM delivery WHERE kind = 'newsletter' AND em_cd = $1 AND member_id IN (1, 2)`, code); told != 2 {
		t.Errorf("%d mails recorded", told)
	}
	e.enqueue(msg.Message{Key: "bob:2", Subject: msg.UserPreferencesChanged,
		Payload: msg.Member{ID: 2, Email: "bob@x.example", Unsubscribed: true, Version: 2}})
	e.eventually("bob unsubscribed", func() bool { return e.Number(`SELECT count(*) FROM recipient WHERE id = 2 AND unsubscribed`) == 2 })
	e.eventually("it has ended", func() bool {
		return e.Number(`SELECT count(*) FROM campaign WHERE id = $1 AND state = 'ended'`, c.id) == 1
	})
	c.page().Has(200, "3 of 3, ended", "<dt>Accepted</dt><dd>3</dd>", "<dt>Unsubscribed</dt><dd>1</dd>")
	c.staff.Get(fmt.Sprintf("/staff/campaigns/%d/frame", c.id)).Has(200, "News of Paper")
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'mail.sent' AND convert_from(payload, 'UTF8')::jsonb
		  @> jsonb_build_object('em_cd', $1::text, 'campaign', $2::bigint, 'campaign_name', 'Spring')`, code, c.id); n != 3 {
		t.Errorf("reports hear of the campaign's name with %d mails", n)
	}
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.mailer'`); n != 5 { // created, saved, tested twice, started
		t.Errorf("%d acts on record", n)
	}
	c.do("copy")
	c.staff.Get(fmt.Sprint("/staff/campaigns/", c.id+1)).Has(200, "Spring, again")
	c.staff.Get(fmt.Sprintf("/staff/campaigns/%d/receivers", c.id+1)).Has(200, "goes to 2 people now")
	c.compareCounts()
}

// A start to more than a hundred people, or a scheduled start, requires the right to send to many
// and a fresh second factor. A person with only the right to look changes nothing, and garbage is
// refused.
func TestRightsOfCampaigns(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	e.Exec(`INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version)
		SELECT 'member', n, 'r' || n || '@x.example', '', '', 'MB' || n, true, false, 'T' || n, 1 FROM generate_series(1, 101) AS n`)
	c := e.campaign()
	c.receivers().Has(200, "goes to 101 people now", "asked for your second factor")
	c.staff.Staff.FreshUntil = time.Now().Add(-time.Second)
	if a := c.try("start"); a.Status != 403 || a.Header.Get(adminui.ConfirmHeader) == "" {
		t.Error(a)
	}

	tomorrow := time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly)
	if a := c.try("start", "day", tomorrow, "time", "08:30"); a.Status != 403 {
		t.Error(a)
	}
	if n := e.Number(`SELECT count(*) FROM delivery`) + e.Number(`SELECT count(*) FROM campaign WHERE state <> 'draft'`); n != 0 {
		t.Errorf("%d rows of what was refused", n)
	}

	c.staff.Staff.FreshUntil = time.Now().Add(time.Hour)
	for _, wrong := range [][]string{{"day", tomorrow}, {"time", "08:30"}, {"day", "2020-01-01", "time", "08:30"},
		{"day", "x", "time", "y"},
		{"day", "9999-01-01", "time", "08:30"}} {
		if a := c.try("start", wrong...); a.Status != 422 {
			t.Error(a)
		}
	}

	c.do("start", "day", tomorrow, "time", "08:30")
	c.page().Has(200, "scheduled", "Back to a draft")
	c.do("unschedule")
	c.try("unschedule").Has(409)
	c.try("nothing").Has(404)
	readOnly, support := e.office(adminui.ReadOnly), e.office(adminui.Support)
	path := fmt.Sprint("/staff/campaigns/", c.id)
	readOnly.Get(path).Has(200, "News of {shop_name}")
	support.Get(path).Has(403)
	e.office(adminui.Owner).Versions(path, path+"/start", "/staff/mails/templates/reset", "/staff/mails/templates/reset/built-in")
	for _, command := range []string{"", "/start", "/test", "/frame", "/copy", "/pause", "/stop"} {
		readOnly.Post(path + command).Has(403)
	}
	e.office(adminui.Owner).Garbage(e.server().staff(), map[string]string{"id": "1", "kind": "reset", "move": "pause"}, "name", "subject",
		"body_text", "to", "day", "reader")
	if n := e.Number(`SELECT count(*) FROM campaign WHERE state <> 'draft'`); n != 0 {
		t.Errorf("%d campaigns were started", n)
	}
}

// A scheduled campaign starts by itself, once, however many mailers there are.
func TestScheduledCampaign(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.start()
	e.people()
	c := e.campaign("pace", "60")
	c.do("start", "day", time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly), "time", "00:00")
	e.Exec(`UPDATE campaign SET start_at = now() WHERE id = $1`, c.id)
	e.awaitSent(2)
	if got := fmt.Sprint(receiversOf(sink.all())); got != "[ada@x.example bob@x.example]" {
		t.Errorf("it went to %s", got)
	}
	if apart := e.Number(`SELECT extract(epoch FROM max(next_at) - min(next_at))::int FROM delivery`); apart != 1 {
		t.Errorf("they were due %d seconds apart, want 1", apart)
	}
}

func TestPaceIsPerDomain(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	due := paceOf(30, from)
	for i, c := range []struct {
		address string
		after   time.Duration
	}{{"a@x.example", 0}, {"b@y.example", 0}, {"c@X.example", 2 * time.Second}, {"d@x.example", 4 * time.Second},
		{"e@y.example", 2 * time.Second}} {
		if got := due(c.address); got != from.Add(c.after) {
			t.Errorf("%d: %s is due %s after the start", i, c.address, got.Sub(from))
		}
	}
}

// Mails to one person do not wait behind a newsletter.
func TestMailsOvertakeNewsletters(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.Exec(`INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version)
		SELECT 'member', n, 'r' || n || '@x.example', '', '', 'MB' || n, true, false, 'T' || n, 1 FROM generate_series(1, 60) AS n`)
	c := e.campaign()
	c.do("start")
	e.Exec(`UPDATE delivery SET next_at = now() - interval '1 hour'`)
	e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, message_id, deadline, created_at)
		VALUES ('welcome:1', 'welcome', '{"kind":"welcome","to":["ada@x.example"]}', ARRAY[$1], 'm1@x.example',
		  now() + interval '1 hour', now())`,
		e.server().hash("ada@x.example"))
	e.start()
	e.awaitSent(61)
	at := slices.IndexFunc(sink.all(), func(m taken) bool { return slices.Contains(m.to, "ada@x.example") })
	// The single mail is claimed first. While its sender waits for a busy machine, the others go
	// on; behind the newsletter it would be the last.
	if at < 0 || at >= 30 {
		t.Errorf("the mail to one person was number %d", at+1)
	}
}

// An address that a server does not know gets no further newsletters, under any spelling, until a
// server takes a mail for it again. A server that refuses us says nothing about the address.
func TestBouncedAddresses(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.people()
	refuse := map[string]string{"ada@x.example": "", "bob@x.example": "5.7.1 "}
	sink.set(func(stage, who string) error {
		if status, found := refuse[who]; stage == "rcpt" && found {
			return saying(550, status+"no")
		}
		return nil
	})
	e.campaign().do("start")
	e.eventually("both are refused", func() bool { return e.Number(`SELECT count(*) FROM delivery WHERE state = 'parked'`) == 2 })
	sink.set(nil)
	second := e.campaign("audience", "both")
	second.receivers().Has(200, "goes to 2 people now")
	second.do("start")
	e.awaitSent(2)
	if got := fmt.Sprint(receiversOf(sink.all())); got != "[bob@x.example pia@x.example]" {
		t.Errorf("the second went to %s", got)
	}

	e.send("welcome:1", welcome("Ada@x.example"))
	e.awaitSent(3)
	e.campaign().receivers().Has(200, "goes to 2 people now")
	second.compareCounts()
	e.Exec(`INSERT INTO bounced (hash, code) VALUES ($1, 550)`, e.server().hash("bob@x.example"))
	e.enqueue(msg.Message{Key: "erased", Subject: msg.UserErased, Payload: msg.Erased{MemberID: 2, Emails: []string{"bob@x.example"}}})
	e.Becomes(0, `SELECT count(*) FROM bounced`)
}

// A campaign without receivers does not start and says so: to the person who starts it, and to all
// staff if it was scheduled.
func TestCampaignWithoutReceivers(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	c := e.campaign("audience", "prospects")
	c.receivers().Has(200, "It would go to no one now")
	c.try("start").Has(422, "No one would get it")
	c.do("start", "day", time.Now().UTC().AddDate(0, 0, 1).Format(time.DateOnly), "time", "08:30")
	e.Exec(`UPDATE campaign SET start_at = now() WHERE id = $1`, c.id)
	s := e.server()
	s.outbox = bus.NewOutbox(e.broker.Bus("mailer"), e.pool)
	if n, err := s.startScheduled(t.Context(), e.pool); err != nil {
		t.Fatal(n, err)
	}
	if rows := e.Number(`SELECT count(*) FROM delivery`) + e.Number(`SELECT count(*) FROM newsletter`); rows != 0 {
		t.Errorf("%d rows of a campaign without receivers", rows)
	}

	c.page().Has(200, "draft", "It did not start as scheduled", "No one would get it")
	work, err := s.work(t.Context(), 5)
	if err != nil || len(work) != 2 ||
		work[1].Count != 1 || len(work[1].Items) != 1 || work[1].Items[0].To != fmt.Sprint("/campaigns/", c.id) {
		t.Errorf("what waits: %+v, %v", work, err)
	}
	if a := c.save(); a.Status != 303 {
		t.Error(a)
	}
	if a := c.page(); strings.Contains(a.Body, "did not start") {
		t.Error(a)
	}
}

// The pages of campaigns read neither the ledger nor the recipients: they answer while both tables
// are locked. The counts agree with the ledger, whatever becomes of the mails.
func TestPagesOfLargeCampaigns(t *testing.T) {
	t.Parallel()
	const many = 50_000
	e := newEnv(t, 1, nil)
	e.Exec(`INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version)
		SELECT 'member', n, 'r' || n || '@x.example', '', '', 'MB' || n, true, false, 'T' || n, 1
		FROM generate_series(1, $1::int) AS n`, many)
	draft, c := e.campaign(), e.campaign()
	draft.receivers().Has(200, "goes to 50000 people now")
	e.Exec(`INSERT INTO newsletter (em_cd, kind, subject, body_text, body_html, from_address, bcc_address, campaign_id)
		SELECT em_cd, 'member', subject, body_text, '', '', '', id FROM campaign WHERE id = $1`, c.id)
	e.Exec(`UPDATE campaign SET state = 'running', receivers = $2, started_at = now() WHERE id = $1`, c.id, many)
	for from := 1; from < many; from += 5000 { // one statement takes no more
		e.Exec(`INSERT INTO delivery (key, kind, payload, to_hashes, member_id, message_id, deadline, created_at,
			  newsletter_id, state, smtp_reply)
			SELECT 'newsletter:' || n, 'newsletter', '{}', '{x}', n, 'n' || n, now() + interval '1 day', now(),
			  (SELECT max(id) FROM newsletter), CASE WHEN n > 4 THEN 'queued' WHEN n > 2 THEN 'parked' ELSE 'suppressed' END,
			  CASE WHEN n = 3 THEN '550 no' END
			FROM generate_series($1::int, $1 + 4999) AS n`, from)
	}
	e.Exec(`INSERT INTO campaign_count (campaign_id, shard, bounced, failed, suppressed) VALUES ($1, 0, 1, 1, 2)`, c.id)
	locked, err := e.pool.Begin(t.Context())
	if err == nil {
		_, err = locked.Exec(t.Context(), `LOCK TABLE delivery, recipient IN ACCESS EXCLUSIVE MODE`)
	}
	if err != nil {
		t.Fatal(err)
	}
	c.page().Has(200, "4 of 50000, running", "<dt>Bounced</dt><dd>1</dd>", "<dt>Waiting</dt><dd>49996</dd>")
	c.staff.Get(fmt.Sprintf("/staff/campaigns/%d/progress", c.id)).Has(200, "4 of 50000, running")
	draft.page().Has(200, "Receivers")
	c.staff.Get("/staff/campaigns").Has(200, "Spring")
	if err := locked.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}

	for id := 1; id <= 4; id++ { // suppressed, suppressed, bounced, failed
		mail := e.Number(`SELECT id FROM delivery WHERE member_id = $1`, id)
		if a := c.staff.Post(fmt.Sprintf("/staff/mails/%d/send", mail)); a.Status != 303 {
			t.Error(a)
		}
	}
	e.compareCounts()
	s := e.server()
	s.outbox = bus.NewOutbox(e.broker.Bus("mailer"), e.pool)
	for i, end := range []func(d *delivery) error{
		func(d *delivery) error {
			return markSent(t.Context(), s.outbox, d, "250 ok", nil, s.doneMessage(d, "x", ""))
		},
		func(d *delivery) error {
			return markParked(t.Context(), s.outbox, d, "550 no", false, s.doneMessage(d, "", "refused"))
		},
		func(d *delivery) error {
			return markParked(t.Context(), s.outbox, d, "", false, s.doneMessage(d, "", "too late"))
		},
		func(d *delivery) error { return deleteUnwanted(t.Context(), e.pool, d) },
	} {
		d, err := claim(t.Context(), e.pool, 1, []int64{}, false)
		if err == nil {
			err = end(d)
		}
		if err != nil {
			t.Fatal(i, err)
		}
	}
	e.compareCounts()
	member := e.Number(`SELECT member_id FROM delivery WHERE state = 'sent'`)
	for version, unsubscribed := range []bool{true, true, false, true} {
		e.enqueue(msg.Message{Key: fmt.Sprint("member:", version), Subject: msg.UserPreferencesChanged,
			Payload: msg.Member{ID: int64(member),
				Email: "x@x.example", Newsletter: !unsubscribed, Unsubscribed: unsubscribed, Version: int64(version + 2)}})
	}
	c.do("stop")
	c.page().Has(200, "3 of 50000, stopped", "<dt>Not sent any more</dt><dd>49997</dd>", "<dt>Accepted</dt><dd>1</dd>",
		"<dt>Waiting</dt><dd>0</dd>")
	e.compareCounts()
	e.start()
	e.Becomes(1, `SELECT sum(unsubscribed) FROM campaign_count`)
}
