package webhook

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzReadFrame holds the frame against what encoding/json makes of the same body.
func FuzzReadFrame(f *testing.F) {
	for _, seed := range []string{
		body("evt_1"), `{}`, ` { } `, `null`, `[]`, `7`, `{"id":"a\"}","type":"\\"}`, `{"id":"a" , "created" : 1.5e3 ,"data":{"id":"b","x":["}",{"y":"]\\\""}]},"type":"t"}`,
		`{"id":"a","id":"b"}`, `{"created":1}`, `{"created":null,"api_version":"x"}`, `{"":1,"id":{}}`, `{"id":"\u0061"}`, `{"id":1,"type":[]}`, `{"a":-0,"b":true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, gotErr := readFrame(text)
		var all map[string]json.RawMessage // exact names, the last one of a name counts
		err := json.Unmarshal(text, &all)
		if err != nil && gotErr == nil {
			t.Fatalf("%q: no error, encoding/json says %v", text, err)
		}
		if err != nil || gotErr != nil {
			return
		}
		var want frame
		if json.Unmarshal(or(all["id"]), &want.ID) != nil || json.Unmarshal(or(all["type"]), &want.Type) != nil {
			t.Fatalf("%q: no error for an id or a type that is no text", text)
		}
		want.APIVersion, want.Created = all["api_version"], all["created"]
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	})
}

func or(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}
