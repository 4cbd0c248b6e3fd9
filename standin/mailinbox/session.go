package mailinbox

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is the conversation with one client, which has one mail at a time.
type session struct {
	srv  *Server
	wire *wire
	from string
	to   []string
	// counted are the refusals whose count this mail has reduced: a mail with ten refused
	// recipients counts once, and is refused for all ten.
	counted map[int64]Refusal
}

func (s *Server) newSession(c *smtp.Conn) (smtp.Session, error) {
	w, ok := c.Conn().(*wire)
	if !ok {
		return nil, fmt.Errorf("mail inbox: connection of kind %T", c.Conn())
	}
	return &session{srv: s, wire: w, counted: map[int64]Refusal{}}, nil
}

// AuthMechanisms implements smtp.AuthSession. Any credentials are accepted, so that a client that
// is set up for a real mail system works unchanged.
func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *session) Auth(mech string) (sasl.Server, error) {
	if mech != sasl.Plain {
		return nil, smtp.ErrAuthUnknownMechanism
	}
	return sasl.NewPlainServer(func(_, _, _ string) error { return nil }), nil
}

// Mail implements smtp.Session.
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

// Rcpt implements smtp.Session.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.refusal(AtRcpt, []string{to}); err != nil {
		return err
	}
	if len(s.to) >= maxRecipients {
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 5, 3}, Message: "Too many recipients"}
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements smtp.Session: the mail is on disk when it returns nil.
func (s *session) Data(r io.Reader) error {
	start := time.Now()
	raw, err := io.ReadAll(r)
	if err != nil {
		if refused, ok := errors.AsType[*smtp.SMTPError](err); ok {
			return refused
		}
		return &smtp.SMTPError{
			Code:         451,
			EnhancedCode: smtp.EnhancedCode{4, 4, 2},
			Message:      "The mail did not arrive whole",
		}
	}
	if err := s.refusal(AtData, s.to); err != nil {
		return err
	}

	m := readMail(raw)
	m.From, m.To, m.ReceivedAt = s.from, s.to, time.Now().UTC()
	kept, err := s.srv.store.add(m, raw)
	if err != nil {
		s.srv.log.Error("mail inbox: keep mail", "error", err)
		return &smtp.SMTPError{
			Code:         452,
			EnhancedCode: smtp.EnhancedCode{4, 3, 1},
			Message:      "The mail could not be stored",
		}
	}

	end := s.srv.switches.ending(s.to)
	s.wire.cutNext(end)
	s.srv.log.Debug("mail inbox: mail taken", "id", kept.ID, "message_id", kept.MessageID, "bytes", kept.Size,
		"recipients", len(kept.To), "reply_lost", end == cutInstead, "duration", time.Since(start))
	return nil
}

// refusal returns the error that the switches order for these recipients, if any.
func (s *session) refusal(at Stage, to []string) error {
	r, ok := s.srv.switches.refuse(at, to, s.counted)
	if !ok {
		return nil
	}
	if r.Code == 421 {
		s.wire.cutNext(cutAfterward) // RFC 5321: 421 announces that the connection is being closed
	}
	return &smtp.SMTPError{Code: r.Code, Message: r.text()}
}

// Reset implements smtp.Session.
func (s *session) Reset() {
	s.from, s.to = "", nil
	clear(s.counted)
}

// Logout implements smtp.Session.
func (s *session) Logout() error { return nil }
