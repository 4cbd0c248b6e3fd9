package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// binaries is a folder with PostgreSQL's server programs.
type binaries struct {
	dir     string
	version string // as in "15.13"
	major   int
}

func (b binaries) program(name string) string { return filepath.Join(b.dir, name) }

// howToInstall ends every message about missing programs.
const howToInstall = "install it (Debian: apt-get install postgresql; macOS: brew install postgresql)"

var errNoBinaries = errors.New("no PostgreSQL server programs (initdb, postgres) in PATH, /usr/lib/postgresql or " +
	"Homebrew's folders: " + howToInstall)

// packageFolders are where packages put the programs without adding them to PATH.
var packageFolders = []string{
	"/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
	"/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
	"/opt/homebrew/opt/postgresql*/bin",                  // Homebrew on Apple silicon
	"/usr/local/opt/postgresql*/bin",                     // Homebrew on Intel
	"/home/linuxbrew/.linuxbrew/opt/postgresql*/bin",     // Homebrew on Linux
	"/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
}

// Available says in one line what is missing to run a cluster here, or nil.
func Available() error {
	account, err := serverAccount("")
	if err != nil {
		return err
	}
	if len(installed(context.Background(), account)) == 0 {
		return errNoBinaries
	}
	return nil
}

// findBinaries finds the programs that fit the data, or the newest when there is no data (major 0).
func (c *Cluster) findBinaries(ctx context.Context, major int) (binaries, error) {
	found := installed(ctx, c.account)
	if len(found) == 0 && c.opts.Install {
		if err := install(ctx, c.log); err != nil {
			return binaries{}, err
		}
		// The package brought the user postgres along.
		var err error
		if c.account, err = serverAccount(c.folder.data()); err != nil {
			return binaries{}, err
		}
		found = installed(ctx, c.account)
	}

	if len(found) == 0 {
		return binaries{}, errNoBinaries
	}
	if major == 0 {
		return found[0], nil
	}

	var versions []string
	for _, b := range found {
		if b.major == major {
			return b, nil
		}
		versions = append(versions, b.version)
	}

	return binaries{}, fmt.Errorf("data folder %s was made by PostgreSQL %d, this machine has %s: install "+
		"PostgreSQL %d, or move the folder away to begin again",
		c.folder.data(), major, strings.Join(versions, ", "), major)
}

// installed lists the usable programs: the one in PATH first, then the others, newest first.
func installed(ctx context.Context, a account) []binaries {
	var inPath, others []binaries
	seen := map[string]bool{}
	add := func(list *[]binaries, dir string) {
		dir, err := filepath.EvalSymlinks(dir)
		if err != nil || seen[dir] {
			return
		}
		seen[dir] = true
		if b, ok := inspect(ctx, a, dir); ok {
			*list = append(*list, b)
		}
	}

	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			add(&inPath, filepath.Dir(real))
		}
	}

	for _, pattern := range packageFolders {
		dirs, err := filepath.Glob(pattern)
		if err != nil {
			continue // a malformed pattern, which these are not
		}
		for _, dir := range dirs {
			add(&others, dir)
		}
	}

	slices.SortStableFunc(others, func(a, b binaries) int { return b.major - a.major })
	return append(inPath, others...)
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// inspect asks a folder's programs for their version, as the user that will run them.
func inspect(ctx context.Context, a account, dir string) (binaries, bool) {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return binaries{}, false
	}
	out, err := a.command(ctx, entrance{}, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return binaries{}, false
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return binaries{}, false
	}
	major, err := strconv.Atoi(string(match[2]))
	if err != nil {
		return binaries{}, false
	}
	return binaries{dir: dir, version: string(match[1]), major: major}, true
}
