package money

import (
	"math/big"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Cents{
		"0": 0, "0.00": 0, "3.5": 350, "3.50": 350, "12": 1200, "-0.01": -1, "99999999.99": Max, "007.10": 710,
	} {
		if got, err := Parse(in); err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", ".", "1.", ".5", "1.234", "+1", "1e3", " 1", "1 ", "--1", "1,5", "999999999", "٣", "1.2.3", "-"} {
		if got, err := Parse(in); err == nil {
			t.Errorf("Parse(%q) = %d, want a refusal", in, got)
		}
	}
}

func TestEveryPriceSurvivesTheWayOutAndBack(t *testing.T) {
	t.Parallel()
	for c := Cents(0); c <= 100_000; c++ {
		if got, err := Parse(c.String()); err != nil || got != c {
			t.Fatalf("%d became %q became %d (%v)", c, c.String(), got, err)
		}
	}
}

func TestPercentRoundsHalfUpOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ amount, rate, want Cents }{
		{1995, 1000, 200}, {2695, 1000, 270}, {5, 1000, 1}, {4, 1000, 0}, {Max, 10000, Max}, {0, 1000, 0}, {333, 3333, 111},
	} {
		if got := c.amount.Percent(c.rate); got != c.want {
			t.Errorf("%s of %s%% = %s, want %s", c.amount, c.rate, got, c.want)
		}
	}
}

func TestShare(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ amount, part, whole, want Cents }{
		{part: 1, whole: 3},
		{amount: 1, part: 1, whole: 3},
		{amount: 2, part: 2, whole: 3, want: 1},
		{amount: 3, part: 2, whole: 3, want: 2},
		{amount: 3, whole: 3},
		{amount: 99_999_999 * 9900, part: 99_999_998, whole: 99_999_999, want: 99_999_998 * 9900},
		{amount: Max, part: Max, whole: 1, want: 1<<63 - 1},
	} {
		if got := c.amount.Share(c.part, c.whole); got != c.want {
			t.Errorf("%d × %d ÷ %d = %d, want %d", c.amount, c.part, c.whole, got, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"3.50", "-1", "0.1", "1e5", "١", "99999999.99"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := Parse(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok || want.Cmp(big.NewRat(int64(c), 100)) != 0 {
			t.Fatalf("Parse(%q) = %d, the rational reading is %v", s, c, want)
		}
		if again, err := Parse(c.String()); err != nil || again != c {
			t.Fatalf("%q does not read back: %d, %v", c.String(), again, err)
		}
	})
}
