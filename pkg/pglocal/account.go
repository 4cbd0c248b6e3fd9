package pglocal

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// account is who the server runs as. PostgreSQL refuses to run as root.
type account struct {
	name string
	cred *syscall.Credential // nil: as this process
}

// serverAccount picks the account: this process's own unless it is root; for root the owner of the
// existing data, otherwise "postgres", otherwise "nobody".
func serverAccount(data string) (account, error) {
	if os.Geteuid() != 0 {
		name := strconv.Itoa(os.Geteuid())
		if u, err := user.Current(); err == nil {
			name = u.Username
		}
		return account{name: name}, nil
	}

	if info, err := os.Stat(data); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			name := strconv.Itoa(int(stat.Uid))
			if u, err := user.LookupId(name); err == nil {
				name = u.Username
			}
			return account{name, &syscall.Credential{Uid: stat.Uid, Gid: stat.Gid}}, nil
		}
	}

	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
		gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
		if uidErr == nil && gidErr == nil && uid != 0 {
			return account{name, &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
		}
	}

	return account{}, fmt.Errorf("PostgreSQL cannot run as root and there is no user postgres or nobody: make one, " +
		"or start as another user")
}

// own gives one file or folder to the account.
func (a account) own(path string) error {
	if a.cred == nil {
		return nil
	}
	if err := os.Chown(path, int(a.cred.Uid), int(a.cred.Gid)); err != nil {
		return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
	}
	return nil
}

// takeOver gives a data folder that belongs to root (a copy made by root, say) to the account.
func (a account) takeOver(data string) error {
	if a.cred == nil {
		return nil
	}
	info, err := os.Stat(data)
	if err != nil {
		return fmt.Errorf("look at data folder: %w", err)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid == a.cred.Uid {
		return nil
	}
	return filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("walk data folder: %w", err)
		}
		if err := os.Lchown(path, int(a.cred.Uid), int(a.cred.Gid)); err != nil {
			return fmt.Errorf("give %s to user %s: %w", path, a.name, err)
		}
		return nil
	})
}

// inherited is the first descriptor that a child gets from exec.Cmd.ExtraFiles.
const inherited = "/proc/self/fd/3"

// entrance is how the account reaches a folder. Another user cannot walk through a closed home
// (0700), so its programs get the folder as an open descriptor, which needs no walking.
type entrance struct {
	path string   // what the program is told
	file *os.File // nil when the path works by itself
}

func (a account) enter(dir string) (entrance, error) {
	if a.cred == nil || runtime.GOOS != "linux" {
		return entrance{path: dir}, nil
	}
	if _, err := os.Stat("/proc/self/fd"); err != nil {
		return entrance{path: dir}, nil //nolint:nilerr // no /proc: the plain path is what is left
	}
	file, err := os.Open(dir)
	if err != nil {
		return entrance{}, fmt.Errorf("open folder: %w", err)
	}
	return entrance{path: inherited, file: file}, nil
}

func (e entrance) close() error {
	if e.file == nil {
		return nil
	}
	return e.file.Close()
}

// command prepares one of PostgreSQL's programs to run as the account, apart from our terminal: a
// Ctrl-C is for us, and we decide when the server stops.
func (a account) command(ctx context.Context, e entrance, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = "/" // ours may be out of the account's reach
	cmd.Env = serverEnviron()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: a.cred}
	// initdb runs further programs; they go with it when ctx ends.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if e.file != nil {
		cmd.ExtraFiles = []*os.File{e.file}
	}
	return cmd
}

// serverEnviron passes on only what the programs need: no PGDATA or PGPORT of someone's shell, and
// none of our secrets.
func serverEnviron() []string {
	env := []string{"LC_ALL=C", "TZ=UTC"}
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH":
			env = append(env, pair)
		}
	}
	return env
}
