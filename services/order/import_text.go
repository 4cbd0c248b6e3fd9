package order

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
)

// plainText is a file as UTF-8 with a line feed at the end of each line: spreadsheets save UTF-16 ("Unicode text") and
// UTF-8, each with a mark at the beginning, and old ones a carriage return alone. false is for any other encoding,
// whose letters would have to be guessed; text is what could be read then.
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

// withLines is a text with a line feed at the end of each line, where it has carriage returns alone.
func withLines(text []byte) []byte {
	if bytes.IndexByte(text, '\n') < 0 {
		text = bytes.ReplaceAll(text, []byte("\r"), []byte("\n"))
	}
	return text
}

// brokenPlace is where a text is not UTF-8 for the first time: its line, and the column as the file calls it, "" where
// that cannot be told.
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

// fromUTF16 is UTF-16 as UTF-8; nothing that is valid where it is none.
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

// separatorLine is a first line with which some spreadsheets are told what stands between values.
var separatorLine = regexp.MustCompile(`^"?sep=([,;\t|])"?\r?\n`)

// separator is what stands between the values of a file. A line that tells it is left empty, so that lines keep their
// numbers; else it is what the names of columns have most of.
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

// sameText reports whether a value is what the shop has, as files of the shop write it (pkg/printout).
func sameText(value, was string) bool {
	return value == was || value == strings.TrimSpace(printout.FromCell(printout.Cell(was)))
}

// shortened is a long number as spreadsheets show it, and save it.
var shortened = regexp.MustCompile(`^\d([.,]\d+)?E\+\d+$`)

// Amounts with thousands, or with a comma before the cents, as cells show them. A comma before three digits may be
// either: it is refused.
var (
	commaAmount = regexp.MustCompile(`^(-?\d{1,3}(?:\.\d{3})+|-?\d+),(\d{1,2})$`)
	pointAmount = regexp.MustCompile(`^(-?\d{1,3}(?:,\d{3})+)\.(\d{1,2})$`)
)

// readFileAmount reads an amount as spreadsheets write it.
func readFileAmount(text string) (money.Cents, error) {
	text = strings.Trim(text, "$ \u00a0\u202f")
	if m := commaAmount.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(m[1], ".", "") + "." + m[2]
	} else if m := pointAmount.FindStringSubmatch(text); m != nil {
		text = strings.ReplaceAll(m[1], ",", "") + "." + m[2]
	}
	return money.Parse(text) //nolint:wrapcheck // the caller says which place it is about
}

// gramsOf are units of weight in grams.
var gramsOf = map[string]float64{"": 1, "g": 1, "kg": 1000, "oz": 28.349523125, "lb": 453.59237, "lbs": 453.59237}

// weightText is a number and a unit.
var weightText = regexp.MustCompile(`^(\d{1,9})(?:[.,](\d{1,16}))?\s*(g|kg|oz|lbs?)?$`)

// readFileGrams reads a weight: grams, or a number with its unit, rounded to whole grams. Three digits behind a point
// or a comma may be thousands where the unit is not a larger one: they are refused.
func readFileGrams(text string) (int32, bool) {
	m := weightText.FindStringSubmatch(strings.ToLower(text))
	if m == nil || len(m[2]) == 3 && gramsOf[m[3]] == 1 {
		return 0, false
	}
	number, err := strconv.ParseFloat(m[1]+"."+m[2]+"0", 64)
	grams := math.Round(number * gramsOf[m[3]])
	return int32(min(grams, maxGrams)), err == nil && grams <= maxGrams
}
