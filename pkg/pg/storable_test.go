package pg_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// outside is what texts and JSON from outside may hold.
var outside = []string{
	"", "plain", "a\x00b", "\x00", "\xff\xfe", "half \xe2\x82", "emoji 😀", strings.Repeat("é", 5000), `{}`, `null`,
	`{"a":"\u0000","\u0000":1}`, `["\ud800","\udc00\ud800","\ud83d\ude00"]`,
	`1e999999`, `{"n":[1e131073,-1E-200000,1e5,0.1,12345678901234567890]}`, "1" + strings.Repeat("0", 200_000),
	strings.Repeat("[", 9000) + strings.Repeat("]", 9000),
	strings.Repeat(`{"a":`, 9000) + "1" + strings.Repeat("}", 9000), `{"a":1`, `{} {}`, "{\"a\":\"\x00\"}", "\"\xff\"", `{"a":1,"a":2}`,
}

// Whatever comes from outside, PostgreSQL takes it.
func TestTextFromOutsideCanBeStored(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context()) //nolint:errcheck // the test is over
	if _, err := conn.Exec(t.Context(), `CREATE TEMPORARY TABLE kept (t text, k text PRIMARY KEY, j jsonb)`); err != nil {
		t.Fatal(err)
	}
	for _, s := range outside {
		if _, err := conn.Exec(t.Context(), `INSERT INTO kept VALUES ($1, $2, $3)`, pg.StorableText(s, 0), pg.StorableKey(s, 255),
			pg.StorableJSON([]byte(s))); err != nil {
			t.Errorf("%.60q: %v", s, err)
		}
	}
}

func FuzzStorable(f *testing.F) {
	for _, s := range outside {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, most := range []int{32, 255} {
			text, key := pg.StorableText(s, most), pg.StorableKey(s, most)
			for _, got := range []string{text, key} {
				if len(got) > most || !utf8.ValidString(got) || strings.ContainsRune(got, 0) {
					t.Fatalf("%q became %q", s, got)
				}
			}
			if len(s) <= most && utf8.ValidString(s) && !strings.ContainsRune(s, 0) && (text != s || key != s) {
				t.Fatalf("%q was changed into %q, %q", s, text, key)
			}
		}
		raw := pg.StorableJSON([]byte(s))
		if !json.Valid(raw) || !utf8.Valid(raw) || strings.Contains(strings.ReplaceAll(string(raw), `\\`, ""), `\u0000`) {
			t.Fatalf("%q became %s", s, raw)
		}
	})
}

func TestClip(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		most       int
	}{
		{"plain", "plain", 5}, {"plain", "pla", 3}, {"ééé", "éé", 2}, {"ééé", "ééé", 3}, {"a\xffb\x00cd", "a\uFFFDbc", 4}, {"a", "", 0},
	} {
		if got := pg.Clip(tt.text, tt.most); got != tt.want {
			t.Errorf("%q cut to %d is %q, want %q", tt.text, tt.most, got, tt.want)
		}
	}
}

func TestLongKeysStayDifferent(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 300)
	if a, b := pg.StorableKey(long+"a", 255), pg.StorableKey(long+"b", 255); a == b || len(a) > 255 || pg.StorableKey(long+"a", 255) != a {
		t.Errorf("%s and %s", a, b)
	}
	if pg.StorableKey("a\x00b", 255) == pg.StorableKey("a\uFFFDb", 255) {
		t.Error("two keys became one")
	}
}
