package stripe

import "testing"

// Names are one line of valid text, and never empty.
func TestItemNamesForStripe(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "Item", " \t\n": "Item", "\x00": "Item", "Mug": "Mug",
		" Big\x00 \u0085mug\r\n\xff ": "Big mug"} {
		t.Run(text, func(t *testing.T) {
			if got := itemName(text); got != want {
				t.Errorf("%q: %q", text, got)
			}
		})
	}
	if got := plain("  "); got != "" {
		t.Errorf("a blank color says %q", got)
	}
}
