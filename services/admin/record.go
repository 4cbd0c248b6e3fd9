package admin

import (
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
)

// record adds what the person of a request did here to the log, in the transaction that does it.
func (s *server) record(r *http.Request, tx pgx.Tx, a adminui.Act) error {
	who := adminui.Who(r)
	return insertAudit(r.Context(), tx, msg.StaffActed{Person: who.Person, Name: who.Name, Token: who.Token,
		From:    who.From,
		Service: "admin", Action: string(a.Action), Kind: a.Kind, Key: a.Key, Text: a.Text, Before: a.Before,
		After: a.After,
		At:    time.Now().UTC()})
}

// recordSignIn notes that a person signed in, and how.
func (s *server) recordSignIn(r *http.Request, tx pgx.Tx, a account, how string) error {
	return insertAudit(r.Context(), tx, msg.StaffActed{Person: a.ID, Name: a.Name, From: s.clientOf(r),
		Service: "admin",
		Action:  "sign-in", Kind: "person", Key: id(a.ID), Text: "Signed in with " + how, At: time.Now().UTC()})
}
