package allinone

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// folder is DATA_DIR, held by this process alone.
type folder struct {
	path string
	lock *os.File
}

// openFolder makes DATA_DIR if it is missing and locks it. The lock ends with the process, even if
// that is killed.
func openFolder(path string) (*folder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find DATA_DIR: %w", err)
	}
	if err := os.MkdirAll(path, 0o755); err != nil { //nolint:gosec // PostgreSQL's own user must get through
		return nil, fmt.Errorf("make DATA_DIR: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open DATA_DIR: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("DATA_DIR %s is in use by another shop", path), lock.Close())
	}
	return &folder{path, lock}, nil
}

func (f *folder) at(name string) string { return filepath.Join(f.path, name) }

// writeSettings writes what this process decided where staff's commands find it: `shop order
// payments`, or `set -a; . .data/settings` for other programs.
func (f *folder) writeSettings(values map[string]string) error {
	return writeSettings(f.at("settings"), values)
}

// writeSettings writes a file that a shell can read, and replaces the old one at once.
func writeSettings(file string, values map[string]string) error {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s='%s'\n", name, strings.ReplaceAll(values[name], "'", `'\''`))
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text.String()), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// readSettings reads what writeSettings wrote.
func readSettings(file string) (map[string]string, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the folder is a setting
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	values := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, quoted, found := strings.Cut(strings.TrimRight(line, "\n"), "='"); found {
			values[name] = strings.ReplaceAll(strings.TrimSuffix(quoted, "'"), `'\''`, "'")
		}
	}
	return values, nil
}

func (f *folder) close() error { return f.lock.Close() }

// secret reads a secret of this installation, or makes it.
func (f *folder) secret(name string) (string, error) {
	file := f.at(name)
	text, err := os.ReadFile(file) //nolint:gosec // our own folder
	if err == nil && len(text) >= 32 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	made := rand.Text() + rand.Text()
	tmp := file + ".new" // renamed when complete: a crash leaves the old file, or none
	if err := os.WriteFile(tmp, []byte(made), 0o600); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return made, nil
}
