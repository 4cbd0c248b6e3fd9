package order

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// search looks for a text.
func (e *env) search(q string) (found []string, meant string) {
	e.t.Helper()
	var answer struct {
		Found []string
		Meant string
	}
	body := e.visitor().Get("/internal/catalog-search?q=" + url.QueryEscape(q)).Body
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		e.t.Fatal(err)
	}
	return answer.Found, answer.Meant
}

// Words are found by beginning and stem in titles and descriptions, and a misspelled word by a
// similar one.
func TestSearchFindsWords(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO product (id, identifier, title, title_url, headline) VALUES
		(10, 'Lamp1', 'The Reading Lamp', 'Lamp', 'Light for the desk, not for the room.'),
		(11, 'Schaer1', 'Schärfstein', 'Stone', 'Für Messer.')`)

	const paper, binder, bands = "bSusp6dBHm", "ITHJW3mytn", "v26ujdy3N1"
	for _, c := range []struct {
		q     string
		want  []string
		meant string
	}{
		{q: "clips", want: []string{paper, binder}},
		{q: "Binder CLIPS", want: []string{binder}},
		{q: "clip", want: []string{paper, binder}},
		{q: "bin", want: []string{binder}}, // as one types
		{q: "bands rubb", want: []string{bands}},
		{q: "stretched", want: []string{bands}}, // of the description: "stretch"
		{q: "lamp for the desk", want: []string{"Lamp1"}},
		{q: "the", want: []string{"Lamp1", bands}}, // "their own"
		{q: "schärf", want: []string{"Schaer1"}},
		{q: "papper", want: []string{paper, binder}, meant: "paper"},
		{q: "bidner clisp", want: []string{binder}, meant: "binder clip"},
		{q: "ruber", want: []string{bands}, meant: "rubber"},
		{q: "xylophone", want: []string{}},
		{q: "", want: []string{}},
		{q: "!?& | ' :* \\", want: []string{}},
	} {
		t.Run(c.q, func(t *testing.T) {
			found, meant := e.search(c.q)
			slices.Sort(found)
			slices.Sort(c.want)
			if !slices.Equal(found, c.want) || meant != c.meant {
				t.Errorf("%v, meant %q, want %v and %q", found, meant, c.want, c.meant)
			}
		})
	}
	if found, _ := e.search("paper"); found[0] != paper {
		t.Errorf("a product with the word in its title is not first: %v", found)
	}

	// A word goes with its last product.
	e.Exec(`DELETE FROM product WHERE id = 10`)
	if n, err := deleteSearchWords(t.Context(), e.pool); err != nil || n == 0 ||
		e.Number(`SELECT count(*) FROM search_word WHERE word = 'lamp'`) != 0 ||
		e.Number(`SELECT count(*) FROM search_word WHERE word = 'clips'`) != 1 {
		t.Errorf("%d words deleted, %v", n, err)
	}
}

// A word that is in the texts of very many products does not hide the product that is named by it.
func TestSearchFindsTitlesAmongMany(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.Exec(`INSERT INTO product (identifier, title, title_url, description_part_1)
		SELECT 'many' || n, 'Thing', 'Thing', 'As good as walnut.' FROM generate_series(1, 1500) n`)
	e.Exec(`INSERT INTO product (identifier, title, title_url) VALUES ('Walnut1', 'Walnut bowl', 'Bowl')`)
	e.Exec(`INSERT INTO product (identifier, title, title_url, published) VALUES ('Walnut2', 'Walnut draft', 'Draft', false)`)
	if found, _ := e.search("walnut"); len(found) != maxFound || found[0] != "Walnut1" || slices.Contains(found, "Walnut2") {
		t.Errorf("%d found, first %v", len(found), found[:min(len(found), 3)])
	}
}

var oddTexts = []string{"clips", "a' OR 1=1 --", "\x00", "\xff\xfe", "e\u0301\u0301", "a:*&b|!c<->(d)", "٣ ½ ²", "ﬃ", "İ", "'':",
	"3m 10mm v2.0", "the", "\u202e\ufeff", strings.Repeat("long", 5000), strings.Repeat("many ", 5000)}

// Any text can be searched for, and none causes an error.
func TestSearchTakesAnyText(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	for _, q := range oddTexts {
		e.search(q)
	}
}

func FuzzSearchWords(f *testing.F) {
	for _, q := range oddTexts {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		words := searchWords(q)
		if len(words) > maxSearchWords {
			t.Errorf("%q has %d words", q, len(words))
		}
		for _, word := range words {
			if n := utf8.RuneCountInString(word); !utf8.ValidString(word) || n > maxSearchWord || n == 0 ||
				strings.ContainsAny(word, "':&|!<>()*\\\x00 ") {
				t.Errorf("%q has the word %q", q, word)
			}
		}
	})
}
