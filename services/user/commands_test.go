package user

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// command runs a command for staff on the database.
func (e *env) command(args ...string) (code int, out, stderr string) {
	e.t.Helper()
	var o, errs bytes.Buffer
	code = boot.Report("user", Usage, command(e.t.Context(), testCommandConfig(e.databaseURL), args, &o), &errs)
	return code, o.String(), errs.String()
}

func testCommandConfig(url string) Config {
	cfg := testConfig()
	cfg.DatabaseURL = url
	return cfg
}

func (e *env) file(text string) string {
	e.t.Helper()
	name := filepath.Join(e.t.TempDir(), "note.html")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
	return name
}

// Commands with arguments or files that make no sense print why, with exit code 2 or 1; those that
// work may be repeated.
func TestCommandsRefuse(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, c := range []struct {
		code int
		args []string
	}{
		{2, []string{"export"}}, {2, []string{"erase", "-member", "x"}}, {2, []string{"erase", "-member", "1", "-email", "a@b.cd"}},
		{2, []string{"erase", "-email", "ann"}}, {2, []string{"export", "-email", "@mail.example.com"}},
		{2, []string{"export", "-member", "1", "now"}},
		{2, []string{"terms"}}, {2, []string{"terms", "publish"}}, {2, []string{"terms", "publish", "-version", "0", "-note-file", "x"}},
		{1, []string{"terms", "publish", "-version", "2", "-note-file", "nowhere"}},
		{1, []string{"terms", "publish", "-version", "1", "-note-file", e.file("another note")}},
		{1, []string{"terms", "publish", "-version", "3", "-note-file", e.file(strings.Repeat("x", 1001))}},
		{2, []string{"staff"}}, {2, []string{"staff", "add", "ann"}}, {2, []string{"staff", "add"}},
		{2, []string{"chat", "-limit", "0"}}, {2, []string{"chat", "all"}}, {2, []string{"prospects"}},
		{2, []string{"prospects", "import"}}, {1, []string{"prospects", "import", "-file", "nowhere"}},
		{1, []string{"prospects", "import", "-file", e.file("")}},
		{1, []string{"prospects", "import", "-file", e.file("email,age\na@b.cd,7\n")}},
		{1, []string{"prospects", "import", "-file", e.file("first_name\nAnn\n")}},
		{1, []string{"prospects", "import", "-file", e.file("email\nfine@b.cd\nnobody\n")}},
		{1, []string{"prospects", "import", "-file", e.file("email,unsubscribed\na@b.cd,no\n")}},
		{1, []string{"prospects", "import", "-file", e.file("email,first_name\na@b.cd," + strings.Repeat("x", 31) + "\n")}},
	} {
		if code, out, stderr := e.command(c.args...); code != c.code || out != "" || stderr == "" {
			t.Errorf("%v: %d %q %q", c.args, code, out, stderr)
		}
	}

	note := e.file("two")
	for range 2 {
		if code, _, stderr := e.command("terms", "publish", "-version", "2", "-note-file", note); code != 0 {
			t.Errorf("publishing: %s", stderr)
		}
	}

	for args, want := range map[string]bool{"": false, "-help": false, "run": false, "export": true, "erase": true, "terms publish": true,
		"staff add": true} {
		if got := IsCommand(strings.Fields(args)); got != want {
			t.Errorf("IsCommand(%q) = %t", args, got)
		}
	}
}

// person makes a member with something in every table, and a stranger who must not be touched.
func person(e *env) (id int64) {
	e.t.Helper()
	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "first@mail.example.com", "how_excited", "5"),
		`{"pythonabot_notify_me":"success"}`)
	e.is(e.Post("/user/put-chat-message", "name", "Ann", "email_address", "first@mail.example.com", "message", "hello"),
		`{"put_chat_message":"true"}`)

	id = e.verified("ann_lee", "first@mail.example.com")
	e.is(e.As(member(id)).Post("/user/update-my-information", "firstname", "Annabel", "lastname", "Lee", "email_address",
		"second@mail.example.com"), `{"update_my_information":"success"}`)
	e.is(e.As(member(id)).Post("/user/update-communication-preferences",
		why("newsletter", "false", "email_unsubscribe", "true", "other", "because")...), `{"update_communication_preferences":"success"}`)
	e.is(e.As(member(id)).Post("/user/put-chat-message", "name", "Ann", "email_address", "third@mail.example.com", "message", "it is me"),
		`{"put_chat_message":"true"}`)
	e.is(e.Post("/user/forgot-username", "email_address", "Second@mail.example.com"), `{"forgot_username":"success"}`)

	e.Exec(`INSERT INTO prospect_alias SELECT 'alias', id FROM prospect`)
	e.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts) VALUES ('user-order', 'k', 's', ` +
		`'{"email":"first@MAIL.example.com"}', 'r', 1), ('user-order', 'garbage', 's', '\xff00', 'r', 1)`)

	e.register("bob_ray", "bob@mail.example.com")
	e.is(e.Post("/user/put-chat-message", "name", "Bob", "email_address", "bob@mail.example.com", "message", "hello"),
		`{"put_chat_message":"true"}`)
	return id
}

// Staff list chat messages, and import and export prospects, as CSV that is safe in a spreadsheet.
func TestListsForStaff(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	e.is(e.As(member(id)).Post("/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", "first"),
		`{"put_chat_message":"true"}`)
	e.is(e.Post("/user/put-chat-message", "name", "Bob", "email_address", "bob@mail.example.com", "message", "=cmd()"),
		`{"put_chat_message":"true"}`)

	code, out, stderr := e.command("chat")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 3 || !strings.HasSuffix(lines[1], ",Bob,bob@mail.example.com,,'=cmd()") ||
		!strings.HasSuffix(lines[2], ",Ann,ann@mail.example.com,"+web.ID(id)+",first") {
		t.Errorf("%d %s\n%s", code, stderr, out)
	}

	file := e.file("\ufeffemail,first_name,unsubscribed,prospect_comment\nbob@MAIL.example.com,Robert,false,known\ncid@Mail.Example.com," +
		"Cid,false,\"met, at a fair\"\ndan@mail.example.com,,,\nann@mail.example.com,Ann,false,\n")

	for _, want := range []string{"Prospects added: 2, known before: 2.", "Prospects added: 0, known before: 4."} {
		if code, out, stderr := e.command("prospects", "import", "-file", file); code != 0 || strings.TrimSpace(out) != want {
			t.Errorf("%d %s %s, want %s", code, out, stderr, want)
		}
	}

	cid, _ := e.prospect("cid@mail.example.com")
	if events := outboxPayloads[msg.Prospect](e, msg.ProspectChanged); cid.Unsubscribed || len(cid.Code) != 20 || len(events) != 3 ||
		events[1].Code != cid.Code {
		t.Errorf("imported %+v, events %+v", cid, events)
	}
	if n := e.Number(`SELECT count(*) FROM consent WHERE prospect_id = $1 AND what = 'newsletter' AND given AND source = 'import by staff'`,
		cid.ID); n != 1 {
		t.Errorf("%d consents of an imported subscriber", n)
	}

	code, out, stderr = e.command("prospects", "export")
	if lines = strings.Split(strings.TrimSpace(out), "\n"); code != 0 || len(lines) != 4 ||
		!strings.HasPrefix(lines[1], "bob@mail.example.com,Bob,,,true,,") ||
		!strings.HasPrefix(lines[2], `cid@mail.example.com,Cid,,,false,"met, at a fair",`+cid.Code+",Imported by staff.,") ||
		!strings.HasPrefix(lines[3], "dan@mail.example.com,,,,true,,") {
		t.Errorf("%d %s\n%s", code, stderr, out)
	}
}

// Control characters of a chat message are not printed to a terminal.
func TestChatDoesNothingToATerminal(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	const nasty = "\x1b]0;owned\x07\x1b[2J\u009b2J \u202eevil\x08\x7f\r= end"
	e.is(e.As(member(id)).Post("/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", nasty),
		`{"put_chat_message":"true"}`)
	for _, args := range [][]string{{"chat"}, {"export", "-member", web.ID(id)}} {
		code, out, stderr := e.command(args...)
		if code != 0 || !strings.Contains(out, " end") {
			t.Errorf("%v: %d %s\n%s", args, code, stderr, out)
		}
		for _, r := range out {
			if r != '\n' && (unicode.IsControl(r) || r == '\u202e') {
				t.Errorf("%v prints %U: %q", args, r, out)
				break
			}
		}
	}
}

// An export finds the person by id and by address, with rows of each table but no secrets.
func TestExportOfAPerson(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := person(e)
	for _, args := range [][]string{{"-member", web.ID(id)}, {"-email", "second@MAIL.example.com"}} {
		code, out, stderr := e.command(append([]string{"export"}, args...)...)
		if code != 0 {
			t.Fatal(stderr)
		}
		var got map[string][]map[string]any
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		for table, rows := range map[string]int{"accounts": 1, "former_addresses": 1, "terms_agreed": 1, "codes": 2, "prospects": 1,
			"prospect_codes": 1, "consents": 3, "unsubscribe_reasons": 1, "chat_messages": 2} {
			if len(got[table]) != rows {
				t.Errorf("%v: %d rows of %s", args, len(got[table]), table)
			}
		}
		if strings.Contains(out, "argon2") || strings.Contains(out, "bob") || !strings.Contains(out, "Annabel") {
			t.Errorf("%v: %s", args, out)
		}
	}

	if code, out, _ := e.command("export", "-member", "999"); code != 0 || strings.Contains(out, "@") {
		t.Errorf("no one's export: %d %s", code, out)
	}
}

// An erasure leaves no trace in any table, spares others, and tells the other services each time.
func TestErasureOfAPerson(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := person(e)
	prospect, _ := e.prospect("first@mail.example.com")
	for range 2 {
		if code, _, stderr := e.command("erase", "-member", web.ID(id)); code != 0 {
			t.Fatal(stderr)
		}
	}

	var tables []string
	if err := e.pool.QueryRow(t.Context(), `SELECT array_agg(tablename::text) FROM pg_tables WHERE schemaname = current_schema AND `+
		`tablename NOT LIKE 'version%'`).Scan(&tables); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		for _, trace := range []string{"first@mail", "second@mail", "third@mail", "ann_lee", "Annabel", "it is me", "because"} {
			n := e.Number(`SELECT count(*) FROM `+table+
				` t WHERE position($1 IN lower(t::text)) > 0 OR position(encode(convert_to($1, 'UTF8'), 'hex') IN t::text) > 0`,
				strings.ToLower(trace))
			if n > 0 && (table != "outbox" || trace[len(trace)-5:] != "@mail") {
				t.Errorf("%d rows of %s hold %s", n, table, trace)
			}
		}
	}

	events := outboxPayloads[msg.Erased](e, msg.UserErased)
	if len(events) != 2 || events[0].MemberID != id || events[0].ProspectID != prospect.ID || len(events[0].Emails) != 2 ||
		events[1].MemberID != id {
		t.Errorf("events %+v", events)
	}
	if n := e.Number(`SELECT (SELECT count(*) FROM account) + (SELECT count(*) FROM chat_message)`); n != 2 {
		t.Errorf("%d rows of the stranger", n)
	}
}

// An address that Stripe accepts and our own forms refuse can be erased.
func TestEraseOddAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	const email = "o'brien&sons@mail.example.com"
	e.receive(placed(t, "A1", email, "code1", false))
	e.Exec(`INSERT INTO parked (consumer, key, subject, payload, reason, attempts) VALUES ('user-order', 'k', 's', $1, 'r', 1)`,
		placed(t, "A1", email, "code1", false).Data)
	if code, _, stderr := e.command("erase", "-email", email); code != 0 {
		t.Fatal(stderr)
	}
	if n := e.Number(`SELECT (SELECT count(*) FROM prospect) + (SELECT count(*) FROM parked) + (SELECT count(*) FROM outbox WHERE `+
		`subject = $1)`, msg.ProspectChanged); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// An erasure of a person who only named an address spares the member who has proved it.
func TestEraseSparesTheOwnerOfAnAddress(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.is(e.Post("/user/put-chat-message", "name", "Ann", "email_address", "ann@mail.example.com", "message", "hello"),
		`{"put_chat_message":"true"}`)
	owner := e.verified("ann_lee", "ann@mail.example.com")
	impostor := e.register("impostor", "ann@mail.example.com")

	if code, _, stderr := e.command("erase", "-member", web.ID(impostor)); code != 0 {
		t.Fatal(stderr)
	}
	if e.Number(`SELECT count(*) FROM chat_message WHERE member_id = $1`, owner) != 1 || e.Number(`SELECT count(*) FROM prospect`) != 1 ||
		e.Number(`SELECT count(*) FROM account`) != 1 {
		t.Error("the owner's rows are gone")
	}
	events := outboxPayloads[msg.Erased](e, msg.UserErased)
	if len(events) != 1 || len(events[0].Emails) != 0 || events[0].MemberID != impostor {
		t.Errorf("events %+v", events)
	}

	if code, _, stderr := e.command("erase", "-email", "ann@MAIL.example.com"); code != 0 || e.Number(`SELECT count(*) FROM account`) != 0 {
		t.Error(stderr)
	}
}
