package mailer

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A new shop's database starts with the built-in templates. Each holds what its kind requires, can
// be filled with its sample, and explains every name.
func TestBuiltInTemplates(t *testing.T) {
	t.Parallel()
	e := newEnv(t, 1, nil)
	s := e.server()
	for _, k := range mailKinds {
		if k.sample == nil {
			continue
		}
		if now, err := templateOf(t.Context(), e.pool, k); err != nil || now != k.builtIn() {
			t.Errorf("%s: the database has %+v, error %v", k.Kind, now, err)
		}
		if wrong := s.check(k, k.builtIn()); len(wrong) > 0 {
			t.Errorf("%s: %v", k.Kind, wrong)
		}
		c, err := s.fillKind(k, k.builtIn(), k.sample())
		if err != nil || braces.MatchString(c.subject+c.text+c.html) {
			t.Errorf("%s with its sample, error %v:\n%s", k.Kind, err, c.text)
		}
		every := mailTemplate{Subject: "x", BodyText: "{" + strings.Join(k.allowed(), "} {") + "}"}
		every.BodyHTML = every.BodyText
		if c, err = s.fillKind(k, every, k.sample()); err != nil || braces.MatchString(c.text+c.html) {
			t.Errorf("%s does not fill every name: %v\n%s\n%s", k.Kind, err, c.text, c.html)
		}
		for _, name := range k.allowed() {
			if fieldTexts[name] == "" {
				t.Errorf("%s is not explained", name)
			}
		}
	}
}

// Staff write the mails: a saved template is checked, counts at once in every mailer and keeps its
// versions, and two people do not overwrite each other unnoticed.
func TestStaffWriteMails(t *testing.T) {
	t.Parallel()
	sink := newSink(t)
	e := newEnv(t, sink.port(), nil)
	e.start()
	e.start()
	owner := e.office(adminui.Owner)
	const path = "/staff/mails/templates/reset"
	owner.Get("/staff/mails/templates").Has(200, "Choose a new password", "built in", `href="/mails/templates/order-shipped"`)
	owner.Get(path).Has(200, "{code}", "code of the link", `name="subject" value="Choose a new password for {shop_name}"`)
	owner.Get("/staff/mails/templates/newsletter").Has(404)
	owner.Get(path + "?version=7").Has(404)
	owner.Get(path + "?version=x").Has(400)

	good := func(subject, version string) []string {
		return []string{"version", version, "subject", subject, "body_text", "Open {code}\r\nnow, {first_name}", "body_html",
			"<b>{first_name}</b> {code}"}
	}
	for field, wrong := range map[string][]string{
		"{colour} is not a field":         {"body_text", "{colour} {code}"},
		"{ code } is not a field":         {"body_text", "{ code } {code}"},
		"Without {code} this mail":        {"body_text", "<i>No link</i>"},
		"Line 2, character 2: a lone “{”": {"body_text", "{code}\né{ and"},
		"Line 1, character 1: a lone “}”": {"subject", "} New"},
		"leave out &lt;script&gt;":        {"body_html", "<script src=x></script>{code}"},
		"is not a field of this mail":     {"body_html", "{note_information} {code}"},
		"A mail needs a subject":          {"subject", " "},
		"almost no letters":               {"subject", "x !"},
		"A mail needs plain text":         {"body_text", " "},
		"It has 15003 characters; there":  {"body_html", strings.Repeat("é", 14997) + "{code}"},
	} {
		form := append(good("New", "0"), "extra", "")
		for i := range form {
			if form[i] == wrong[0] {
				form[i+1] = wrong[1]
			}
		}
		if len(wrong[1]) < 30000 {
			owner.Post(path, form...).Has(http.StatusUnprocessableEntity, field, "{first_name}")
			owner.Post(path+"/frame", form...).Has(200, "It cannot be shown")
		}
	}
	owner.Post(path+"/frame", good("Typed", "0")...).Has(200, "Typed", "Open sample", "&lt;b&gt;Ada&lt;/b&gt;")
	e.office(adminui.Marketing).Post(path, good("New", "0")...).Has(403)

	send := func(key string) taken {
		t.Helper()
		before := sink.count()
		m := welcome(key + "@x.example")
		m.Kind, m.Data["first_name"] = msg.MailReset, "<Ada>"
		e.send("reset:"+key, m)
		e.eventually(key+" arrives", func() bool { return sink.count() > before })
		return sink.all()[before]
	}
	if a := owner.Post(path, good("New words", "0")...); a.Status != 303 {
		t.Fatal(a)
	}
	for i := range 4 { // by whichever mailer
		if m := send(fmt.Sprint("new", i)); m.subject != "New words" || m.text != "Open abc:DEF-_.1\nnow, <Ada>" ||
			!strings.Contains(m.html, "<b>&lt;Ada&gt;</b> abc:DEF-_.1") {
			t.Errorf("%q: %q, %q", m.subject, m.text, m.html)
		}
	}
	owner.Post(path, good("Mine", "0")...).Has(http.StatusConflict, "Ada changed this", "New words", `value="Mine"`)
	owner.Post(path, good("Mine", "1")...).Has(303)
	owner.Post(path+"/built-in", "version", "1").Has(http.StatusConflict)
	owner.Post(path+"/built-in", "version", "2").Has(303)
	if m := send("built-in"); !strings.HasPrefix(m.subject, "Choose a new password") {
		t.Errorf("after that it says %q", m.subject)
	}
	owner.Get(path).Has(200, "Version 3", "Version 1", `name="version" value="3"`)
	owner.Get(path+"?version=1").Has(200, `value="New words"`, "version 1: it counts once you save it", `name="version" value="3"`)
	if n := e.Number(`SELECT count(*) FROM outbox WHERE subject = 'staff.acted.mailer'`); n != 3 {
		t.Errorf("%d acts on record", n)
	}

	// The names that a mail is useless without cannot be left out of its text or its HTML; the
	// built-in templates have them.
	for kind, has := range map[string]string{"order-shipped": "Without {tracking_information} this mail",
		"order-refunded": "Without {refund_amount} this",
		"order-member":   "Without {identifier} or {order_information} or {order_link} this"} {
		owner.Post("/staff/mails/templates/"+kind, "version", "0", "subject", "x", "body_text", "Hello",
			"body_html", "<p>Hello</p>").Has(422, has)
	}
	owner.Post("/staff/mails/templates/order-shipped", "version", "0", "subject", "x", "body_text",
		"{tracking_information}", "body_html", "Hello").Has(422, "Without {tracking_information} this mail")
	for _, k := range mailKinds {
		if len(k.must) > 0 {
			own := k.builtIn()
			for _, words := range []string{own.BodyText, own.BodyHTML} {
				if words != "" && !slices.ContainsFunc(k.must, func(name string) bool { return strings.Contains(words, "{"+name+"}") }) {
					t.Errorf("the built-in %s has none of %q", k.Kind, k.must)
				}
			}
		}
	}

	// A template that was changed before versions existed keeps its text.
	e.Exec(`UPDATE template SET subject = 'By hand' WHERE em_cd = $1`, orderTemplates[msg.MailOrderNote])
	const note = "/staff/mails/templates/order-note"
	owner.Post(note, "version", "0", "subject", "New", "body_text", "{note_information}", "from_address", "nobody").Has(422,
		"not an address")
	owner.Post(note, "version", "0", "subject", "New", "body_text", "{note_information}", "bcc_address",
		"a@x.example, b@x.example").Has(303)
	owner.Get(note).Has(200, "Version 2", "before versions were kept", `value="a@x.example, b@x.example"`)
	owner.Get(note+"?version=1").Has(200, `value="By hand"`)
}
