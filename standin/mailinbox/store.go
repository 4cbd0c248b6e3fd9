package mailinbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Limits of all kept mails together, in bytes: on disk, and in memory if there is no folder.
const (
	maxDiskBytes   = 512 << 20
	maxMemoryBytes = 64 << 20
)

const (
	mailSuffix = ".mail"
	tempSuffix = ".tmp"
)

// store keeps the mails, one file each: a line of JSON (the mail's head), then the mail as sent. In
// memory are only the heads, or, without a folder, everything.
type store struct {
	dir      string
	keep     int
	maxBytes int
	log      *slog.Logger

	mu      sync.Mutex
	mails   []Mail // heads, oldest first; with Raw if there is no folder
	bytes   int
	lastID  int64
	taken   map[string]int // Message-ID → deliveries, including those of removed mails
	past    []pastMail     // deliveries whose mail was removed, oldest first
	changed chan struct{}  // closed and replaced at each new mail
}

// openStore reads the mails in dir.
func openStore(dir string, keep int, log *slog.Logger) (*store, error) {
	s := &store{
		dir:      dir,
		keep:     keep,
		maxBytes: maxMemoryBytes,
		log:      log,
		taken:    map[string]int{},
		changed:  make(chan struct{}),
	}
	if dir == "" {
		return s, nil
	}
	s.maxBytes = maxDiskBytes
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("mail inbox: make its folder: %w", err)
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("mail inbox: read its folder: %w", err)
	}
	return s, nil
}

// load reads the heads of all mails, removes half-written files and checks that the folder is
// writable.
func (s *store) load() error {
	files, err := os.ReadDir(s.dir) // sorted by name, so by id
	if err != nil {
		return err
	}

	for _, f := range files {
		name := f.Name()
		switch {
		case strings.HasSuffix(name, tempSuffix):
			if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
				return err
			}
		case strings.HasSuffix(name, mailSuffix):
			m, err := readHead(filepath.Join(s.dir, name))
			if err != nil {
				s.log.Warn("mail inbox: unreadable mail file left alone", "file", name, "error", err)
				continue
			}
			s.appendLocked(m)
		}
	}

	if err := s.loadPast(); err != nil {
		return err
	}
	probe, err := os.CreateTemp(s.dir, "probe-*"+tempSuffix)
	if err != nil {
		return err
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return err
	}

	return s.pruneLocked()
}

// readHead reads the first line of a mail's file.
func readHead(path string) (Mail, error) {
	f, err := os.Open(path)
	if err != nil {
		return Mail{}, err
	}
	line, err := bufio.NewReader(f).ReadBytes('\n')
	if err = errors.Join(err, f.Close()); err != nil {
		return Mail{}, err
	}
	return parseHead(path, line)
}

func parseHead(path string, line []byte) (Mail, error) {
	var m Mail
	if err := json.Unmarshal(line, &m); err != nil {
		return Mail{}, err
	}
	m.ID = strings.TrimSuffix(filepath.Base(path), mailSuffix)
	if _, err := parseID(m.ID); err != nil {
		return Mail{}, err
	}
	return m, nil
}

// add keeps a mail; it is on disk when add returns. Only naming is serialized, so that ids become
// visible in their order and a reader who requests the mails since an id misses none.
func (s *store) add(m Mail, raw []byte) (Mail, error) {
	var temp string
	if s.dir != "" {
		var err error
		if temp, err = s.writeTemp(m, raw); err != nil {
			return Mail{}, fmt.Errorf("write mail: %w", err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m.ID = formatID(max(s.lastID+1, m.ReceivedAt.UnixMicro()))
	head := m.head()
	if s.dir == "" {
		head.Raw = raw
	} else if err := s.nameLocked(temp, m.ID); err != nil {
		return Mail{}, fmt.Errorf("name mail: %w", err)
	}
	s.appendLocked(head)
	if err := s.pruneLocked(); err != nil {
		s.log.Error("mail inbox: remove old mails", "error", err) // this mail is on disk all the same
	}
	close(s.changed)
	s.changed = make(chan struct{})
	return m, nil
}

// writeTemp writes and syncs a mail under a temporary name.
func (s *store) writeTemp(m Mail, raw []byte) (string, error) {
	line, err := json.Marshal(m.head())
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(s.dir, "*"+tempSuffix)
	if err != nil {
		return "", err
	}
	_, err = f.Write(slices.Concat(line, []byte("\n"), raw))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// nameLocked gives the file its name and makes that durable. The caller holds mu.
func (s *store) nameLocked(temp, id string) error {
	final := s.path(id)
	if err := os.Rename(temp, final); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	if err := syncDir(s.dir); err != nil {
		return errors.Join(err, os.Remove(final)) // the client gets a refusal, so the mail must not stay
	}
	return nil
}

// appendLocked adds a stored mail to the lists in memory. The caller holds mu.
func (s *store) appendLocked(head Mail) {
	s.mails = append(s.mails, head)
	s.bytes += head.Size
	if id, err := parseID(head.ID); err == nil {
		s.lastID = max(s.lastID, id)
	}
	if head.MessageID != "" {
		s.taken[head.MessageID]++
	}
}

// heads returns the kept mails without their bodies, oldest first.
func (s *store) heads() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.mails)
}

// since returns the heads of mails with greater ids, and a channel that is closed at the next mail.
func (s *store) since(id string) ([]Mail, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, _ := slices.BinarySearchFunc(s.mails, id, func(m Mail, id string) int {
		if m.ID <= id {
			return -1
		}
		return 1
	})
	return slices.Clone(s.mails[i:]), s.changed
}

// find returns the head of one mail.
func (s *store) find(id string) (Mail, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := slices.BinarySearchFunc(s.mails, id, func(m Mail, id string) int { return strings.Compare(m.ID, id) })
	if !ok {
		return Mail{}, false
	}
	return s.mails[i], true
}

// whole reads a kept mail with its bodies. It returns false if the mail was removed meanwhile.
func (s *store) whole(head Mail) (Mail, bool, error) {
	raw := head.Raw
	if s.dir != "" {
		data, err := os.ReadFile(s.path(head.ID))
		if errors.Is(err, os.ErrNotExist) {
			return Mail{}, false, nil
		}
		if err != nil {
			return Mail{}, false, fmt.Errorf("read mail %s: %w", head.ID, err)
		}
		_, raw, _ = bytes.Cut(data, []byte("\n"))
	}
	m := readMail(raw)
	m.ID, m.From, m.To, m.ReceivedAt = head.ID, head.From, head.To, head.ReceivedAt
	return m, true, nil
}

// count returns how many deliveries of a Message-ID were taken.
func (s *store) count(messageID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken[cleanMessageID(messageID)]
}

// clear removes everything, including the counts of Message-IDs.
func (s *store) clear() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		for len(s.mails) > 0 {
			m := s.mails[0]
			if err := os.Remove(s.path(m.ID)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove mail %s: %w", m.ID, err)
			}
			s.mails, s.bytes = s.mails[1:], s.bytes-m.Size
		}
		if err := s.removePast(); err != nil {
			return fmt.Errorf("remove the list of old mails: %w", err)
		}
	}
	s.mails, s.past, s.bytes = nil, nil, 0
	clear(s.taken)
	return nil
}

// pruneLocked removes the oldest mails beyond the limits. If there are too many it removes a tenth
// more than needed, so that it does not run for each mail. The caller holds mu.
func (s *store) pruneLocked() error {
	n, size := 0, s.bytes
	if len(s.mails) > s.keep+s.keep/10 {
		n = len(s.mails) - s.keep
	}
	for i := range n {
		size -= s.mails[i].Size
	}

	tooOld := time.Now().Add(-mailTTL)
	for n < len(s.mails)-1 && (size > s.maxBytes || s.mails[n].ReceivedAt.Before(tooOld)) {
		size -= s.mails[n].Size
		n++
	}
	if n == 0 {
		return nil
	}

	gone := slices.Clone(s.mails[:n])
	s.mails, s.bytes = slices.Delete(s.mails, 0, n), size
	if err := s.rememberLocked(gone); err != nil {
		return err
	}
	if s.dir == "" {
		return nil
	}

	var errs []error
	for _, m := range gone {
		errs = append(errs, os.Remove(s.path(m.ID)))
	}
	return errors.Join(errs...)
}

func (s *store) path(id string) string { return filepath.Join(s.dir, id+mailSuffix) }

// syncDir makes changes of a folder's names durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// formatID and parseID convert a mail's number: the time of its arrival in microseconds, made
// unique.
func formatID(n int64) string { return fmt.Sprintf("%016d", n) }

func parseID(id string) (int64, error) {
	if len(id) != 16 {
		return 0, fmt.Errorf("mail id %q has not 16 digits", id)
	}
	var n int64
	for _, c := range id {
		if c < '0' || c > '9' {
			return 0, fmt.Errorf("mail id %q has not 16 digits", id)
		}
		n = n*10 + int64(c-'0')
	}
	return n, nil
}
