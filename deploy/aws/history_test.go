package aws

import (
	"strings"
	"testing"
)

// Rollback counts complete deployments before the one that was begun last. "a" is a complete
// deployment of a, "a!" an incomplete one, "<2" and "<2!" are rollbacks by 2.
func TestRowsThatRollbackCounts(t *testing.T) {
	t.Parallel()
	for done, want := range map[string]string{
		"":                "",
		"a":               "a",
		"a b c":           "c b a",
		"a b c!":          "c! b a", // back by 1 is b, which was complete
		"a b c! c!":       "c! b a", // tried twice
		"a b c! <1":       "b a",    // and back by 1 again is a, not c
		"a b c <1":        "b a",    // the same when c was complete, and bad
		"a b c <1 <1":     "a",      // twice goes further back
		"a b c <1 d":      "d b a",  // the repaired one, and no way to the bad one
		"a b c <1!":       "b! b a", // a failed rollback is tried again by 1
		"a b c <1! <1":    "b a",    // and then it is complete
		"a b c <1! <2":    "a",      // or goes further back
		"a b c! <1! d":    "d b a",  // or is given up for a repaired one
		"a b c d! <2":     "b a",    // the one before the last complete one
		"a b b":           "b a",    // create after deploy of the same tag
		"a b b!":          "b! b a", // new settings of the same tag, incomplete
		"a b a":           "a b a",  // forward to an old tag, on purpose
		"a b c d <2 e <1": "b a",    // e was bad, too
		"a! b! c":         "c",      // c is the first complete one
		"a b c <2 d! <1!": "a! a",   // both failed
		"a b c! <1 d e":   "e d b a",
	} {
		var records, now []deployment
		for word := range strings.FieldsSeq(done) {
			d := deployment{Begun: true}
			d.Tag, _ = strings.CutSuffix(word, "!")
			if back, found := strings.CutPrefix(d.Tag, "<"); found {
				d.Back = int(back[0] - '0')
				if d.Back < len(now) {
					d.Tag = now[d.Back].Tag
				}
			}
			records = append(records, d)
			if !strings.HasSuffix(word, "!") {
				records = append(records, deployment{Tag: d.Tag})
			}
			now = rows(records)
		}

		var got []string
		for _, d := range now {
			got = append(got, d.Tag+map[bool]string{true: "!"}[d.Begun])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: rows are %q, want %q", done, strings.Join(got, " "), want)
		}
	}
}

// AWS drops the oldest of a hundred records: the rest is counted correctly from the newest.
func TestRowsOfSomeRecords(t *testing.T) {
	t.Parallel()
	got := rows([]deployment{{Tag: "b", Begun: true, Back: 3}, {Tag: "b"}, {Tag: "c", Begun: true}, {Tag: "c"}})
	if len(got) != 2 || got[1].Tag != "b" {
		t.Errorf("rows are %v", got)
	}
}

// Older versions wrote one record for each deployment, when it was complete.
func TestRowsOfOlderRecords(t *testing.T) {
	t.Parallel()
	if got := rows([]deployment{{Tag: "a"}, {Tag: "b"}, {Tag: "c", Begun: true}}); len(got) != 3 || got[1].Tag != "b" || got[2].Tag != "a" {
		t.Errorf("rows are %v", got)
	}
}
