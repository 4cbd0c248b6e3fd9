package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// record adds an act of the request's person to the log, in the act's transaction.
func (s *server) record(r *http.Request, tx pgx.Tx, a adminui.Act) error {
	who := adminui.Who(r)
	return insertAudit(r.Context(), tx, msg.StaffActed{
		Person:  who.Person,
		Name:    who.Name,
		Token:   who.Token,
		From:    who.From,
		Service: "admin",
		Action:  string(a.Action),
		Kind:    a.Kind,
		Key:     a.Key,
		Text:    a.Text,
		Before:  a.Before,
		After:   a.After,
		At:      time.Now().UTC(),
	})
}

// The log's texts for refused sign-ins.
const (
	wrongName     = "Refused: a name that no one has"
	wrongPassword = "Refused: a wrong password"
	wrongPasskey  = "Refused: a passkey that no one has"
	wrongFactor   = "Refused: a wrong second factor"
	lockedOut     = "Locked out for a while after too many attempts"
)

// recordRefused counts a refused sign-in for the log; person is 0 if the name is unknown.
func (s *server) recordRefused(r *http.Request, person int64, text string) error {
	address := ""
	if person != 0 {
		address = s.clientOf(r)
	}
	return countRefused(r.Context(), s.pool, person, text, address)
}

// recordLockedOut counts a refused sign-in if err refused it for too many attempts.
func (s *server) recordLockedOut(r *http.Request, person int64, err error) error {
	if e, ok := errors.AsType[*web.Error](err); ok && e.Status == http.StatusTooManyRequests {
		return errors.Join(s.recordRefused(r, person, lockedOut), err)
	}
	return err
}

// recordSignIn records that a person signed in, and how.
func (s *server) recordSignIn(r *http.Request, tx pgx.Tx, a account, how string) error {
	return insertAudit(r.Context(), tx, msg.StaffActed{
		Person:  a.ID,
		Name:    a.Name,
		From:    s.clientOf(r),
		Service: "admin",
		Action:  "sign-in",
		Kind:    "person",
		Key:     web.ID(a.ID),
		Text:    "Signed in with " + how,
		At:      time.Now().UTC(),
	})
}
