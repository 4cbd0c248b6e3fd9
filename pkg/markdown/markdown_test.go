package markdown

import (
	"strings"
	"testing"
)

// Nothing that staff write runs on a page, and existing plain texts stay as they were.
func TestHTML(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"Plain text & more.":                    "<p>Plain text &amp; more.</p>\n",
		"# One\n\n###### Six\n\n*a* **b**":      "<h2>One</h2>\n<h4>Six</h4>\n<p><em>a</em> <strong>b</strong></p>\n",
		"[x](https://a.example/?a=1&b=2)":       `<p><a href="https://a.example/?a=1&amp;b=2" rel="noreferrer">x</a></p>` + "\n",
		"[x](javascript:alert(1))":              "<p>x</p>\n",
		"<script>alert(1)</script>":             "\n",
		"a <b onclick=\"x()\">b</b> ![p](/x.y)": "<p>a b </p>\n",
		"":                                      "",
	} {
		got, err := HTML(source)
		if err != nil || string(got) != want {
			t.Errorf("%q is %q, %v, want %q", source, got, err, want)
		}
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	if got, err := Text("# Solid\n\n**Oak** & <b>more</b>\n[here](https://a.example)"); err != nil || got != "Solid Oak & more here" {
		t.Errorf("%q, %v", got, err)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add("<img src=x onerror=alert(1)>\n\n[a](data:text/html,x)")
	f.Fuzz(func(t *testing.T, source string) {
		got, err := HTML(source)
		if lower := strings.ToLower(string(got)); err != nil || strings.Contains(lower, "<script") ||
			strings.Contains(lower, `href="javascript`) {
			t.Errorf("%q is %q, %v", source, got, err)
		}
	})
}
