package adminui

import "testing"

// A cursor that no list made is refused before the database sees it.
func TestReadCursorRefusesForeignText(t *testing.T) {
	t.Parallel()
	type place struct{ At, ID string }
	if key, ok, err := ReadCursor[place](Listing{After: Cursor(place{"2026", "a"})}); err != nil || !ok || key.ID != "a" {
		t.Errorf("%v %t %v", key, ok, err)
	}
	for _, after := range []string{"?", "bm8", Cursor(place{"2026", "\x00"}), Cursor(7)} {
		if _, ok, err := ReadCursor[place](Listing{After: after}); err == nil || ok {
			t.Errorf("%q is taken as a place", after)
		}
	}
}
