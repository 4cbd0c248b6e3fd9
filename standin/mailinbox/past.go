package mailinbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// pastMail is the record of a delivery whose mail is no longer kept. It suffices to tell whether a
// Message-ID was taken.
type pastMail struct {
	ID        string `json:"id"`
	MessageID string `json:"message_id"`
}

const (
	maxPast  = 200_000 // number of remembered deliveries; the oldest are removed first, a tenth at a time
	pastName = "past.jsonl"
)

// loadPast reads the list of past deliveries. It skips a line whose mail is still kept, which a
// kill between the two steps of pruning leaves, and drops a torn line.
func (s *store) loadPast() error {
	data, err := os.ReadFile(s.pastPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}

	kept := make(map[string]bool, len(s.mails))
	for _, m := range s.mails {
		kept[m.ID] = true
	}

	rewrite := false
	for line := range bytes.Lines(data) {
		var p pastMail
		if err := json.Unmarshal(line, &p); err != nil || kept[p.ID] {
			rewrite = true
			continue
		}
		s.past = append(s.past, p)
		s.taken[p.MessageID]++
		if n, err := parseID(p.ID); err == nil {
			s.lastID = max(s.lastID, n)
		}
	}

	if rewrite {
		return s.writePast()
	}
	return nil
}

// rememberLocked records deliveries whose mails are about to be removed. The caller holds mu.
func (s *store) rememberLocked(gone []Mail) error {
	added := len(s.past)
	for _, m := range gone {
		if m.MessageID != "" {
			s.past = append(s.past, pastMail{ID: m.ID, MessageID: m.MessageID})
		}
	}
	if len(s.past) > maxPast {
		old := len(s.past) - maxPast + maxPast/10
		for _, p := range s.past[:old] {
			if s.taken[p.MessageID]--; s.taken[p.MessageID] <= 0 {
				delete(s.taken, p.MessageID)
			}
		}
		s.past = append([]pastMail(nil), s.past[old:]...)
		return s.writePast()
	}
	if s.dir == "" {
		return nil
	}
	f, err := os.OpenFile(s.pastPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return writeLines(f, s.past[added:])
}

// writePast rewrites the whole list.
func (s *store) writePast() error {
	if s.dir == "" {
		return nil
	}
	f, err := os.CreateTemp(s.dir, "past-*"+tempSuffix)
	if err != nil {
		return err
	}
	if err := writeLines(f, s.past); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := os.Rename(f.Name(), s.pastPath()); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// writeLines writes the lines to f, syncs and closes it.
func writeLines(f *os.File, past []pastMail) error {
	w := bufio.NewWriter(f)
	enc := json.NewEncoder(w)
	var err error
	for _, p := range past {
		err = errors.Join(err, enc.Encode(p))
	}
	return errors.Join(err, w.Flush(), f.Sync(), f.Close())
}

func (s *store) removePast() error {
	err := os.Remove(s.pastPath())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func (s *store) pastPath() string { return filepath.Join(s.dir, pastName) }
