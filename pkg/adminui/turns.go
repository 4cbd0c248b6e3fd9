package adminui

import (
	"bytes"
	"regexp"
)

// turns are the signs of Unicode that turn text round: embeddings, overrides and isolates. No name needs them,
// and one that is left open makes another name of what follows. Letters of any script stay as they are.
var turns = regexp.MustCompile("[\u202A-\u202E\u2066-\u2069]")

// withoutTurns leaves such signs out of a page. Values of fields stay as they are stored: attributes and text areas are
// not changed, or saving a form would change what no one typed.
func withoutTurns(page []byte) []byte {
	if !turns.Match(page) {
		return page
	}
	var out bytes.Buffer
	for len(page) > 0 {
		end := bytes.IndexByte(page, '<') // html/template escapes the sign elsewhere
		if end < 0 {
			end = len(page)
		}
		out.Write(turns.ReplaceAll(page[:end], nil))
		page = page[end:]
		until := []byte(">")
		if bytes.HasPrefix(page, []byte("<textarea")) {
			until = []byte("</textarea>")
		}
		if i := bytes.Index(page, until); i >= 0 {
			end = i + len(until)
		} else {
			end = len(page)
		}
		out.Write(page[:end])
		page = page[end:]
	}
	return out.Bytes()
}

// WithoutTurns is a text that staff enter in a file, as ReadForm has those of forms.
func WithoutTurns(text string) string { return turns.ReplaceAllString(text, "") }
