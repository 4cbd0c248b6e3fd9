package web_test

import (
	"math"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func TestNumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "7": 7, "007": 7, "100": 100, "101": -1, "": -1, "-1": -1, "+1": -1, "1.0": -1, " 1": -1, "1e2": -1, "0x1": -1,
		"1_0": -1, "٣": -1, "9223372036854775808": -1,
	} {
		if n, ok := web.Number(text, 100); ok != (want >= 0) || n != max(want, 0) {
			t.Errorf("%q is %d, %v", text, n, ok)
		}
	}
	if n, ok := web.Number("9223372036854775807", math.MaxInt64); !ok || n != math.MaxInt64 {
		t.Errorf("the largest is %d, %v", n, ok)
	}
}

func TestID(t *testing.T) {
	t.Parallel()
	if got := web.ID(math.MaxInt64); got != "9223372036854775807" {
		t.Errorf("the largest is %q", got)
	}
}
