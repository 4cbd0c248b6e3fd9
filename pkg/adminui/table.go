package adminui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/money"
	"github.com/startupwebapp/startupwebapp/pkg/printout"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const (
	pageRows = 50    // on a page
	fileRows = 10000 // in a CSV file
	// maxSearch is the longest text that a list is searched for, in characters.
	maxSearch = 200
)

// ListSpec is what a list can be narrowed and sorted by.
type ListSpec struct {
	Filters []string // names of the parameters that narrow the list
	Sorts   []string // keys of the columns it can be sorted by; the first is the usual order
}

// Listing is what the address of a list asks for. ReadListing reads it.
type Listing struct {
	ListSpec

	Search string            // parameter q, trimmed
	Chosen map[string]string // of Filters, those that were given
	Sort   string            // one of Sorts
	Down   bool              // from the largest to the smallest: parameter sort begins with -
	After  string            // cursor of the last row that was seen: parameter after
	Rows   int               // how many rows to read; one more tells whether there are more
	File   bool              // the list is asked for as a file
	// Problems say which filters are invalid and were left out of Chosen; NewTable shows them above
	// the list.
	Problems []string

	path  string
	query url.Values
}

// ReadListing reads the query of a list. Unknown parameters are ignored, invalid values are refused
// with 400.
func ReadListing(r *http.Request, spec ListSpec) (Listing, error) {
	l := Listing{ListSpec: spec}
	q, err := web.Query(r)
	if err != nil {
		return l, err
	}

	l.Chosen, l.Problems = map[string]string{}, []string{}
	l.Rows, l.path, l.query = pageRows, browserPath(r), q.Values
	if faceOf(r) == faceCSV {
		l.Rows, l.File = fileRows, true
	}

	for _, name := range l.Filters {
		if value := strings.TrimSpace(q.Get(name)); value != "" {
			l.Chosen[name] = value
		}
	}

	l.Search = strings.TrimSpace(q.Get("q"))
	if utf8.RuneCountInString(l.Search) > maxSearch {
		return l, web.BadRequest("q")
	}
	if len(l.Sorts) > 0 {
		l.Sort, l.Down = l.Sorts[0], true
	}
	if text := q.Get("sort"); text != "" {
		l.Sort, l.Down = strings.CutPrefix(text, "-")
		if !slices.Contains(l.Sorts, l.Sort) {
			return l, web.BadRequest("sort")
		}
	}

	l.After = q.Get("after")
	return l, nil
}

// Day is a chosen day, midnight UTC; zero when it was not chosen. Days before 1970 are refused: no
// shop has any.
func (l Listing) Day(name string) (time.Time, error) {
	if l.Chosen[name] == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, l.Chosen[name])
	if err != nil || day.Year() < 1970 {
		return day, web.BadRequest(name)
	}
	return day, nil
}

// Ignore removes an invalid filter from the list, and adds the reason to Problems.
func (l *Listing) Ignore(name, why string) {
	delete(l.Chosen, name)
	l.query.Del(name)
	l.Problems = append(l.Problems, why)
}

// Days are the first and the last day of a chosen range, each zero when it was not chosen: Day of
// the filters from and to. A range that ends before it begins is reversed, and the list says so.
func (l *Listing) Days() (from, to time.Time, err error) {
	if from, err = l.Day("from"); err != nil {
		return from, to, err
	}
	if to, err = l.Day("to"); err != nil || to.IsZero() || !to.Before(from) {
		return from, to, err
	}
	l.Chosen["from"], l.Chosen["to"] = to.Format(time.DateOnly), from.Format(time.DateOnly)
	l.query.Set("from", l.Chosen["from"])
	l.query.Set("to", l.Chosen["to"])
	l.Problems = append(l.Problems, "The last day was before the first one, so the range was reversed.")
	return to, from, nil
}

// With is the address of the same list with other parameters, name, value, name, value…; an empty
// value leaves one out. The list begins at its first row again.
func (l Listing) With(pairs ...string) string {
	q := url.Values{}
	for name, values := range l.query {
		if name != "after" && len(values) > 0 && values[0] != "" {
			q.Set(name, values[0])
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Del(pairs[i])
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(l.path, q)
}

func address(path string, q url.Values) string {
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// Cursor is a row's place in a list: the values that the list is sorted by, the last one unique.
func Cursor(key any) string {
	raw, err := json.Marshal(key)
	if err != nil {
		panic(err) // keys are numbers, texts and times
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// ReadCursor reads a Cursor back; ok is false at the beginning of a list.
func ReadCursor[K any](l Listing) (key K, ok bool, err error) {
	if l.After == "" {
		return key, false, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(l.After)
	if err == nil {
		err = json.Unmarshal(raw, &key)
	}
	// JSON writes NUL as an escape; no value of a column has one, and PostgreSQL takes none.
	if err != nil || bytes.Contains(raw, []byte(`\u0000`)) {
		return key, false, web.BadRequest("after")
	}
	return key, true, nil
}

// Column is a column of a list of R. What Value returns decides how it is shown: a text as it is,
// money.Cents and numbers to the right, time.Time as a date, Link, Badge.
type Column[R any] struct {
	Title string
	// Sort is the key under which Listing.Sorts knows the column, "" when it cannot be sorted by.
	Sort  string
	Value func(R) any
	// Minor columns have a line of their own on narrow screens, behind the column's title.
	Minor bool
	// Whole keeps a value such as an identifier on one line. Clip is for e-mail addresses: on wide
	// screens they stay on one line as well, cut if there is no room, and shown in full when they
	// are pointed at.
	Whole, Clip bool
}

// Link is a cell that leads somewhere. The first one of a row is where Enter goes. Sub is the small
// text below it: the technical name.
type Link struct{ Text, To, Sub string }

// Badge is a short state; Tone is "", good, warn or bad.
type Badge struct{ Text, Tone string }

// Tab is a view of a list with a count, such as a status. A negative count is not shown.
type Tab struct {
	Title  string
	To     string
	Count  int64
	More   bool // there are more than Count: counting stops at a limit
	Active bool
}

// Choice is a filter that offers values.
type Choice struct {
	Name, Label string
	Options     []Option
	Value       string
	// Date makes it a field for a day, Text one for a text.
	Date, Text bool
}

// Option is a value that can be chosen.
type Option struct{ Value, Text string }

// Table is a list as pages and CSV files show it; NewTable makes one.
type Table struct {
	Name    string // name of the CSV file
	Caption string // for screen readers
	Head    []Heading
	Rows    []TableRow
	Next    string // address of the rows that follow, "" at the end
	First   string // address of the beginning, "" there
	CSV     string // address of the file, "" for those who may not have it
	Search  *Search
	Tabs    []Tab
	Choices []Choice
	Kept    []Option // parameters that filtering leaves as they are
	// Bulk are commands for the rows that are chosen; each posts their keys as id.
	Bulk []Command
	// Empty is what an empty list says.
	Empty string
	// Problems say which filters were left out, in sentences.
	Problems []string
	// Labelled puts the heading of its column before each number where rows are shown as cards.
	Labelled bool
}

// Search is the field above a list.
type Search struct {
	Label, Value, Path string
	Hidden             []Option // parameters that stay as they are
}

// Command is a button that posts.
type Command struct {
	Text string `json:"text"`
	To   string `json:"to"`
	Tone string `json:"tone,omitempty"`
}

// Heading is the heading of a column.
type Heading struct {
	Title  string
	To     string // sorts the list by it
	Sorted string // ascending, descending or ""
	Number bool
	Minor  bool
}

// TableRow is a row; Key stands for it in Bulk.
type TableRow struct {
	Key   string
	Cells []Cell
}

// Cell is a value and how its column shows it.
type Cell struct {
	Value  any
	Number bool
	Minor  bool
	Whole  bool
	Clip   bool
}

// Pointed is the full text of a clipped cell, shown when it is pointed at.
func (c Cell) Pointed() string {
	if l, is := c.Value.(Link); is {
		return l.Text
	}
	return fmt.Sprint(c.Value)
}

// Class is the class of the cell for style sheets.
func (c Cell) Class() string {
	var names []string
	for _, n := range []struct {
		is   bool
		name string
	}{{c.Number, "number"}, {c.Minor, "minor"}, {c.Whole, "whole"}, {c.Clip, "clip"}} {
		if n.is {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, " ")
}

// NewTable makes the table of rows, one of which is beyond l.Rows if the list goes on. key is a
// row's place (see Cursor).
func NewTable[R any](l Listing, name string, columns []Column[R], rows []R, key func(R) any) *Table {
	t := &Table{Name: name, Caption: name, CSV: address(l.path+".csv", l.queryWithout("after")), Problems: l.Problems}
	if l.After != "" {
		t.First = l.With()
	}
	if len(rows) > l.Rows {
		rows = rows[:l.Rows]
		t.Next = l.With("after", Cursor(key(rows[len(rows)-1])))
	}
	for _, c := range columns {
		t.Head = append(t.Head, heading(l, c.Title, c.Sort, isNumber(c.Value(*new(R))), c.Minor))
	}
	for _, row := range rows {
		out := TableRow{Key: fmt.Sprint(key(row))}
		for i, c := range columns {
			out.Cells = append(out.Cells, Cell{c.Value(row), t.Head[i].Number, c.Minor, c.Whole, c.Clip})
		}
		t.Rows = append(t.Rows, out)
	}
	return t
}

func (l Listing) queryWithout(name string) url.Values {
	q := url.Values{}
	for n, values := range l.query {
		if n != name {
			q[n] = values
		}
	}
	return q
}

func heading(l Listing, title, sort string, number, minor bool) Heading {
	h := Heading{Title: title, Number: number, Minor: minor}
	if sort == "" {
		return h
	}
	h.To = l.With("sort", "-"+sort)
	if l.Sort == sort {
		h.Sorted = "ascending"
		if l.Down {
			h.Sorted, h.To = "descending", l.With("sort", sort)
		}
	}
	return h
}

func isNumber(value any) bool {
	switch value.(type) {
	case money.Cents, int, int64:
		return true
	}
	return false
}

// WithSearch puts a search field above the list, once its Choices are known.
func (t *Table) WithSearch(l Listing, label string) *Table {
	t.Search = &Search{Label: label, Value: l.Search, Path: l.path}
	for name, value := range l.Chosen {
		t.Search.Hidden = append(t.Search.Hidden, Option{name, value})
		if !slices.ContainsFunc(t.Choices, func(c Choice) bool { return c.Name == name }) {
			t.Kept = append(t.Kept, Option{name, value})
		}
	}
	byName := func(a, b Option) int { return strings.Compare(a.Value, b.Value) }
	slices.SortFunc(t.Search.Hidden, byName)
	slices.SortFunc(t.Kept, byName)
	return t
}

// writeCSV writes the list as a file. Nothing in it acts on a spreadsheet (pkg/printout).
func (t *Table) writeCSV(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+t.Name+`.csv"`)
	var head []string
	for _, h := range t.Head {
		head = append(head, h.Title)
	}
	lines := [][]string{head}
	for _, row := range t.Rows {
		var line []string
		for _, c := range row.Cells {
			line = append(line, plain(c.Value))
		}
		lines = append(lines, line)
	}
	return printout.CSV(w, lines)
}

// plain is a value as CSV files have it: decimal amounts, times in the form of RFC 3339.
func plain(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case string:
		return v
	case Link:
		return v.Text
	case Badge:
		return v.Text
	case Part:
		return v.Text
	case time.Time:
		if v.IsZero() {
			return ""
		}
		return v.UTC().Format(time.RFC3339)
	case int:
		return strconv.Itoa(v)
	}
	return fmt.Sprint(value)
}
