package listing

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestReadQuery(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Query{
		"":                          {Page: 1},
		"page=2&sort=price&at=77":   {Page: 2, Sort: PriceUp, At: 77},
		"page=2&sort=name&at=77":    {Page: 2, Sort: Name},
		"page=0&sort=PRICE":         {Page: 1},
		"page=-1&sort=price&at=x":   {Page: 1, Sort: PriceUp},
		"page=007":                  {Page: 7},
		"page=1e3&sort=%00":         {Page: 1},
		"page=%2B3":                 {Page: 1},
		"page=99999999999999999999": {Page: 1e9},
		"page=%D9%A3":               {Page: 1},
		"page=2&page=3":             {Page: 2},
	} {
		t.Run(text, func(t *testing.T) {
			values, err := url.ParseQuery(text)
			if err != nil {
				t.Fatal(err)
			}
			if got := ReadQuery("", values); got != want {
				t.Errorf("%s is %+v, want %+v", text, got, want)
			}
		})
	}
}

func FuzzCleanWords(f *testing.F) {
	for _, text := range []string{"Paper  Clips", "\x00a\x00", "\xff\xfe", "a\u202eb\ufeff", strings.Repeat("ä", 5000), "İSTANBUL",
		"\t\r\n",
		"a\u00a0b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean := CleanWords(text)
		if !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > maxWords || clean != strings.TrimSpace(clean) ||
			strings.ContainsFunc(clean, unicode.IsControl) {
			t.Errorf("%q becomes %q", text, clean)
		}
		if again := CleanWords(clean); again != clean {
			t.Errorf("%q becomes %q, and then %q", text, clean, again)
		}
	})
}

func FuzzReadPage(f *testing.F) {
	f.Add("2")
	f.Add("\x00")
	f.Fuzz(func(t *testing.T, text string) {
		if n := ReadPage(text); n < 1 || n > 1e9 {
			t.Errorf("%q is page %d", text, n)
		}
	})
}
