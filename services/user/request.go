package user

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/wait"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// resetPassword stores a request and answers. answerRequests looks for an account afterwards, so
// neither the answer nor its time tells whether there is one.
func (s *server) resetPassword(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "username", "email_address")
	if err != nil {
		return err
	}
	if err := s.request(r, codeReset, typedName(v[0]), typedName(v[1])); err != nil {
		return err
	}
	return answerOutcome(w, "reset_password", "success")
}

// forgotUsername works like resetPassword.
func (s *server) forgotUsername(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	email, err := form.Required("email_address")
	if err != nil {
		return err
	}
	if err := s.request(r, requestUsername, "", strings.TrimSpace(email)); err != nil {
		return err
	}
	return answerOutcome(w, "forgot_username", "success")
}

// request has the worker look for accounts, unless edge's limits leave the mail out.
func (s *server) request(r *http.Request, kind, username, email string) error {
	if web.Who(r).NoMail {
		web.Note(r, "mail_left_out", kind)
		return nil
	}
	if err := insertRequest(r.Context(), s.pool, kind, username, normalEmail(email)); err != nil {
		return err
	}
	wait.Wake(s.requested)
	return nil
}

// requestEvery is how often the worker looks for requests of other processes, dead ones included;
// our own handlers wake it.
const requestEvery = 5 * time.Second

// answerRequests turns stored requests into mails until ctx ends.
func (s *server) answerRequests(ctx context.Context) error {
	return wait.Loop(ctx, s.log, "answer requests for mails", requestEvery, s.requested, s.answerRequest)
}

// answerRequest answers one request that is due and deletes it, in one transaction.
func (s *server) answerRequest(ctx context.Context) (more bool, err error) {
	var q mailRequest
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		q, more, err = claimRequest(ctx, tx)
		if err != nil || !more {
			return err
		}
		var mails []msg.Message
		if q.Kind == codeReset {
			mails, err = s.resetMail(ctx, tx, q)
		} else {
			mails, err = usernameMail(ctx, tx, q)
		}
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, mails...)
	})

	if err != nil && q.ID != 0 && !pg.IsUnavailable(err) {
		if perr := postponeRequest(ctx, s.pool, q.ID); perr != nil {
			return false, perr
		}
	}
	return more, err
}

func (s *server) resetMail(ctx context.Context, tx pgx.Tx, q mailRequest) ([]msg.Message, error) {
	a, found, err := accountOfReset(ctx, tx, q.Username, q.Email)
	if err != nil || !found {
		return nil, err
	}
	a = a.atProved()
	if room, err := roomForReset(ctx, tx, a.ID, a.Email); err != nil || !room {
		return nil, err
	}
	id, code, err := issueCode(ctx, tx, s.codeKey, a, codeReset, resetTTL)
	if err != nil {
		return nil, err
	}
	return []msg.Message{a.mail(msg.MailReset, id, resetMailTTL, map[string]string{"code": code})}, nil
}

// usernameMail is one mail with all user names of an address: one mail for each would multiply what
// a person gets in whose name others made accounts. It goes to the address as the first account has
// it, one that has proved it if there is one.
func usernameMail(ctx context.Context, tx pgx.Tx, q mailRequest) ([]msg.Message, error) {
	accounts, err := accountsOfAddress(ctx, tx, q.Email)
	if err != nil || len(accounts) == 0 {
		return nil, err
	}
	names, lines := make([]string, len(accounts)), make([]string, len(accounts))
	for i, a := range accounts {
		names[i], lines[i] = a.Username, fmt.Sprintf("%s (%s %s)", a.Username, a.FirstName, a.LastName)
	}
	first := accounts[0]
	if !strings.EqualFold(first.Email, q.Email) {
		first = first.atProved() // found by the address that it proved last
	}
	return []msg.Message{first.mail(msg.MailUsername, requestKey(first, q), noticeMailTTL, map[string]string{
		"username": strings.Join(names, ", "), "accounts": strings.Join(lines, "\n"),
	})}, nil
}
