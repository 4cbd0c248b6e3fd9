package pglocal

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

// clientVersion is what a program of PostgreSQL says of itself: pg_dump (PostgreSQL) 15.18.
var clientVersion = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// Client finds a client program such as pg_dump, of a major version or otherwise the next later
// one: an older program does not know a newer server.
func Client(ctx context.Context, name string, major int) (string, error) {
	var candidates []string
	if path, err := exec.LookPath(name); err == nil {
		candidates = append(candidates, path)
	}

	for _, pattern := range packageFolders {
		found, err := filepath.Glob(filepath.Join(pattern, name))
		if err != nil {
			continue // a malformed pattern, which these are not
		}
		candidates = append(candidates, found...)
	}

	best, bestMajor := "", 0
	for _, path := range candidates {
		text, err := exec.CommandContext(ctx, path, "--version").Output() //nolint:gosec // a program of PostgreSQL
		version := clientVersion.FindSubmatch(text)
		if err != nil || version == nil {
			continue
		}
		n, err := strconv.Atoi(string(version[1]))
		if err == nil && n >= major && (best == "" || n < bestMajor) {
			best, bestMajor = path, n
		}
	}

	if best == "" {
		return "", fmt.Errorf("no %s of PostgreSQL %d or later in PATH or the usual folders: %s", name, major,
			howToInstall)
	}
	return best, nil
}
