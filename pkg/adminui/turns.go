package adminui

import (
	"bytes"
	"regexp"
)

// turns are the characters of Unicode that change the direction of text: embeddings, overrides and
// isolates. No name needs them, and one that is left open makes the text after it read as another
// name. Letters of any script stay as they are.
var turns = regexp.MustCompile("[\u202A-\u202E\u2066-\u2069]")

// withoutTurns removes such characters from a page. Values of fields stay as they are stored:
// attributes and text areas are not changed, or saving a form would change what no one typed.
func withoutTurns(page []byte) []byte {
	if !turns.Match(page) {
		return page
	}
	var out bytes.Buffer
	for len(page) > 0 {
		end := bytes.IndexByte(page, '<') // html/template escapes it elsewhere
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

// WithoutTurns removes such characters from a text in a file that staff upload, as ReadForm does
// for forms.
func WithoutTurns(text string) string { return turns.ReplaceAllString(text, "") }
