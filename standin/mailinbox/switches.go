package mailinbox

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Stage is a point of the SMTP conversation at which a mail can be refused.
type Stage string

// The stages of a Refusal.
const (
	AtRcpt Stage = "rcpt" // in reply to RCPT TO
	AtData Stage = "data" // in reply to the end of the mail
)

// Switches make the inbox behave as mail systems do on bad days. The zero value is a good day. They
// live in memory: a restarted inbox behaves well.
type Switches struct {
	// Refuse lists the refusals; the first that matches a mail applies.
	Refuse []Refusal `json:"refuse,omitempty"`
	// Stall stalls every connection, old and new: connections are accepted, and nothing is
	// answered.
	Stall *Stall `json:"stall,omitempty"`
	// Down closes the port and all connections. Without it, the same port is opened again.
	Down bool `json:"down"`
	// LoseReply keeps the mail and cuts the connection instead of answering 250.
	LoseReply *Times `json:"lose_reply,omitempty"`
	// DropAfterReply keeps the mail, answers 250 and cuts the connection at once, before RSET.
	DropAfterReply *Times `json:"drop_after_reply,omitempty"`
}

// Refusal refuses mails with an SMTP code.
type Refusal struct {
	At   Stage `json:"at"`
	Code int   `json:"code"` // 400 to 599
	// Text is one line of printable ASCII; empty means a standard sentence.
	Text string `json:"text,omitempty"`
	// Recipient limits the refusal to mails for this address; empty means all.
	Recipient string `json:"recipient,omitempty"`
	// Count is how many mails are refused before the switch turns itself off; 0 means until it is
	// switched off.
	Count int `json:"count,omitempty"`

	id int64 // identifies the refusal while it counts down
}

// Stall says how long a stall lasts.
type Stall struct {
	// Milliseconds counts from the moment it is switched on; 0 means until it is switched off.
	Milliseconds int64 `json:"milliseconds,omitempty"`
}

// Times says how many mails, and which, a switch applies to.
type Times struct {
	// Count is how many mails; 0 means all until it is switched off.
	Count int `json:"count,omitempty"`
	// Recipient limits it to mails for this address; empty means all.
	Recipient string `json:"recipient,omitempty"`
}

// maxStall keeps a mistyped stall from lasting forever; 0 milliseconds does that on purpose.
const maxStall = 24 * time.Hour

// Validate reports every mistake in the switches.
func (s Switches) Validate() error {
	var errs []error
	for i, r := range s.Refuse {
		if r.At != AtRcpt && r.At != AtData {
			errs = append(errs, fmt.Errorf("refuse[%d].at is %q, not rcpt or data", i, r.At))
		}
		if r.Code < 400 || r.Code > 599 {
			errs = append(errs, fmt.Errorf("refuse[%d].code is %d, not within 400 to 599", i, r.Code))
		}
		if len(r.Text) > 200 || strings.ContainsFunc(r.Text, func(c rune) bool { return c < ' ' || c > '~' }) {
			errs = append(errs, fmt.Errorf("refuse[%d].text is not one line of up to 200 printable ASCII characters",
				i))
		}
		if r.Count < 0 {
			errs = append(errs, fmt.Errorf("refuse[%d].count is negative", i))
		}
	}

	if s.Stall != nil && (s.Stall.Milliseconds < 0 || s.Stall.Milliseconds > maxStall.Milliseconds()) {
		errs = append(errs, fmt.Errorf("stall.milliseconds is %d, not within 0 and a day", s.Stall.Milliseconds))
	}
	if s.LoseReply != nil && s.LoseReply.Count < 0 {
		errs = append(errs, errors.New("lose_reply.count is negative"))
	}
	if s.DropAfterReply != nil && s.DropAfterReply.Count < 0 {
		errs = append(errs, errors.New("drop_after_reply.count is negative"))
	}
	return errors.Join(errs...)
}

func (r Refusal) text() string {
	switch {
	case r.Text != "":
		return r.Text
	case r.Code < 500:
		return "The mail inbox is set to refuse this mail; try again later"
	default:
		return "The mail inbox is set to refuse this mail for good"
	}
}

// switchboard holds the switches and counts them down.
type switchboard struct {
	gate *gate

	mu     sync.Mutex
	now    Switches
	lastID int64
}

func newSwitchboard(g *gate) *switchboard { return &switchboard{gate: g} }

// set replaces all switches.
func (b *switchboard) set(s Switches) error {
	if err := s.Validate(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = s.clone()
	for i := range b.now.Refuse {
		b.lastID++
		b.now.Refuse[i].id = b.lastID
	}
	if s.Stall != nil {
		b.gate.setStall(true, time.Duration(s.Stall.Milliseconds)*time.Millisecond)
	} else {
		b.gate.setStall(false, 0)
	}
	if err := b.gate.setDown(s.Down); err != nil {
		return fmt.Errorf("switch the SMTP port: %w", err)
	}
	return nil
}

// get returns the current switches, with what is left of their counts.
func (b *switchboard) get() Switches {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.now.Stall != nil && !b.gate.stalled() {
		b.now.Stall = nil
	}
	return b.now.clone()
}

// clone copies what pointers refer to, so that the copy does not count down.
func (s Switches) clone() Switches {
	s.Refuse = slices.Clone(s.Refuse)
	if s.Stall != nil {
		s.Stall = new(*s.Stall)
	}
	if s.LoseReply != nil {
		s.LoseReply = new(*s.LoseReply)
	}
	if s.DropAfterReply != nil {
		s.DropAfterReply = new(*s.DropAfterReply)
	}
	return s
}

// refuse finds the refusal for these recipients at this stage. counted holds the refusals whose
// count this mail has reduced already: they apply to the rest of this mail even if their count is
// used up.
func (b *switchboard) refuse(at Stage, to []string, counted map[int64]Refusal) (Refusal, bool) {
	for _, r := range counted {
		if r.fits(at, to) {
			return r, true
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.IndexFunc(b.now.Refuse, func(r Refusal) bool { return r.fits(at, to) })
	if i < 0 {
		return Refusal{}, false
	}
	r := b.now.Refuse[i]
	switch r.Count {
	case 0:
		return r, true
	case 1:
		b.now.Refuse = slices.Delete(b.now.Refuse, i, i+1)
	default:
		b.now.Refuse[i].Count--
	}
	counted[r.id] = r
	return r, true
}

// fits reports whether the refusal applies to these recipients at this stage.
func (r Refusal) fits(at Stage, to []string) bool {
	return r.At == at && concerns(r.Recipient, to)
}

// ending says how the conversation ends after a mail was kept.
func (b *switchboard) ending(to []string) cut {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case useUp(&b.now.LoseReply, to):
		return cutInstead
	case useUp(&b.now.DropAfterReply, to):
		return cutAfterward
	default:
		return cutNever
	}
}

// useUp reports whether the switch applies to the mail, and reduces its count.
func useUp(t **Times, to []string) bool {
	if *t == nil || !concerns((*t).Recipient, to) {
		return false
	}
	switch (*t).Count {
	case 0:
	case 1:
		*t = nil
	default:
		(*t).Count--
	}
	return true
}

// concerns reports whether a switch for this recipient (empty: for all) applies to a mail.
func concerns(recipient string, to []string) bool {
	return recipient == "" || slices.ContainsFunc(to, func(a string) bool { return strings.EqualFold(a, recipient) })
}
