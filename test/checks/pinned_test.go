package checks

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var (
	reUses   = regexp.MustCompile(`(?m)^\s*(?:- )?uses:\s*(\S+)`)
	reCommit = regexp.MustCompile(`^[\w./-]+@[0-9a-f]{40}$`)
	reImage  = regexp.MustCompile(`(?m)^\s*image:\s+(\S+)`)
	reDigest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)
)

// tagOnly are the images without a digest; docs/security.md says why.
var tagOnly = map[string]bool{"nats:2.15.3-alpine": true, "postgres:16.14-bookworm": true, "prom/prometheus:v3.5.0": true,
	"grafana/grafana:12.1.1": true}

// Actions and images are pinned to commits and digests. A tag can be moved by its owner, or by a
// person who has taken it over.
func TestActionsAndImagesArePinned(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob(filepath.Join(root, ".github/workflows/*.y*ml"))
	if err != nil || len(workflows) == 0 {
		t.Fatal("no workflows", err)
	}
	for _, file := range workflows {
		for _, name := range named(t, file, reUses) {
			if !reCommit.MatchString(name) {
				t.Errorf("%s: %s is pinned by no commit", file, name)
			}
		}
	}
	for _, name := range named(t, filepath.Join(root, "docker-compose.yml"), reImage) {
		if !reDigest.MatchString(name) && !tagOnly[name] && !ours(name) {
			t.Errorf("%s is pinned by no digest", name)
		}
	}
}

// ours reports whether an image is built from this repository.
func ours(image string) bool { return regexp.MustCompile(`^startupwebapp/`).MatchString(image) }

// named are the matches of an expression in a file, at least one.
func named(t *testing.T, file string, re *regexp.Regexp) (names []string) {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // of this repository
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range re.FindAllSubmatch(text, -1) {
		names = append(names, string(m[1]))
	}
	if len(names) == 0 {
		t.Fatalf("%s names none", file)
	}
	return names
}
