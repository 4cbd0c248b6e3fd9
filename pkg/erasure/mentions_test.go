package erasure

import (
	"strings"
	"testing"
)

func TestAddressesIn(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"to":["b@x.example","a@x.example"],"n":1,"data":{"email":"b@x.example","text":"to c@x.example"}}`: "a@x.example b@x.example",
		`{"to":"a@mail.example.com"`: "a@mail.example.com", `no JSON of a@mail.example.com`: "", `"@"`: "", ``: "", `{"a@b":1}`: "a@b",
	} {
		if got := strings.Join(AddressesIn([]byte(data)), " "); got != want {
			t.Errorf("%s: %q, want %q", data, got, want)
		}
	}
}

// An address is found in each of its spellings, but not as a part of a longer one.
func TestMentions(t *testing.T) {
	t.Parallel()
	who := Person{MemberIDs: []int64{7}, Emails: []string{"Ann@mail.example.com", "a&b@mail.example.com", ""},
		Codes: []string{"Code12345678", ""}}
	for text, want := range map[string]bool{
		`{"to":["ANN@mail.example.com"]}`:           true,
		"ann@mail.example.com":                      true,
		`"say \nann@mail.example.com."`:             true,
		`\u003cann@mail.example.com\u003e`:          true,
		"/x?email=ann%40mail.example.com&y=1":       true,
		"/x%3Femail%3Dann%40mail.example.com%26y=1": true,
		`"a\u0026b@mail.example.com"`:               true,
		`"pr_cd":"Code12345678"`:                    true,
		"joann@mail.example.com":                    false,
		"jo.ann@mail.example.com":                   false,
		"ann@mail.example.com.au":                   false,
		"ann@mail.example.community":                false,
		"joann@mail.example.com ann@mail.example":   false,
		"": false,
	} {
		if got := who.Mentions([]byte(text)); got != want {
			t.Errorf("%s: %t", text, got)
		}
	}
}

// A member is found by id only in fields that hold ids of members.
func TestMentionedIn(t *testing.T) {
	t.Parallel()
	who := Person{MemberIDs: []int64{7}, Emails: []string{"ann@mail.example.com"}}
	for _, c := range []struct {
		subject, data string
		want          bool
	}{
		{"order.placed", `{"member_id":7,"total":1}`, true}, {"order.placed", `{"member_id":77,"total":1}`, false},
		{"event.pageview", `{"user_id":7}`, true}, {"user.registered", `{"id":7,"username":"x"}`, true},
		{"user.prospect.changed", `{"id":7,"pr_cd":"x"}`, false}, {"dead.x", `{"payload":"YW5uQG1haWwuZXhhbXBsZS5jb20="}`, true},
	} {
		if got := who.MentionedIn(c.subject, []byte(c.data)); got != c.want {
			t.Errorf("%s %s: %t", c.subject, c.data, got)
		}
	}
}
