package stripestandin

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// op is one changed record in the state file. A line of the file is a list of ops that took effect
// together: after a crash all of them are there, or none.
type op struct {
	Kind string          `json:"k"`
	ID   string          `json:"id"`
	Rec  json.RawMessage `json:"v"`
}

// journal appends lines to the state file. Lines that are queued at the same time share one fsync.
type journal struct {
	mu      sync.Mutex // guards pending and queued
	pending []byte
	queued  int64

	file   sync.Mutex // guards the fields below; held while writing
	f      *os.File
	lock   *os.File // locks other processes out of the file
	synced int64
	err    error
}

// queue adds a line and returns its number. The order of calls is the order in the file.
func (j *journal) queue(ops []op) (int64, error) {
	line, err := json.Marshal(ops)
	if err != nil {
		return 0, fmt.Errorf("encode state: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(append(j.pending, line...), '\n')
	j.queued++
	return j.queued, nil
}

// last is the number of the newest line.
func (j *journal) last() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.queued
}

// wait returns when line number n is on disk. After the first failed write every wait fails: what
// was not written must not be confirmed.
func (j *journal) wait(n int64) error {
	j.file.Lock()
	defer j.file.Unlock()
	if j.err != nil || j.synced >= n {
		return j.err
	}
	j.mu.Lock()
	buf, upTo := j.pending, j.queued
	j.pending = nil
	j.mu.Unlock()
	if _, err := j.f.Write(buf); err != nil {
		j.err = fmt.Errorf("write state file: %w", err)
		return j.err
	}
	if err := j.f.Sync(); err != nil {
		j.err = fmt.Errorf("sync state file: %w", err)
		return j.err
	}
	j.synced = upTo
	return nil
}

// close writes the lines that no one has waited for yet.
func (j *journal) close() error {
	err := errors.Join(j.wait(j.last()), j.f.Close())
	// A child process that is being started has a copy of the lock's file.
	return errors.Join(err, syscall.Flock(int(j.lock.Fd()), syscall.LOCK_UN), j.lock.Close())
}

// lockState makes sure that no other process uses the state file: two would overwrite each other's
// lines. The lock ends with the process, even if that is killed.
func lockState(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("make the state file's folder: %w", err)
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the state file's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("state file %s is in use by another process: %w", path, err), f.Close())
	}
	return f, nil
}

// readJournal calls apply for each line of the file. A last line that was torn by a crash is left
// out; damage before it is an error, because it would lose what was confirmed.
func readJournal(path string, apply func([]op) error) error {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open state file: %w", err)
	}
	defer f.Close()

	in := bufio.NewReaderSize(f, 1<<20)
	for number := 1; ; number++ {
		line, err := in.ReadBytes('\n')
		if err == io.EOF {
			return nil // the end, or a line without its end
		}
		if err != nil {
			return fmt.Errorf("read state file: %w", err)
		}
		var ops []op
		if err := json.Unmarshal(line, &ops); err != nil {
			if _, peek := in.Peek(1); peek == io.EOF {
				return nil
			}
			return fmt.Errorf("state file %s is damaged at line %d: %w", path, number, err)
		}
		if err := apply(ops); err != nil {
			return fmt.Errorf("state file %s, line %d: %w", path, number, err)
		}
	}
}

// newJournal replaces the file by a fresh one that holds the given lines, and keeps it open for
// more. The old file stays as it is until the new one is complete on disk.
func newJournal(path string, snapshot []op) (*journal, error) {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create state file: %w", err)
	}
	if err := writeSnapshot(f, snapshot); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := os.Rename(tmp, path); err != nil {
		return nil, errors.Join(fmt.Errorf("put state file in place: %w", err), f.Close())
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &journal{f: f}, nil
}

func writeSnapshot(f *os.File, snapshot []op) error {
	w := bufio.NewWriterSize(f, 1<<20)
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	for _, o := range snapshot {
		buf.Reset()
		if err := enc.Encode([]op{o}); err != nil {
			return fmt.Errorf("encode state: %w", err)
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return fmt.Errorf("write state file: %w", err)
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write state file: %w", err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync state file: %w", err)
	}
	return nil
}

// syncDir makes a rename inside the folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open the state file's folder: %w", err)
	}
	if err := d.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync the state file's folder: %w", err), d.Close())
	}
	return d.Close()
}
