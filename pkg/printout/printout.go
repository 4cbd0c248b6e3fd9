// Package printout writes lists for staff. They hold text from shoppers, so nothing of it may act
// on the terminal that shows a list, or on the spreadsheet that opens it.
package printout

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// List is a list under way: lines of comma-separated values as RFC 4180 has them. Every list in
// this format that the shop gives out goes through here.
type List struct{ csv *csv.Writer }

// NewList begins a list.
func NewList(w io.Writer) *List { return &List{csv.NewWriter(w)} }

// Row adds a line.
func (l *List) Row(cells ...string) error {
	clean := make([]string, len(cells))
	for i, cell := range cells {
		clean[i] = Cell(cell)
	}
	if err := l.csv.Write(clean); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}

// End writes what is still held back.
func (l *List) End() error {
	l.csv.Flush()
	if err := l.csv.Error(); err != nil {
		return fmt.Errorf("write a list: %w", err)
	}
	return nil
}

// CSV writes a whole list.
func CSV(w io.Writer, rows [][]string) error {
	l := NewList(w)
	for _, row := range rows {
		if err := l.Row(row...); err != nil {
			return err
		}
	}
	return l.End()
}

// opening matches the beginning of what a spreadsheet takes for a formula, full-width signs
// included, at the beginning of a cell, or of a line or behind a semicolon in it: a spreadsheet
// that expects semicolons between cells begins a new one there, whatever is quoted.
var opening = regexp.MustCompile("(^|[\n;])([\\s\\pZ\u200b\u2060\ufeff\ufffd]*)([=+\\-@＝＋－＠])")

// below matches a number below zero, which is not a formula.
var below = regexp.MustCompile(`^-[0-9]+(\.[0-9]+)?$`)

// Cell is a value as a list has it: an apostrophe stands before whatever could be a formula.
func Cell(value string) string {
	if below.MatchString(value) {
		return value
	}
	return opening.ReplaceAllString(Plain(value), "$1$2'$3")
}

// armed matches what Cell makes of a match of opening.
var armed = regexp.MustCompile("(^|[\n;])([\\s\\pZ\u200b\u2060\ufeff\ufffd]*)'([=+\\-@＝＋－＠])")

// FromCell is the value of a cell, when a list comes back.
func FromCell(cell string) string { return armed.ReplaceAllString(cell, "$1$2$3") }

// Plain is text without characters that steer a terminal: control characters other than the end of
// a line, and those that turn the direction of writing around.
func Plain(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r':
			return '\n'
		case r == '\t':
			return ' '
		case controls(r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// JSON is JSON text in which characters that steer a terminal are escaped. They stand in strings
// only.
func JSON(raw []byte) []byte {
	clean := true
	for i := range raw {
		if raw[i] >= 0x7f { // what is below is escaped in valid JSON
			clean = false
			break
		}
	}
	if clean {
		return raw
	}
	out := make([]byte, 0, len(raw)+64)
	for len(raw) > 0 {
		r, size := utf8.DecodeRune(raw)
		switch {
		case r == utf8.RuneError && size == 1:
			out = utf8.AppendRune(out, utf8.RuneError)
		case r != '\n' && r != '\r' && r != '\t' && controls(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, raw[:size]...)
		}
		raw = raw[size:]
	}
	return out
}

// controls reports whether a terminal may do something else with a character than show it.
func controls(r rune) bool { return unicode.IsControl(r) || unicode.Is(turning, r) }

// turning holds the marks, embeddings, overrides and isolates of bidirectional text, and the
// separators of lines and paragraphs.
var turning = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x061c, Hi: 0x061c, Stride: 1}, {Lo: 0x200e, Hi: 0x200f, Stride: 1}, {Lo: 0x2028, Hi: 0x202e, Stride: 1},
	{Lo: 0x2066, Hi: 0x2069, Stride: 1},
}}

// With adds a field to a JSON object (to_jsonb of a row): JSON that was stored as it came, byte for
// byte. PostgreSQL reads less JSON than others do: it knows no \u0000 and no half of a surrogate
// pair. Text that is not JSON becomes a string.
func With(object json.RawMessage, name string, stored []byte) (json.RawMessage, error) {
	value := bytes.ToValidUTF8(stored, []byte("\ufffd"))
	switch {
	case stored == nil:
		value = []byte("null")
	case !json.Valid(value):
		var err error
		if value, err = json.Marshal(string(value)); err != nil {
			return nil, fmt.Errorf("marshal a text: %w", err)
		}
	}
	key, err := json.Marshal(name)
	if err != nil {
		return nil, fmt.Errorf("marshal the name of a field: %w", err)
	}
	object = bytes.TrimSpace(object)
	if len(object) < 2 || object[len(object)-1] != '}' {
		return nil, errors.New("not a JSON object")
	}
	out := append([]byte{}, object[:len(object)-1]...)
	if len(bytes.TrimSpace(object[1:len(object)-1])) > 0 {
		out = append(out, ',')
	}
	out = append(append(append(out, key...), ':'), value...)
	return append(out, '}'), nil
}
