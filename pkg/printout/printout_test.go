package printout

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestCSVDisarmsFormulas(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"":                         "",
		"Hello, world":             "Hello, world",
		"a@b.example":              "a@b.example",
		"=1+1":                     "'=1+1",
		"+1":                       "'+1",
		"-1":                       "-1", // a number, which can be added up
		"-17.08":                   "-17.08",
		"-1+1":                     "'-1+1",
		"-1\n":                     "'-1\n",
		"- 1":                      "'- 1",
		"@SUM(A1)":                 "'@SUM(A1)",
		"\t=1":                     " '=1",
		"\r=1":                     "\n'=1",
		"\n=1":                     "\n'=1",
		"\x00=1":                   "\ufffd'=1",
		"  =1":                     "  '=1",
		"\u00a0=1":                 "\u00a0'=1",
		"\ufeff=1":                 "\ufeff'=1",
		"\u200b+1":                 "\u200b'+1",
		"＝1＋1":                     "'＝1＋1",
		"－1":                       "'－1",
		"x;=HYPERLINK(\"//evil\")": "x;'=HYPERLINK(\"//evil\")",
		"x; @cmd":                  "x; '@cmd",
		"two\n=lines":              "two\n'=lines",
		"well-known a=b; c-d":      "well-known a=b; c-d",
	} {
		var out bytes.Buffer
		if err := CSV(&out, [][]string{{"head", cell}}); err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(&out).ReadAll()
		if err != nil || len(rows) != 1 || rows[0][1] != want {
			t.Errorf("%q is written as %q, %v; want %q", cell, rows, err, want)
		}

		if back := FromCell(want); Cell(back) != want || !strings.Contains(want, "'") && back != want {
			t.Errorf("%q comes back as %q", want, back)
		}
	}
}

func TestNothingSteersATerminal(t *testing.T) {
	t.Parallel()
	nasty := "\x1b]0;title\x07 \x1b[2J \u009b31m \u202eesrever\u2066 \x7f \x08 \u2028 \u2029 \u200f fin é 👩‍🚀"
	raw, err := json.Marshal(map[string]string{"message": nasty})
	if err != nil {
		t.Fatal(err)
	}
	var list bytes.Buffer
	if err := CSV(&list, [][]string{{nasty}}); err != nil {
		t.Fatal(err)
	}

	for name, out := range map[string]string{"plain": Plain(nasty), "csv": strings.TrimSuffix(list.String(), "\n"),
		"json": string(JSON(raw))} {
		for _, r := range out {
			if unicode.IsControl(r) || strings.ContainsRune("\u202e\u2066\u2028\u2029\u200f", r) {
				t.Errorf("%s holds %U: %q", name, r, out)
			}
		}
		if !strings.Contains(out, "fin é 👩‍🚀") {
			t.Errorf("%s lost plain text: %q", name, out)
		}
	}

	var back map[string]string
	if err := json.Unmarshal(JSON(raw), &back); err != nil || back["message"] != nasty {
		t.Errorf("JSON reads back as %q, %v", back, err)
	}
	if got := Plain("a\r\nb\rc\td"); got != "a\nb\nc d" {
		t.Errorf("lines and blanks become %q", got)
	}
}

func TestWithKeepsWhatPostgreSQLCannotRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ object, stored, want string }{
		{`{"id": 1}`, `{"name":"A\u0000B"}`, `{"id": 1,"f":{"name":"A\u0000B"}}`},
		{`{}`, `{"name":"\ud800"}`, `{"f":{"name":"\ud800"}}`},
		{`{"id": 1}`, "{\"name\":\"\xff\"}", "{\"id\": 1,\"f\":{\"name\":\"\ufffd\"}}"},
		{`{"id": 1}`, "no JSON \x00\xff", `{"id": 1,"f":"no JSON \u0000` + "\ufffd" + `"}`},
		{`{"id": 1}`, ``, `{"id": 1,"f":""}`},
	} {
		got, err := With(json.RawMessage(c.object), "f", []byte(c.stored))
		if err != nil || string(got) != c.want || !json.Valid(got) {
			t.Errorf("%s with %q is %s, %v; want %s", c.object, c.stored, got, err, c.want)
		}
	}
	if got, err := With(json.RawMessage(`{"id": 1}`), "f", nil); err != nil || string(got) != `{"id": 1,"f":null}` {
		t.Errorf("with nothing: %s, %v", got, err)
	}
	if _, err := With(json.RawMessage(`[]`), "f", nil); err == nil {
		t.Error("a field is added to a list")
	}
}
