package stripestandin

import (
	"net/url"
	"strings"
	"testing"
)

func TestDecodeForm(t *testing.T) {
	t.Parallel()
	root, err := decodeForm("a[b][0][c]=1&a%5Bb%5D%5B10%5D%5Bc%5D=3&a[b][2][c]=2&x[]=p&x[]=q+r&y=%26")
	if err != nil {
		t.Fatal(err)
	}

	p := newReader(root)
	var got []string
	for _, e := range p.object("a").list("b", 10) {
		got = append(got, e.str("c", 10))
	}
	if strings.Join(got, "") != "123" {
		t.Errorf("list in the order of its numbers: %v", got)
	}
	if x := p.strings("x", 10, 10); len(x) != 2 || x[1] != "q r" {
		t.Errorf("appended list: %v", x)
	}
	if p.str("y", 10) != "&" {
		t.Error("escaped value")
	}

	if err := p.done(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"a[b=1", "a]b=1", "[a]=1", "=1", "a[b]c=1", "a=1&a[b]=2", "a[b]=1&a=2", "a=%", "a=%ff", "a%00=1",
		"a" + strings.Repeat("[b]", 20) + "=1", strings.Repeat("a=1&", 6000)} {
		if _, err := decodeForm(bad); err == nil {
			t.Errorf("%q: no error", shorten(bad, 40))
		}
	}
}

func FuzzDecodeForm(f *testing.F) {
	f.Add("mode=payment&line_items[0][price_data][unit_amount]=5")
	f.Add("a[]=1&a[]=2&a[x]=3")
	f.Add("a[b][c]=%20&a[b]=1")
	f.Fuzz(func(t *testing.T, body string) {
		root, err := decodeForm(body)
		if err != nil {
			return
		}

		var back []string
		root.walk(func(n *node) {
			if n.path == "" {
				t.Error("a leaf without a name")
			}
			back = append(back, url.QueryEscape(n.path)+"="+url.QueryEscape(n.value))
		})

		// Parameters that are decoded and encoded again make the same request.
		again, err := decodeForm(strings.Join(back, "&"))
		if err != nil {
			t.Fatalf("%q: %v", back, err)
		}
		if root.fingerprint("POST", "/") != again.fingerprint("POST", "/") {
			t.Errorf("%q reads differently the second time", body)
		}

		p := newReader(root)
		p.list("line_items", 100)
		p.metadata("metadata")
		p.integer("a", 0, 10)
		p.done()
	})
}

// Amounts are formatted for people, and the parts of a discount add up to it.
func TestMoneyFormatAndSpread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		amount   int64
		currency string
		want     string
	}{{1234, "usd", "$12.34"}, {5, "usd", "$0.05"}, {-500, "usd", "-$5.00"}, {1234, "jpy", "1234 JPY"}, {1234, "eur", "12.34 EUR"}} {
		if got := money(c.amount, c.currency); got != c.want {
			t.Errorf("%d %s: %s, want %s", c.amount, c.currency, got, c.want)
		}
	}

	for _, lines := range [][]int64{{1, 1, 1}, {1000, 333, 1}, {0, 5}, {99999999, 1}, {0}} {
		var total int64
		for _, l := range lines {
			total += l
		}
		for _, off := range []int64{0, 1, total / 3, total} {
			var sum int64
			for i, part := range spread(off, lines) {
				if sum += part; part < 0 || part > lines[i] && off <= total {
					t.Errorf("%v, %d off: part %d", lines, off, part)
				}
			}
			if sum != min(off, total) {
				t.Errorf("%v: %d off became %d", lines, off, sum)
			}
		}
	}

	for in, want := range map[string]percent{"100": 10000, "12.5": 1250, "0.01": 1, "12.5000": 1250, "33.33": 3333} {
		if got, ok := parsePercent(in); !ok || got != want {
			t.Errorf("%s: %d %v", in, got, ok)
		}
		if b, err := want.MarshalJSON(); err != nil || string(b) != strings.TrimSuffix(in, "000") {
			t.Errorf("%s is written as %s, %v", in, b, err)
		}
	}

	for _, bad := range []string{"0", "100.01", "-1", "1e1", "", ".", "1.234", "abc"} {
		if v, ok := parsePercent(bad); ok {
			t.Errorf("%q: %d", bad, v)
		}
	}
}
