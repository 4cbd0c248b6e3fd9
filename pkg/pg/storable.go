package pg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// PostgreSQL takes neither NUL nor broken UTF-8 in text, and in jsonb neither those nor halves of
// surrogate pairs, numbers beyond its numeric, or thousands of levels. Text from outside may hold
// all of it, and must not be refused for it. These functions are the one place that knows.

// replacement stands for what cannot be stored.
const replacement = "\uFFFD"

// StorableText makes a text from outside storable, of at most that many bytes; 0 means no limit.
func StorableText(s string, most int) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, replacement)
	}
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", replacement)
	}
	if most <= 0 || len(s) <= most {
		return s
	}
	for !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}

// Clip makes a text from outside storable, of at most that many characters; NUL is dropped.
func Clip(s string, most int) string {
	s = StorableText(strings.ReplaceAll(s, "\x00", ""), 0)
	if len(s) <= most {
		return s
	}
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// StorableKey is StorableText for keys: two different long ones stay different. most is at least
// 32.
func StorableKey(s string, most int) string {
	clean := StorableText(s, 0)
	if len(clean) <= most && clean == s {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return StorableText(clean, most-17) + "~" + hex.EncodeToString(sum[:8])
}

const (
	// storableDepth is how many levels of JSON are kept as such. PostgreSQL's own limit depends on
	// its stack.
	storableDepth = 100
	// storableDigits bounds length and exponent of a number.
	storableDigits = 300
)

// StorableJSON makes JSON from outside storable as jsonb. Text that is not JSON becomes a JSON
// string; numbers that PostgreSQL cannot hold and levels that are too deep become strings, too.
func StorableJSON(raw []byte) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil || dec.More() {
		v = string(raw)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(storable(v, 0)); err != nil { // cannot happen: it was decoded
		return json.RawMessage(`{}`)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

func storable(v any, depth int) any {
	switch v := v.(type) {
	case string:
		return StorableText(v, 0)
	case json.Number:
		return storableNumber(v)
	case map[string]any:
		if depth == storableDepth {
			return "…"
		}
		m := make(map[string]any, len(v))
		for key, value := range v {
			m[StorableText(key, 0)] = storable(value, depth+1)
		}
		return m
	case []any:
		if depth == storableDepth {
			return "…"
		}
		for i := range v {
			v[i] = storable(v[i], depth+1)
		}
		return v
	}
	return v
}

func storableNumber(n json.Number) any {
	text := n.String()
	if len(text) > storableDigits {
		return text
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); ok {
		if e, err := strconv.Atoi(exponent); err != nil || e > storableDigits || e < -storableDigits {
			return text
		}
	}
	return n
}
