package testenv

import (
	"encoding"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// Faces asks for each page of a service's staff on all its faces. The JSON is held against the
// struct that the page shows: every field is there under a name of its own, none beside them, and
// an empty list is one. What the structs are is kept in file, so that a change of what programs
// read changes that, too; -update writes it. In CSV no cell is a formula. parts are what stands for
// the parts of paths, such as {id}, or for how paths begin, such as /discounts/{id}. The client is
// a person who may do everything.
func (c *Client) Faces(file string, pages adminui.Pages, parts map[string]string) {
	c.TB.Helper()
	var last adminui.Answer
	pages.Routes = slices.Clone(pages.Routes)
	for i, route := range pages.Routes {
		pages.Routes[i].Handle = func(r *http.Request) (_ adminui.Answer, err error) {
			last, err = route.Handle(r)
			return last, err
		}
	}

	asked := *c
	asked.Handler = Mount(c.TB, c.Staff.Service, pages, http.NotFoundHandler())
	shapes := map[string]any{}
	for _, route := range pages.Routes {
		if route.Method != http.MethodGet {
			continue
		}
		path := pathOf(route, parts)
		asked.Header = http.Header{"Accept": {"application/json"}}
		answer := asked.Get(path)
		page, ok := last.(adminui.Page)
		if answer.Status != http.StatusOK {
			c.TB.Errorf("%s as JSON: %s", path, answer)
		}
		if !ok || answer.Status != http.StatusOK {
			continue
		}

		Fits(answer, page.Data)
		shapes[route.Path] = page.Data

		asked.Header = http.Header{"Accept": {"text/html"}}
		if a := asked.Get(path); a.Status != http.StatusOK || strings.Contains(a.Body, "ZgotmplZ") {
			c.TB.Errorf("%s as HTML: %s", path, a)
		}
		if page.Table != nil && !strings.HasSuffix(route.Path, "}") {
			address, query, _ := strings.Cut(path, "?")
			noFormula(c.TB, asked.Get(address+".csv?"+query))
		}
	}
	Shapes(c.TB, file, shapes)
}

// Shapes holds what pages are as JSON, by path, against a file; -update writes it.
func Shapes(tb testing.TB, file string, pages map[string]any) {
	tb.Helper()
	var text strings.Builder
	text.WriteString("What programs read of the staff's pages with Accept: application/json.\n" +
		"A form that is refused, with 422 or 409, has errors beside these: by the field, \"\" for the whole.\n" +
		"Generated: go test -run SchemaOfPages -update\n")
	told := map[reflect.Type]string{}
	for _, path := range slices.Sorted(maps.Keys(pages)) {
		fmt.Fprintf(&text, "\nGET %s\n", path)
		describe(&text, reflect.TypeOf(pages[path]), path, "  ", told)
	}
	Generated(tb, file, text.String())
}

// pathOf is a path of a route.
func pathOf(route adminui.Route, parts map[string]string) string {
	path, longest := route.Path, ""
	for begin := range parts {
		if strings.HasPrefix(begin, "/") && strings.HasPrefix(path, begin) && len(begin) > len(longest) {
			longest = begin
		}
	}
	path = parts[longest] + strings.TrimPrefix(path, longest)
	for name, value := range parts {
		path = strings.ReplaceAll(path, "{"+name+"}", value)
	}
	return adminui.Prefix + path
}

// noFormula requires a file whose cells a spreadsheet shows as they are.
func noFormula(tb testing.TB, a Answer) {
	tb.Helper()
	rows, err := csv.NewReader(strings.NewReader(a.Body)).ReadAll()
	if err != nil || a.Status != http.StatusOK || len(rows) == 0 {
		tb.Errorf("%s as CSV: %s, %v", a.Request.URL, a, err)
	}
	for _, cell := range slices.Concat(rows...) {
		_, err := strconv.ParseFloat(cell, 64)
		if err != nil && cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
			tb.Errorf("%s: a spreadsheet takes %q for a formula", a.Request.URL, cell)
		}
	}
}

// jsonField is a field of a struct as JSON has it.
type jsonField struct {
	name     string
	optional bool // left out when it is empty
	of       reflect.Type
}

// jsonFields are the fields of a struct, those of embedded ones among them.
func jsonFields(t reflect.Type) (list []jsonField) {
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
		case f.Anonymous && name == "" && indirect(f.Type).Kind() == reflect.Struct:
			list = append(list, jsonFields(indirect(f.Type))...)
		default:
			list = append(list, jsonField{name, strings.Contains(options, "omit"), f.Type})
		}
	}
	return list
}

func indirect(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

var (
	marshaler     = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	rawJSON       = reflect.TypeFor[json.RawMessage]()
)

// opaque reports whether a type marshals itself, or may hold anything.
func opaque(t reflect.Type) bool {
	return t == rawJSON || t.Kind() == reflect.Interface || t.Implements(marshaler) || t.Implements(textMarshaler)
}

// Fits holds an answer as JSON against the struct that it was made of.
func Fits(a Answer, data any) {
	a.TB.Helper()
	matches(a.TB, a.Request.URL.Path, reflect.TypeOf(data), a.At())
}

// matches compares what was answered with the type that it was made of.
func matches(tb testing.TB, where string, t reflect.Type, v any) {
	tb.Helper()
	if t == nil || opaque(t) || v == nil && t.Kind() == reflect.Pointer {
		return
	}

	switch t = indirect(t); t.Kind() {
	case reflect.Struct:
		answer, ok := v.(map[string]any)
		if !ok {
			tb.Errorf("%s is not an object: %v", where, v)
		}
		named := map[string]bool{}
		for _, f := range jsonFields(t) {
			named[f.name] = true
			one, there := answer[f.name]
			switch {
			case f.name == "":
				tb.Errorf("%s: a field of %s has the name that it has in Go", where, t)
			case there:
				matches(tb, where+" "+f.name, f.of, one)
			case !f.optional:
				tb.Errorf("%s: %s is missing", where, f.name)
			}
		}
		for name := range answer {
			if !named[name] {
				tb.Errorf("%s: %s is only in the answer", where, name)
			}
		}
	case reflect.Slice, reflect.Array:
		list, ok := v.([]any)
		if _, text := v.(string); !ok && !text {
			tb.Errorf("%s is not a list: %v", where, v)
		}
		for _, one := range list {
			matches(tb, where, t.Elem(), one)
		}
	case reflect.Map:
		for key, one := range v.(map[string]any) { //nolint:errcheck // JSON has no other map; nil has nothing
			matches(tb, where+" "+key, t.Elem(), one)
		}
	}
}

// describe writes what a type of a page is in JSON, a line for each field. A large type is
// described once.
func describe(w *strings.Builder, t reflect.Type, page, indent string, told map[reflect.Type]string) {
	several := []reflect.Kind{reflect.Pointer, reflect.Slice, reflect.Map}
	for t != nil && !opaque(t) && slices.Contains(several, t.Kind()) {
		t = t.Elem()
	}
	if t == nil || opaque(t) || t.Kind() != reflect.Struct || len(indent) > 40 { // a type within itself
		return
	}
	fields := jsonFields(t)
	if before := told[t]; before != "" && len(fields) > 4 {
		fmt.Fprintf(w, "%sas in GET %s\n", indent, before)
		return
	}
	told[t] = page
	for _, f := range fields {
		optional := ""
		if f.optional {
			optional = ", may be missing"
		}
		fmt.Fprintf(w, "%s%s: %s%s\n", indent, f.name, kindOf(f.of), optional)
		describe(w, f.of, page, indent+"  ", told)
	}
}

// kindOf is the name of a type's kind in JSON.
func kindOf(t reflect.Type) string {
	switch {
	case t.Kind() == reflect.Pointer:
		return kindOf(t.Elem()) + " or null"
	case opaque(t) && t.Name() != "":
		return t.String()
	case opaque(t):
		return "anything"
	}
	switch t.Kind() {
	case reflect.Struct:
		return "object"
	case reflect.Slice, reflect.Array:
		return "list of " + kindOf(t.Elem())
	case reflect.Map:
		return "object of " + kindOf(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	default:
		return "number"
	}
}
