package pglocal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// folder is a cluster's place on disk:
//
//	lock        locked as long as a process uses the folder
//	password    of the role postgres, mode 0600
//	port        the one used last
//	server.log  what the server says, the run before in server.log.1 when it got long
//	data        PostgreSQL's own, belongs to the server's account
//	build-*     a data folder in the making; a leftover is removed
type folder struct {
	dir  string
	lock *os.File
}

const lockName = "lock"

// serverLogLimit is the size in bytes from which the server's log is put aside at the next start.
const serverLogLimit = 8 << 20

func (f *folder) data() string         { return filepath.Join(f.dir, "data") }
func (f *folder) pidFile() string      { return filepath.Join(f.data(), "postmaster.pid") }
func (f *folder) passwordFile() string { return filepath.Join(f.dir, "password") }
func (f *folder) portFile() string     { return filepath.Join(f.dir, "port") }
func (f *folder) serverLog() string    { return filepath.Join(f.dir, "server.log") }

// openFolder makes the folder when it is missing, locks it, and removes what an interrupted
// initialization left behind.
func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make data folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder is not writable: %w", err)
	}
	f := &folder{dir: dir, lock: lock}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := readLine(lock.Name())
		closeErr := lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = fmt.Errorf("data folder %s is in use by another process (pid %s)", dir, holder)
		} else {
			err = fmt.Errorf("lock data folder %s: %w", dir, err)
		}
		return nil, errors.Join(err, closeErr)
	}
	if err := f.prepare(); err != nil {
		return nil, errors.Join(err, f.unlock())
	}
	return f, nil
}

func (f *folder) prepare() error {
	if err := f.lock.Truncate(0); err != nil {
		return fmt.Errorf("write lock of data folder: %w", err)
	}
	if _, err := f.lock.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0); err != nil {
		return fmt.Errorf("write lock of data folder: %w", err)
	}
	leftovers, err := filepath.Glob(filepath.Join(f.dir, "build-*"))
	if err != nil {
		return fmt.Errorf("look for interrupted initializations: %w", err)
	}
	for _, leftover := range leftovers {
		if err := os.RemoveAll(leftover); err != nil {
			return fmt.Errorf("remove interrupted initialization: %w", err)
		}
	}
	return nil
}

// unlock releases the folder. Closing the file alone would leave the lock to a program that is
// being started at this moment: until it runs it has a copy of the file.
func (f *folder) unlock() error {
	err := syscall.Flock(int(f.lock.Fd()), syscall.LOCK_UN)
	if err := errors.Join(err, f.lock.Close()); err != nil {
		return fmt.Errorf("unlock data folder: %w", err)
	}
	return nil
}

// dataVersion is the major version that made the data folder, 0 when there is no data yet.
func (f *folder) dataVersion() (int, error) {
	raw, err := os.ReadFile(filepath.Join(f.data(), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(f.data())
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return 0, nil
		case err != nil:
			return 0, fmt.Errorf("data folder is not readable: %w", err)
		case len(entries) > 0:
			return 0, fmt.Errorf("%s holds files but no PostgreSQL data (no PG_VERSION): move it away to begin again",
				f.data())
		}
		return 0, os.Remove(f.data()) // empty: makes room for the new one
	}
	if err != nil {
		return 0, fmt.Errorf("data folder is not readable: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("%s/PG_VERSION does not name a version: %w", f.data(), err)
	}
	return major, nil
}

// marker names the cluster in the command lines of all its processes, so that they can be told from
// others that got the same process id later. A folder's inode is its own as long as someone uses
// it, also when the folder is moved; a copy of the folder has another.
func (f *folder) marker() (string, error) {
	info, err := os.Stat(f.data())
	if err != nil {
		return "", fmt.Errorf("look at data folder: %w", err)
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", fmt.Errorf("look at data folder %s: no inode", f.data())
	}
	return fmt.Sprintf("pglocal-%x-%x", stat.Dev, stat.Ino), nil
}

// openServerLog opens the server's log for appending and returns where this run's part begins.
func (f *folder) openServerLog() (*os.File, int64, error) {
	if info, err := os.Stat(f.serverLog()); err == nil && info.Size() > serverLogLimit {
		if err := os.Rename(f.serverLog(), f.serverLog()+".1"); err != nil {
			return nil, 0, fmt.Errorf("put server log aside: %w", err)
		}
	}
	file, err := os.OpenFile(f.serverLog(), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open server log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("look at server log: %w", err), file.Close())
	}
	return file, info.Size(), nil
}

// writeFile replaces a small file whole, so that a crash leaves the old or the new content.
func writeFile(path, content string) error {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = file.WriteString(content + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// readLine is the first line of a small file, "" when it cannot be read.
func readLine(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	return strings.TrimSpace(line)
}
