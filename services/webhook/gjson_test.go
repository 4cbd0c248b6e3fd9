package webhook

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzParseEvent compares what parseEvent reads with what encoding/json makes of the same body.
func FuzzParseEvent(f *testing.F) {
	for _, seed := range []string{
		body("evt_1"), `{}`, ` { } `, `null`, `[]`, `7`, `{"id":"a\"}","type":"\\"}`,
		`{"id":"a" , "created" : 1.5e3 ,"data":{"id":"b","x":["}",{"y":"]\\\""}]},"type":"t"}`,
		`{"id":"a","id":"b","type":"t"}`, `{"created":1}`, `{"created":null,"api_version":"x"}`, `{"":1,"id":{}}`,
		`{"id":"\u0061","type":"\u0062"}`, `{"id":1,"type":[]}`, `{"a":-0,"b":true}`,
		`{"\u0069d":"a","type":"t","api_version":"2023\u002d10-16","created":1700000000}`, `[{"id":"a","type":"t"}]`,
		`{"data":{"id":"a","type":"t"}}`, `{"id":"a","type":"t",}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := parseEvent(text)
		if !json.Valid(text) {
			if err == nil {
				t.Fatalf("%q: taken, and is not JSON", text)
			}
			return
		}

		var id, kind, version string
		fields := firstFields(text)
		good := json.Unmarshal(fields["id"], &id) == nil && usableID(id) && json.Unmarshal(fields["type"], &kind) == nil && usableType(kind)
		if good != (err == nil) {
			t.Fatalf("%q: error %v, and its own fields are %q", text, err, fields)
		}
		if !good {
			return
		}

		if got.id != id || got.kind != kind || string(got.body) != string(text) {
			t.Errorf("%q: read as %q, %q", text, got.id, got.kind)
		}
		if json.Unmarshal(fields["api_version"], &version) == nil && usableID(version) != (got.apiVersion != nil) {
			t.Errorf("%q: version %q, read as %v", text, version, got.apiVersion)
		}
		if got.apiVersion != nil && *got.apiVersion != version {
			t.Errorf("%q: version %q, read as %q", text, version, *got.apiVersion)
		}
		var seconds int64
		if err := json.Unmarshal(fields["created"], &seconds); err == nil && got.created != nil && got.created.Unix() != seconds {
			t.Errorf("%q: created at %d, read as %v", text, seconds, got.created)
		}
	})
}

// firstFields returns the fields of an object, the first of each name; none if it is not an object.
func firstFields(text []byte) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	d := json.NewDecoder(strings.NewReader(string(text)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return fields
	}
	for d.More() {
		name, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return fields
		}
		if key := name.(string); fields[key] == nil {
			fields[key] = value
		}
	}
	return fields
}
