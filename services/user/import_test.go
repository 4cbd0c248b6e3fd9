package user

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// A list is read the same, however a spreadsheet saves it.
func TestImportOfSpreadsheets(t *testing.T) {
	t.Parallel()
	const plain = "email,first_name,unsubscribed,phone\nann@mail.example.com,Ann,false,+1 234\nbob@mail.example.com,Bob,true," +
		"\ncid@mail.example.com,\"Ci\nd\",,\n"

	utf16le := "\xff\xfe"
	for _, u := range utf16.Encode([]rune(strings.ReplaceAll(strings.ReplaceAll(plain, "+1", "'+1"), ",", "\t"))) {
		utf16le += string([]byte{byte(u), byte(u >> 8)})
	}

	for name, text := range map[string]string{
		"plain": plain,
		"mark and quotes": "\ufeff\"email\",\"first_name\",\"unsubscribed\",\"phone\"\r\n\"ann@mail.example.com\",\"Ann\",\"FALSE\"," +
			"\"'+1 234\"\r\n\"bob@mail.example.com\",\"Bob\",\"TRUE\",\"\"\r\n\"cid@mail.example.com\",\"Ci\nd\",\"\",\"\"\r\n",
		"capitals and blanks": " Email , First Name,UNSUBSCRIBED ,Phone\n ann@mail.example.com\u00a0,  Ann ,False ,+1 " +
			"234\nbob@Mail.Example.com, Bob, True,\n\ncid@mail.example.com,\"Ci\nd\",  ,\n,,,\n , ,,\n",
		"blanks and quotes": "email, \"first_name\", \"unsubscribed\", phone\nann@mail.example.com, \"Ann\", \"FALSE\", +1 " +
			"234\nbob@mail.example.com, Bob, \"TRUE\",\ncid@mail.example.com, \"Ci\nd\",,\n",
		"left-over columns": "EMAIL,,First_Name,unsubscribed,phone,,\nann@mail.example.com,,Ann,FALSE,+1 234,,\nbob@mail.example.com,," +
			"Bob,TRUE\ncid@mail.example.com,,\"Ci\nd\",,,,,,\n",
		"semicolons": "email;first_name;unsubscribed;phone\r\nann@mail.example.com;Ann;FALSE;+1 " +
			"234\r\nbob@mail.example.com;Bob;TRUE;\r\ncid@mail.example.com;\"Ci\nd\";;\r\n",
		"two-byte letters": utf16le,
		"ends of old":      strings.ReplaceAll(strings.ReplaceAll(plain, "Ci\nd", "Ci d"), "\n", "\r"),
		"more than once":   plain + "ANN@mail.example.com,Ann,FALSE,\nBOB@mail.example.com,Bob,false,\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnv(t)
			code, out, stderr := e.command("prospects", "import", "-file", e.file(text))
			if code != 0 || !strings.HasPrefix(out, "Prospects added: 3,") {
				t.Fatalf("%d %s %s", code, out, stderr)
			}
			if n := e.Number(`SELECT count(*) FROM prospect`); n != 3 {
				t.Errorf("%d prospects", n)
			}
			for email, where := range map[string]string{
				"ann@mail.example.com": `first_name = 'Ann' AND phone = '+1 234' AND NOT unsubscribed`,
				"bob@mail.example.com": `first_name = 'Bob' AND phone IS NULL AND unsubscribed AND unsubscribed_at IS NOT NULL`,
				"cid@mail.example.com": `first_name IN (E'Ci\nd', 'Ci d') AND unsubscribed AND unsubscribed_at IS NULL`,
			} {
				if n := e.Number(`SELECT count(*) FROM prospect WHERE email = $1 AND `+where, email); n != 1 {
					t.Errorf("%s is not as listed", email)
				}
			}
		})
	}
}

// Every line that is wrong is named, and nothing is stored.
func TestImportNamesEveryRefusedLine(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	refused := func(text string, want ...string) {
		t.Helper()
		code, out, stderr := e.command("prospects", "import", "-file", e.file(text))
		if code != 1 || out != "" {
			t.Errorf("%q: %d %s", text, code, out)
		}
		for _, part := range want {
			if !strings.Contains(stderr, part) {
				t.Errorf("%q: %q is not in %s", text, part, stderr)
			}
		}
		if n := e.Number(`SELECT (SELECT count(*) FROM prospect) + (SELECT count(*) FROM consent) + (SELECT count(*) FROM ` +
			`outbox)`); n != 0 {
			t.Errorf("%q left %d rows", text, n)
		}
	}

	refused("email,first_name,unsubscribed\nfine@mail.example.com,Fine,FALSE\nnone,Ann,\nann@mail.example.com,\"A\nnn\","+
		"yes\nbob@mail.example.com,"+strings.Repeat("x", 31)+",\n"+
		"cid@mail.example.com,Cid \"the\" Great,\ndan@mail.example.com,D\xfcn,\neve@mail.example.com,,,x\n,Fay,TRUE\n",
		"nothing was imported: ", "line 3: email is not an address", "line 4: unsubscribed is neither",
		"line 6: first_name is longer than 30",
		"line 7: bare \"", "line 8: first_name is not UTF-8 text",
		"line 9: cell 4 is below no column name", "line 10: email is not an address")

	refused("email\rnone\rfine@mail.example.com\r", "line 2: email is not an address")
	refused("\ufeffFirst Name;Phone\nAnn;1\n", "no column email")
	refused("email,E-Mail\na@b.cd,\n", `unknown column "E-Mail", the columns are email`)
	refused("email, Email\na@b.cd,\n", "two columns email")
	refused("\xff\xfee", "in the middle of a character")
}

// People whom the shop knows are found whatever the case of their address, and keep their choice.
func TestImportFindsPeopleInWhateverLetters(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.register("ann_lee", "Ann@mail.example.com")
	e.Exec(`INSERT INTO prospect (email, unsubscribed, unsubscribed_at, unsubscribe_token, pr_cd) VALUES ('Bob@mail.example.com', true, ` +
		`now(), 'token1', 'code1')`)
	code, out, stderr := e.command("prospects", "import", "-file",
		e.file("email,unsubscribed\nANN@mail.example.com,FALSE\nbob@MAIL.example.com,FALSE\ncid@mail.example.com,"+
			"FALSE\nCID@mail.example.com,TRUE\n"))
	if code != 0 || out != "Prospects added: 1, known before: 3.\n" {
		t.Errorf("%d %s %s", code, out, stderr)
	}
	if n := e.Number(`SELECT count(*) FROM prospect WHERE unsubscribed AND unsubscribed_at IS NOT NULL`); n != 2 ||
		e.Number(`SELECT count(*) FROM prospect`) != 2 {
		t.Errorf("%d prospects have said no", n)
	}
}

// A refusal in a list wins over the subscription of a person whom the shop knows. That our own
// export calls people "unsubscribed" who never refused changes nothing.
func TestImportedNoWins(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	ann := e.register("ann_lee", "Ann@mail.example.com", "newsletter", "true")
	e.Exec(`INSERT INTO prospect (email, unsubscribed, unsubscribe_token, pr_cd) VALUES
		('Bob@mail.example.com', false, 'token1', 'code1'),
		('cid@mail.example.com', true, 'token2', 'code2'), ('dan@mail.example.com', false, 'token3', 'code3')`)
	dan := e.register("dan_ray", "Dan@mail.example.com", "newsletter", "true")

	list := e.file("email,unsubscribed\nANN@mail.example.com,TRUE\nbob@mail.example.com,TRUE\nCid@mail.example.com," +
		"TRUE\ndan@mail.example.com,TRUE\n")
	for range 2 { // the second time nothing is left to do
		if code, out, stderr := e.command("prospects", "import", "-file", list); code != 0 ||
			out != "Prospects added: 0, known before: 4.\n" {
			t.Errorf("%d %s %s", code, out, stderr)
		}
	}

	if a := e.account(ann); !a.Unsubscribed || a.Newsletter {
		t.Error("the member still gets newsletters")
	}
	if a := e.account(dan); a.Unsubscribed || !a.Newsletter {
		t.Error("that a prospect registered was taken for a no")
	}
	bob, _ := e.prospect("Bob@mail.example.com")
	cid, _ := e.prospect("cid@mail.example.com")
	if !bob.refused() || cid.refused() || !cid.Unsubscribed {
		t.Errorf("prospects %+v, %+v", bob, cid)
	}

	if n := e.Number(`SELECT count(*) FROM consent WHERE what = 'marketing-mail' AND NOT given AND source = 'import by staff'`); n != 2 {
		t.Errorf("%d consents taken back", n)
	}
	if m := outboxPayloads[msg.Member](e, msg.UserPreferencesChanged); len(m) != 1 || !m[0].Unsubscribed {
		t.Errorf("events %+v", m)
	}
}
