// Package browsertest drives the shop's pages in headless Chromium, for tests. A tab fails its test
// by itself on anything that a shopper's browser would complain about: a message on the console, an
// error of a script, a request that failed.
package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
)

// process is the one Chromium of all tests of a package; every shopper has cookies of their own.
var process = sync.OnceValues(start)

var stop = func() {}

// Main runs a package's tests and then ends the Chromium that they used:
//
//	func TestMain(m *testing.M) { browsertest.Main(m) }
func Main(m *testing.M) {
	code := m.Run()
	stop()
	os.Exit(code)
}

func start() (context.Context, error) {
	binary, err := find(append([]string{light}, full...)...)
	if err != nil {
		return nil, err
	}
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), options(binary)...)
	ctx, cancel := chromedp.NewContext(allocator)
	stop = func() {
		cancel()
		cancelAllocator() // waits for the process and removes its folder
	}
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	return ctx, nil
}

func options(binary string) []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(binary), chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
}

// light is Chromium without windows, menus and profiles: the same pages for half of the processor
// time.
const light = "chromium-headless-shell"

// full are names of the whole Chromium.
var full = []string{"chromium", "chromium-browser", "google-chrome"}

func find(names ...string) (string, error) {
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("these tests need Chromium: install Debian's package chromium")
}
