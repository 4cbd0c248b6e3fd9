package mailinbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
	maxBody      = 64 << 10 // of one request
)

// filter selects mails by their heads.
type filter struct {
	to        string // one envelope recipient, whole, any case
	subject   string // part of the subject, any case
	messageID string // whole, with or without angle brackets
	since     string // an id: only later mails
	words     string // part of any address or of the subject, any case
}

func newFilter(q url.Values) (filter, error) {
	f := filter{
		to:        q.Get("to"),
		subject:   fold(q.Get("subject")),
		messageID: cleanMessageID(q.Get("message_id")),
		since:     q.Get("since"),
		words:     fold(q.Get("q")),
	}
	if f.since != "" {
		if _, err := parseID(f.since); err != nil {
			return f, fmt.Errorf("since: %w", err)
		}
	}
	return f, nil
}

func fold(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// accepts reports whether the filter selects a mail.
func (f filter) accepts(m Mail) bool {
	switch {
	case f.to != "" && !concerns(f.to, m.To):
		return false
	case f.messageID != "" && f.messageID != m.MessageID:
		return false
	case !strings.Contains(strings.ToLower(m.Subject), f.subject):
		return false
	case f.words == "":
		return true
	}
	all := strings.Join(append([]string{m.From, m.HeaderFrom, m.HeaderTo, m.Subject, m.MessageID}, m.To...), "\n")
	return strings.Contains(strings.ToLower(all), f.words)
}

// choose returns the heads of the newest selected mails, limit at most, and the number of all
// selected ones.
func (s *Server) choose(f filter, limit int) ([]Mail, int) {
	heads, _ := s.store.since(f.since)
	heads = slices.DeleteFunc(heads, func(m Mail) bool { return !f.accepts(m) })
	slices.Reverse(heads)
	return heads[:min(limit, len(heads))], len(heads)
}

// listing is the answer of GET /api/mails. Total counts all selected mails; Mails may be fewer,
// because of the limit.
type listing struct {
	Total int    `json:"total"`
	Mails []Mail `json:"mails"`
}

// apiMails serves GET /api/mails: newest first, with bodies unless brief=1 is given.
func (s *Server) apiMails(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	f, err := newFilter(q)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	limit, err := limitOf(q)
	if err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}

	heads, total := s.choose(f, limit)
	list := listing{Total: total, Mails: make([]Mail, 0, len(heads))}
	for _, h := range heads {
		m, ok := h.head(), true
		if q.Get("brief") == "" {
			if m, ok, err = s.store.whole(h); err != nil {
				s.serverError(w, err)
				return
			}
			m.Headers = nil // the answer for a single mail has them
		}
		if ok {
			list.Mails = append(list.Mails, m)
		}
	}
	writeJSON(w, http.StatusOK, list)
}

// limitOf reads how many mails are requested.
func limitOf(q url.Values) (int, error) {
	if !q.Has("limit") {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(q.Get("limit"))
	if err != nil || n < 1 || n > maxLimit {
		return 0, fmt.Errorf("limit is not a number from 1 to %d", maxLimit)
	}
	return n, nil
}

// apiMail serves GET /api/mails/{id}.
func (s *Server) apiMail(w http.ResponseWriter, r *http.Request) {
	m, ok, err := s.mail(r.PathValue("id"))
	switch {
	case err != nil:
		s.serverError(w, err)
	case !ok:
		writeError(w, http.StatusNotFound, "no such mail")
	default:
		writeJSON(w, http.StatusOK, m)
	}
}

// mail reads one mail.
func (s *Server) mail(id string) (Mail, bool, error) {
	head, ok := s.store.find(id)
	if !ok {
		return Mail{}, false, nil
	}
	return s.store.whole(head)
}

// apiClear serves DELETE /api/mails.
func (s *Server) apiClear(w http.ResponseWriter, _ *http.Request) {
	if err := s.Clear(); err != nil {
		s.serverError(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// apiSeen serves GET /api/seen: how often was this Message-ID taken?
func (s *Server) apiSeen(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("message_id")
	if cleanMessageID(id) == "" {
		writeError(w, http.StatusBadRequest, "message_id is missing")
		return
	}
	writeJSON(w, http.StatusOK, map[string]int{"count": s.Seen(id)})
}

// apiSwitches serves GET /api/switches.
func (s *Server) apiSwitches(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, s.Switches())
}

// apiSetSwitches serves POST /api/switches: the body replaces all switches, and {} turns all of
// them off.
func (s *Server) apiSetSwitches(w http.ResponseWriter, r *http.Request) {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	dec.DisallowUnknownFields()
	var sw *Switches
	if err := dec.Decode(&sw); err != nil || sw == nil {
		writeError(w, http.StatusBadRequest, "the body is not a JSON object of switches: "+describe(err))
		return
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		writeError(w, http.StatusBadRequest, "the body goes on after its JSON object")
		return
	}
	if err := sw.Validate(); err != nil {
		writeError(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := s.SetSwitches(*sw); err != nil {
		writeError(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, s.Switches())
}

func describe(err error) string {
	if err == nil {
		return "it is null"
	}
	return err.Error()
}

// serverError logs an internal error and keeps it out of the answer.
func (s *Server) serverError(w http.ResponseWriter, err error) {
	s.log.Error("mail inbox: page", "error", err)
	writeError(w, http.StatusInternalServerError, "the mail inbox cannot read its folder; its log says why")
}

func writeError(w http.ResponseWriter, status int, text string) {
	writeJSON(w, status, map[string]string{"error": text})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "answer cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that has gone needs no answer
}
