package browsertest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// blocked is the setting that Chromium stores for a shopper who has chosen to block all cookies.
const blocked = `{"profile":{"default_content_setting_values":{"cookies":2}}}`

// OpenWithoutCookies opens a tab of a Chromium of its own that blocks all cookies, and with them
// everything else that a page could store.
func OpenWithoutCookies(tb testing.TB, base string, look Look) *Tab {
	tb.Helper()
	binary, err := find(full...)
	if err != nil {
		tb.Fatal(err)
	}
	profile := tb.TempDir()
	if err := os.MkdirAll(filepath.Join(profile, "Default"), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(profile, "Default", "Preferences"), []byte(blocked), 0o600); err != nil {
		tb.Fatal(err)
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(),
		append(options(binary), chromedp.UserDataDir(profile))...)
	tb.Cleanup(cancelAllocator)
	ctx, cancel := chromedp.NewContext(allocator)
	return open(ctx, cancel, tb, base, look)
}
