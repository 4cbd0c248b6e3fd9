package user

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// updateMyInformation changes names and address. A new address has to be proved again. Our own page
// sends the current password with it, so that a session alone, on a machine that was left open,
// cannot move an account; the contract's old pages send none and go on as they did.
func (s *server) updateMyInformation(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "update_my_information"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "firstname", "lastname", "email_address")
	if err != nil {
		return err
	}

	first, last, email := v[0], v[1], normalEmail(v[2])
	var f fields
	f.add("firstname", checkName(first, maxFirstName))
	f.add("lastname", checkName(last, maxLastName))
	f.add("email-address", checkEmail(email))
	if !f.ok() {
		return refuse(w, endpoint, "errors", f.object())
	}

	right, err := s.mayMove(r, who.MemberID, form, email)
	if err != nil {
		return err
	}
	if !right {
		web.TellOutcome(w, web.OutcomeWrong)
		f.add("current-password", problems{{"current_password_invalid", "This is not your current password."}})
		return refuse(w, endpoint, "errors", f.object())
	}

	a, found, err := s.changeProfile(r, who.MemberID, first, last, email)
	if errors.Is(err, errAddressFull) {
		f[2].add(true, "not_valid", addressFullText)
		return refuse(w, endpoint, "errors", f.object())
	}
	if err != nil {
		return err
	}
	if !found { // erased since the session began
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	if err := changeSession(w, web.SessionChange{Action: web.SessionUpdate, Member: a.session()}); err != nil {
		return err
	}
	web.TellOutcome(w, web.OutcomeDone)
	return answerOutcome(w, endpoint, "success")
}

func (s *server) changeProfile(r *http.Request, id int64, first, last,
	email string) (a account, found bool, err error) {
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		a, found, err = lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found || a.FirstName == first && a.LastName == last && a.Email == email {
			return errUnchanged
		}
		var messages []msg.Message
		if messages, a, err = s.changeProfileIn(r, tx, a, first, last, email); err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, messages...)
	})
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return a, found, err
}

// changeProfileIn changes names and address of an account that is locked, and returns the messages
// that tell of it. If nothing is new, nothing changes.
func (s *server) changeProfileIn(r *http.Request, tx pgx.Tx, before account, first, last,
	email string) (messages []msg.Message, a account, err error) {
	ctx := r.Context()
	if before.FirstName == first && before.LastName == last && before.Email == email {
		return nil, before, nil
	}

	moved := before.Email != email
	if moved {
		full, err := addressFull(ctx, tx, email, before.ID)
		if err != nil {
			return nil, before, err
		}
		if full {
			return nil, before, errAddressFull
		}
	}

	a = before
	a.FirstName, a.LastName, a.Email = first, last, email
	if moved {
		if before.EmailVerified {
			a.ProvedEmail = &before.Email
		}
		a.EmailVerified = false
	}
	if a, _, err = updateProfile(ctx, tx, a); err != nil {
		return nil, a, err
	}

	messages = []msg.Message{a.event(msg.UserProfileChanged)}
	if moved {
		mail, err := s.moveAddress(r, tx, a, before)
		if err != nil {
			return nil, a, err
		}
		messages = append(messages, mail)
	}
	return messages, a, nil
}

// mayMove reports whether the password that came with a new address is right. A request without one
// is accepted, too.
func (s *server) mayMove(r *http.Request, id int64, form web.Values, email string) (bool, error) {
	password, sent := form.Lookup("current_password")
	if !sent {
		return true, nil
	}
	a, found, err := accountByID(r.Context(), s.pool, id)
	if err != nil || !found || a.Email == email {
		return err == nil, err // changeProfile reports what is wrong
	}
	return s.hasher.verify(r.Context(), password, a.Password)
}

// moveAddress does what a changed address brings with it: codes that were sent to the old one are
// void, and both get one mail, with a fresh code and with a link that undoes the change. The new
// address can read that link, too, which harms no one: it only gives the account back.
func (s *server) moveAddress(r *http.Request, tx pgx.Tx, a, before account) (msg.Message, error) {
	ctx := r.Context()
	if err := upsertFormerAddress(ctx, tx, a.ID, before.Email); err != nil {
		return msg.Message{}, err
	}
	if err := voidCodes(ctx, tx, a.ID, codeReset); err != nil {
		return msg.Message{}, err
	}
	undo, err := insertAddressChange(ctx, tx, s.codeKey, before)
	if err != nil {
		return msg.Message{}, err
	}
	id, code, err := issueCode(ctx, tx, s.codeKey, a, codeVerify, verifyTTL)
	if err != nil {
		return msg.Message{}, err
	}

	mail := a.mail(msg.MailAddressChanged, id, noticeMailTTL,
		map[string]string{"old_email": before.Email, "code": code, "undo_code": undo})
	if before.EmailVerified {
		mail = toProved(mail, before.Email)
	}
	return mail, nil
}

// undoAddressChange gives an account back to the address that it had, by the code of the mail that
// went there. It needs no session: the person who changed the address has that.
func (s *server) undoAddressChange(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "undo_address_change"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	code, err := form.Required("address_undo_code")
	if err != nil {
		return err
	}

	if outcome := readCode(s.codeKey, codeUndo, code, time.Now()); outcome != "" {
		return answerOutcome(w, endpoint, outcome)
	}

	a, outcome, err := s.undo(r, code)
	if err != nil {
		return err
	}
	if outcome != "" {
		return answerOutcome(w, endpoint, outcome)
	}

	web.Note(r, "member", a.ID)
	if err := changeSession(w, web.SessionChange{Action: web.SessionEndAll, Member: a.session()}); err != nil {
		return err
	}
	return answerOutcome(w, endpoint, "success")
}

// outcomeProved refuses to undo the change of an address that was never proved, once the new one
// is: the old one may have been a slip of the pen at registration, and another person's.
const outcomeProved = "address-proved-since"

// undo restores the old address, ends every session, voids every code, makes a password that was
// set since unusable, and mails a code for a new one.
func (s *server) undo(r *http.Request, code string) (a account, refusal string, err error) {
	ctx := r.Context()
	unusableHash, err := s.hasher.hash(ctx, random.Code(40))
	if err != nil {
		return account{}, "", err
	}

	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		c, found, err := openChange(ctx, tx, code)
		if err != nil {
			return err
		}
		if !found {
			refusal = codeForeign
			return errUnchanged
		}

		a, found, err = lockAccount(ctx, tx, c.MemberID)
		if err != nil {
			return err
		}
		if !found || a.EmailVerified && !c.OldVerified {
			refusal = outcomeProved
			return errUnchanged
		}

		done, err := markChangeUndone(ctx, tx, c)
		if err != nil {
			return err
		}
		if !done { // a parallel request was faster
			refusal = codeForeign
			return errUnchanged
		}

		messages, err := s.restore(ctx, tx, &a, c, unusableHash)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, messages...)
	})

	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return a, refusal, err
}

func (s *server) restore(ctx context.Context, tx pgx.Tx, a *account, c addressChange,
	unusableHash string) ([]msg.Message, error) {
	if err := upsertFormerAddress(ctx, tx, a.ID, a.Email); err != nil {
		return nil, err
	}
	for _, kind := range []string{codeVerify, codeReset} {
		if err := voidCodes(ctx, tx, a.ID, kind); err != nil {
			return nil, err
		}
	}

	back, _, err := restoreAddress(ctx, tx, c, unusableHash)
	if err != nil {
		return nil, err
	}
	*a = back
	to := back.atProved()
	id, code, err := issueCode(ctx, tx, s.codeKey, to, codeReset, resetTTL)
	if err != nil {
		return nil, err
	}
	return []msg.Message{back.event(msg.UserProfileChanged), back.credentialsChanged(""),
		to.mail(msg.MailReset, id, resetMailTTL, map[string]string{"code": code})}, nil
}
