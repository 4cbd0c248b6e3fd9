package pglocal

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// A cluster runs in a folder all of whose parents are closed to others, as root's home is. When
// root starts it, that needs the open descriptor.
func TestFolderBelowClosedParents(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "cluster")
	c := started(t, Options{Dir: dir, Durable: true}) // initializes
	query(t, c.URL(), "CREATE TABLE kept AS SELECT 7 AS n")
	query(t, c.URL(), "SELECT pg_reload_conf()") // reads files again by their path
	query(t, c.URL(), "CHECKPOINT")
	stop(t, c)
	c = started(t, Options{Dir: dir, Durable: true})
	if got := query(t, c.URL(), "SELECT n FROM kept"); got != "7" {
		t.Errorf("kept row: %q", got)
	}
	uid, err := os.Stat(c.folder.data())
	if err != nil {
		t.Fatal(err)
	}
	if stat, ok := uid.Sys().(*syscall.Stat_t); !ok || stat.Uid == 0 {
		t.Errorf("the data belongs to root")
	}
}

// Root runs the server as the owner of the data, and first gives data that belongs to root to the
// server's account.
func TestOwnerOfTheData(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can give files away
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{nobody.Uid + ":" + nobody.Gid, "0:0"} {
		dir := copied(t)
		if out, err := exec.Command("chown", "-R", owner, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		c := started(t, Options{Dir: dir})
		if got := strconv.Itoa(int(c.account.cred.Uid)); owner != "0:0" && got != nobody.Uid || got == "0" {
			t.Errorf("data of %s: runs as user %s", owner, got)
		}
		if got := query(t, c.URL(), "SELECT 1"); got != "1" {
			t.Errorf("answer: %q", got)
		}
	}
}

// Folders that an ordinary user may not read or write are refused in one clear line.
func TestClosedFolders(t *testing.T) {
	t.Parallel()
	if _, err := template(); err != nil {
		t.Fatal(err)
	}

	for name, c := range map[string]struct {
		prepare func(dir string) error
		says    string
	}{
		"folder not writable":   {func(dir string) error { return os.Chmod(dir, 0o500) }, "not writable"},
		"folder not reachable":  {func(dir string) error { return os.Chmod(dir, 0) }, "permission denied"},
		"parent not writable":   {func(dir string) error { return os.Chmod(filepath.Dir(dir), 0o500) }, "make data folder"},
		"data not readable":     {func(dir string) error { return os.Chmod(filepath.Join(dir, "data"), 0) }, "not readable"},
		"data a file":           {func(dir string) error { return os.WriteFile(filepath.Join(dir, "data"), nil, 0o600) }, "not readable"},
		"a file in its place":   {func(dir string) error { return os.WriteFile(dir, nil, 0o600) }, "make data folder"},
		"data readable for all": {func(dir string) error { return os.Chmod(filepath.Join(dir, "data"), 0o777) }, "invalid permissions"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parent, err := os.MkdirTemp("", "pglocal-closed-")
			if err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(parent, "open", "cluster")
			t.Cleanup(func() {
				// Give it back to where removing works for a user other than root.
				for _, path := range []string{filepath.Dir(dir), dir, filepath.Join(dir, "data")} {
					os.Chmod(path, 0o700) //nolint:errcheck // may not exist
				}
				if err := os.RemoveAll(parent); err != nil {
					t.Error(err)
				}
			})
			closedFolder(t, parent, dir, name)
			if err := c.prepare(dir); err != nil {
				t.Fatal(err)
			}
			checkLine(t, ordinaryStart(t, parent, dir), "ERROR", c.says)
		})
	}
}

// closedFolder makes what the named case starts from, belonging to an ordinary user.
func closedFolder(t *testing.T, parent, dir, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}

	switch {
	case strings.HasPrefix(name, "data "):
		from, err := template()
		if err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", "-a", from, dir).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if name == "data a file" {
			if err := os.RemoveAll(filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
		}
	case strings.HasPrefix(name, "folder "):
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}

	if os.Geteuid() == 0 {
		if err := os.Chmod(parent, 0o755); err != nil {
			t.Fatal(err)
		}
		nobody := ordinary(t)
		err := filepath.WalkDir(filepath.Dir(dir), func(path string, _ os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			return os.Lchown(path, int(nobody.Uid), int(nobody.Gid))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func ordinary(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(u.Uid)
	gid, gidErr := strconv.Atoi(u.Gid)
	if uidErr != nil || gidErr != nil {
		t.Fatal(uidErr, gidErr)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// ordinaryStart runs the helper as an ordinary user and returns what it says.
func ordinaryStart(t *testing.T, parent, dir string) string {
	t.Helper()
	program := filepath.Join(parent, "helper") // the test binary itself may be out of reach
	copyProgram(t, program)
	cmd := exec.Command(program)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: ordinary(t)}
	}
	out, err := cmd.Output()
	if err == nil {
		t.Errorf("the start succeeded: %s", out)
	}
	return strings.TrimSpace(string(out))
}

// copyProgram has another process write the copy: a program that a process has open to write, as
// all do that this one starts meanwhile, cannot be run (https://go.dev/issue/22315).
func copyProgram(t *testing.T, to string) {
	t.Helper()
	if out, err := exec.Command("cp", os.Args[0], to).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(to, 0o755); err != nil {
		t.Fatal(err)
	}
}
