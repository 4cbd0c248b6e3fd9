package stripestandin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of the form decoder. They bound what a hostile body costs.
const (
	maxFormFields = 5000
	maxFormDepth  = 12
)

// node is one parameter of a request: a leaf with a value, or a branch with named children. The
// elements of a list are children whose names are numbers.
type node struct {
	path  string
	value string
	leaf  bool
	used  bool
	names []string
	kids  map[string]*node
}

// decodeForm decodes nested form fields, a[b][0][c]=v, into a tree.
func decodeForm(parts ...string) (*node, *apiError) {
	root := &node{}
	fields := 0
	for _, part := range parts {
		for pair := range strings.SplitSeq(part, "&") {
			if pair == "" {
				continue
			}
			if fields++; fields > maxFormFields {
				return nil, refuse("", "", "Too many parameters: at most %d are read.", maxFormFields)
			}
			if err := root.addPair(pair); err != nil {
				return nil, err
			}
		}
	}
	return root, nil
}

func (n *node) addPair(pair string) *apiError {
	rawKey, rawValue, _ := strings.Cut(pair, "=")
	key, err := url.QueryUnescape(rawKey)
	if err != nil {
		return refuse("", "", "Invalid encoding in a parameter name.")
	}
	value, err := url.QueryUnescape(rawValue)
	if err != nil {
		return refuse("", "", "Invalid encoding in the value of a parameter.")
	}
	if !cleanText(key) || !cleanText(value) {
		return refuse("", "", "Invalid UTF-8 or control characters in a parameter.")
	}

	names, ok := splitKey(key)
	if !ok {
		return refuse("parameter_unknown", "", "Invalid parameter name: %q", shorten(key, 80))
	}

	at := n
	for i, name := range names {
		if at.leaf {
			return refuse("parameter_invalid", at.path, "Invalid object: %s is given both as a value and as an object.",
				at.path)
		}
		at = at.child(name, i == 0)
	}

	if len(at.kids) > 0 {
		return refuse("parameter_invalid", at.path, "Invalid object: %s is given both as a value and as an object.",
			at.path)
	}
	at.leaf, at.value = true, value
	return nil
}

// child returns the named child, making it when needed; an empty name appends to a list.
func (n *node) child(name string, top bool) *node {
	if name == "" {
		next := len(n.names)
		for n.kids[strconv.Itoa(next)] != nil {
			next++
		}
		name = strconv.Itoa(next)
	}
	if c := n.kids[name]; c != nil {
		return c
	}
	c := &node{path: n.path + "[" + name + "]"}
	if top {
		c.path = name
	}
	if n.kids == nil {
		n.kids = map[string]*node{}
	}
	n.kids[name] = c
	n.names = append(n.names, name)
	return c
}

// splitKey splits a[b][] into a, b and "". It reports false for an invalid key.
func splitKey(key string) ([]string, bool) {
	head, rest, nested := strings.Cut(key, "[")
	if head == "" || strings.Contains(head, "]") {
		return nil, false
	}
	names := []string{head}
	for nested {
		name, after, closed := strings.Cut(rest, "]")
		if !closed || strings.Contains(name, "[") || len(names) == maxFormDepth {
			return nil, false
		}
		names = append(names, name)
		if after == "" {
			return names, true
		}
		if after[0] != '[' {
			return nil, false
		}
		rest = after[1:]
	}
	return names, true
}

// cleanText reports whether s is UTF-8 without control characters other than line breaks and tabs.
func cleanText(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	})
}

// shorten cuts s to at most n bytes, at a character boundary.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// fingerprint is equal for requests with equal parameters, in whatever order they came.
func (n *node) fingerprint(method, path string) string {
	var all []string
	n.walk(func(leaf *node) { all = append(all, leaf.path+"="+leaf.value) })
	slices.Sort(all)
	sum := sha256.Sum256([]byte(method + " " + path + "\n" + strings.Join(all, "\x00")))
	return hex.EncodeToString(sum[:16])
}

func (n *node) walk(visit func(*node)) {
	if n.leaf {
		visit(n)
	}
	for _, name := range n.names {
		n.kids[name].walk(visit)
	}
}

// reader hands out the parameters of a request and records the first fault. Parameters that were
// never read count as unknown.
type reader struct {
	n   *node
	err **apiError
}

func newReader(n *node) reader {
	var first *apiError
	return reader{n: n, err: &first}
}

func (r reader) fail(e *apiError) {
	if *r.err == nil {
		*r.err = e
	}
}

// path is the full name of a parameter below this one, as in Stripe's errors.
func (r reader) path(name string) string {
	if r.n.path == "" {
		return name
	}
	return r.n.path + "[" + name + "]"
}

func (r reader) has(name string) bool { return r.n.kids[name] != nil }

// str returns a text parameter, or "" if it is absent. An empty one is refused, as at Stripe.
func (r reader) str(name string, maxLen int) string {
	c := r.n.kids[name]
	if c == nil {
		return ""
	}
	c.used = true
	switch {
	case !c.leaf:
		r.fail(refuse("parameter_invalid_string", c.path, "Invalid string: %s", c.path))
	case strings.TrimSpace(c.value) == "":
		r.fail(emptyParameter(c.path))
	case utf8.RuneCountInString(c.value) > maxLen:
		r.fail(refuse("parameter_invalid_string_length", c.path, "Invalid string: %s…; must be at most %d characters",
			shorten(c.value, 40), maxLen))
	default:
		return c.value
	}
	return ""
}

// required is str for a parameter that must be present.
func (r reader) required(name string, maxLen int) string {
	if !r.has(name) {
		r.fail(missing(r.path(name)))
		return ""
	}
	return r.str(name, maxLen)
}

// enum returns one of the allowed values, or "" if the parameter is absent.
func (r reader) enum(name string, allowed ...string) string {
	v := r.str(name, 200)
	if v != "" && !slices.Contains(allowed, v) {
		r.fail(refuse("", r.path(name), "Invalid %s: must be one of %s", r.path(name), strings.Join(allowed, ", ")))
		return ""
	}
	return v
}

// integer returns a whole number between low and high, and whether there was one.
func (r reader) integer(name string, low, high int64) (int64, bool) {
	v := r.str(name, 40)
	if v == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(v, 10, 64)
	switch {
	case err != nil:
		r.fail(refuse("parameter_invalid_integer", r.path(name), "Invalid integer: %s", v))
	case n < low:
		r.fail(refuse("parameter_invalid_integer", r.path(name), "This value must be greater than or equal to %d.",
			low))
	case n > high:
		r.fail(refuse("parameter_invalid_integer", r.path(name), "This value must be less than or equal to %d.", high))
	default:
		return n, true
	}
	return 0, false
}

func (r reader) boolean(name string) bool {
	v := r.str(name, 40)
	if v != "" && v != "true" && v != "false" {
		r.fail(refuse("", r.path(name), "Invalid boolean: %s", v))
	}
	return v == "true"
}

// object returns the reader of a nested object; it is empty if there is none.
func (r reader) object(name string) reader {
	c := r.n.kids[name]
	if c == nil {
		return reader{n: &node{path: r.path(name)}, err: r.err}
	}
	c.used = true
	if c.leaf {
		r.fail(refuse("parameter_invalid_object", c.path, "Invalid object"))
		return reader{n: &node{path: c.path}, err: r.err}
	}
	return reader{n: c, err: r.err}
}

// list returns a reader for each element of a list, in the order of their numbers.
func (r reader) list(name string, most int) []reader {
	at := r.object(name)
	if *r.err != nil {
		return nil
	}
	if len(at.n.names) > most {
		r.fail(refuse("parameter_invalid", at.n.path, "Array %s exceeded maximum %d allowed elements.", at.n.path,
			most))
		return nil
	}

	type element struct {
		number int
		node   *node
	}

	var all []element
	for key, c := range at.n.kids {
		number, err := strconv.Atoi(key)
		if err != nil || number < 0 {
			r.fail(refuse("parameter_invalid_array", at.n.path, "Invalid array"))
			return nil
		}
		c.used = true
		all = append(all, element{number, c})
	}

	slices.SortFunc(all, func(a, b element) int { return a.number - b.number })
	var out []reader
	for _, e := range all {
		out = append(out, reader{n: e.node, err: r.err})
	}
	return out
}

// strings returns a list of texts.
func (r reader) strings(name string, most, maxLen int) []string {
	var out []string
	for _, e := range r.list(name, most) {
		switch {
		case !e.n.leaf:
			r.fail(refuse("parameter_invalid_string", e.n.path, "Invalid string: %s", e.n.path))
		case strings.TrimSpace(e.n.value) == "":
			r.fail(emptyParameter(e.n.path))
		case utf8.RuneCountInString(e.n.value) > maxLen:
			r.fail(refuse("parameter_invalid_string_length", e.n.path, "Invalid string: must be at most %d characters",
				maxLen))
		default:
			out = append(out, e.n.value)
		}
	}
	return out
}

// metadata returns an object of texts within Stripe's limits: 50 keys of 40 characters, values of
// 500. A key with an empty value is left out.
func (r reader) metadata(name string) map[string]string {
	out := map[string]string{}
	at := r.object(name)
	if len(at.n.names) > 50 {
		r.fail(refuse("", at.n.path, "You can only set up to 50 metadata keys."))
	}
	for key, c := range at.n.kids {
		c.used = true
		switch {
		case !c.leaf:
			r.fail(refuse("", c.path, "Metadata values must be strings, but the value of '%s' is an object.",
				shorten(key, 40)))
		case utf8.RuneCountInString(key) > 40:
			r.fail(refuse("", c.path, "Metadata keys can have up to 40 characters."))
		case utf8.RuneCountInString(c.value) > 500:
			r.fail(refuse("", c.path, "Metadata values can have up to 500 characters, but '%s' has more.", key))
		case c.value != "":
			out[key] = c.value
		}
	}
	return out
}

// unsupported refuses the named parameters if they are given.
func (r reader) unsupported(names ...string) {
	for _, name := range names {
		if c := r.n.kids[name]; c != nil {
			r.fail(unsupported(c.path))
		}
	}
}

// done returns the first fault; a parameter that was never read is one.
func (r reader) done() *apiError {
	if *r.err == nil {
		if u := r.n.firstUnread(); u != nil {
			r.fail(unknownParameter(u.path))
		}
	}
	return *r.err
}

func (n *node) firstUnread() *node {
	for _, name := range n.names {
		c := n.kids[name]
		if !c.used {
			return c
		}
		if c.leaf {
			continue
		}
		if u := c.firstUnread(); u != nil {
			return u
		}
	}
	return nil
}
