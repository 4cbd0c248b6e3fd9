package productfile

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"regexp"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// plainText is a file as UTF-8 with a line feed at the end of each line: spreadsheets save UTF-16
// ("Unicode text") and UTF-8, each with a byte order mark, and old ones end lines with a carriage
// return. The result is false for any other encoding, whose letters would have to be guessed; text
// is then the part that could be read.
func plainText(body []byte) (text []byte, ok bool) {
	switch {
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		body = fromUTF16(body[2:], binary.LittleEndian)
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		body = fromUTF16(body[2:], binary.BigEndian)
	default:
		body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	}
	if !utf8.Valid(body) || bytes.IndexByte(body, 0) >= 0 {
		return withLines(body), false
	}
	return withLines(body), true
}

// withLines ends lines with a line feed if the text ends them with a carriage return alone.
func withLines(text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return text
}

// brokenPlace is the first place that is not UTF-8: its line, and the column as the file names it,
// "" if that is unknown.
func brokenPlace(text []byte) (line int, column string) {
	text, comma := separator(text)
	at := 0
	for at < len(text) && text[at] != 0 {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size < 2 {
			break
		}
		at += size
	}

	line, value, quoted := 1, 0, false
	for _, c := range text[:min(at, len(text))] {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n':
			if line++; !quoted {
				value = 0
			}
		case rune(c) == comma && !quoted:
			value++
		}
	}

	head := csv.NewReader(bytes.NewReader(text))
	head.Comma = comma
	names, err := head.Read()
	if first, _ := head.FieldPos(0); err != nil || first == line || value >= len(names) {
		return line, ""
	}
	return line, strings.TrimSpace(names[value])
}

// fromUTF16 converts UTF-16 into UTF-8; the result is not valid UTF-8 if the input is broken.
func fromUTF16(body []byte, order binary.ByteOrder) []byte {
	if len(body)%2 != 0 {
		return []byte{0}
	}
	units := make([]uint16, len(body)/2)
	for i := range units {
		units[i] = order.Uint16(body[2*i:])
	}
	text := make([]byte, 0, len(units))
	for _, r := range utf16.Decode(units) {
		text = utf8.AppendRune(text, r)
	}
	return text
}

// separatorLine matches a first line that tells some spreadsheets which character separates values.
var separatorLine = regexp.MustCompile(`^"?sep=([,;\t|])"?\r?\n`)

// separator is the character that separates the values of a file. A line that names it is left
// empty, so that lines keep their numbers; otherwise it is the most frequent one between the names
// of columns.
func separator(text []byte) (rest []byte, comma rune) {
	if told := separatorLine.FindSubmatch(text); told != nil {
		return text[len(told[0])-1:], rune(told[1][0])
	}
	first, _, _ := bytes.Cut(bytes.TrimLeft(text, "\r\n"), []byte("\n"))
	comma = ','
	for _, other := range ";\t|" {
		if bytes.Count(first, []byte(string(other))) > bytes.Count(first, []byte(string(comma))) {
			comma = other
		}
	}
	return text, comma
}
