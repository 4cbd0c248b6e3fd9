package stripe

import "testing"

func TestTextsForStripe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "Item", " \t\n": "Item", "\x00": "Item", "Mug": "Mug",
		" Big\x00 \u0085mug\r\n\xff ": "Big mug"} {
		if got := itemName(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got := plain("  "); got != "" {
		t.Errorf("a blank color says %q", got)
	}
}
