package user

import (
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// changeMyPassword checks the current password, then that the new one differs, then its rules. The
// session that asks stays, with a new token; the others end.
func (s *server) changeMyPassword(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "change_my_password"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "current_password", "new_password", "confirm_new_password")
	if err != nil {
		return err
	}

	current, password, again := v[0], v[1], v[2]
	a, found, err := accountByID(r.Context(), s.pool, who.MemberID)
	if err != nil {
		return err
	}
	if !found { // erased since the session began
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	right, err := s.hasher.verify(r.Context(), current, a.Password)
	if err != nil {
		return err
	}
	wrong := func(key, kind, text string) error {
		return refuse(w, endpoint, "errors", web.Object{{Key: key, Value: problems{{kind, text}}}})
	}
	if !right {
		web.TellOutcome(w, web.OutcomeWrong)
		return wrong("current-password", "current_password_invalid", "This is not your current password.")
	}
	if password == current {
		return wrong("password", "new_password_same_as_current_password", "The new password is the same as the "+
			"current one.")
	}
	if p := s.checkNewPassword(password, again, a.Username, a.Email); len(p) > 0 {
		return refuse(w, endpoint, "errors", web.Object{{Key: "password", Value: p}})
	}

	a, done, err := s.storePassword(r, a, password)
	if err != nil {
		return err
	}
	if !done { // changed meanwhile by another session
		return wrong("current-password", "current_password_invalid", "This is no longer your current password.")
	}

	return renewSession(w, who, a)
}

// renewSession replaces the session that changed its password, and answers.
func renewSession(w http.ResponseWriter, who web.Identity, a account) error {
	const endpoint = "change_my_password"
	if err := changeSession(w, web.SessionChange{
		Action:   web.SessionRenew,
		Remember: who.Remember,
		At:       at(a.PasswordChanged),
		Member:   a.session(),
		Failed:   outcomeBody(endpoint, "changed_password_but_login_failed"),
	}); err != nil {
		return err
	}
	return answerOutcome(w, endpoint, "success")
}

// storePassword replaces the password that was checked, and voids reset codes.
func (s *server) storePassword(r *http.Request, old account, password string) (a account, done bool, err error) {
	ctx := r.Context()
	newForm, err := s.hasher.hash(ctx, password)
	if err != nil {
		return account{}, false, err
	}

	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		a, done, err = replacePassword(ctx, tx, old.ID, old.Password, newForm)
		if err != nil {
			return err
		}
		if !done {
			return errUnchanged
		}
		if err := voidCodes(ctx, tx, a.ID, codeReset); err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, a.credentialsChanged(web.Who(r).Session),
			a.notice(msg.MailPasswordChanged, a.change()))
	})

	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return a, done, err
}

// setNewPassword checks the user name, the code, whose code it is, then the password's rules. Only
// success uses the code up.
func (s *server) setNewPassword(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "set_new_password"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "username", "password_reset_code", "new_password", "confirm_new_password")
	if err != nil {
		return err
	}

	username, code, password, again := typedName(v[0]), v[1], v[2], v[3]
	a, found, err := accountByUsername(r.Context(), s.pool, username)
	if err != nil {
		return err
	}
	if !found {
		web.TellOutcome(w, web.OutcomeReveals)
		return answer(w, struct {
			Outcome string `json:"set_new_password"`
			Error   string `json:"error"`
			versioned
		}{Outcome: "username-not-found", Error: "We know no account with this user name."})
	}

	if outcome := readCode(s.codeKey, codeReset, code, time.Now()); outcome != "" {
		web.TellOutcome(w, web.OutcomeWrong)
		return answerOutcome(w, endpoint, outcome)
	}
	open, err := openCode(r.Context(), s.pool, a.ID, codeReset, code)
	if err != nil {
		return err
	}
	if !open {
		web.TellOutcome(w, web.OutcomeWrong)
		return answerOutcome(w, endpoint, codeForeign)
	}

	if p := s.checkNewPassword(password, again, a.Username, a.Email); len(p) > 0 {
		return refuse(w, endpoint, "password-error", web.Object{{Key: "new-password", Value: p}})
	}
	done, err := s.redeemReset(r, a, code, password)
	if err != nil {
		return err
	}
	if !done { // a parallel request was faster
		return answerOutcome(w, endpoint, codeForeign)
	}

	if err := changeSession(w, web.SessionChange{Action: web.SessionEndAll, Member: a.session()}); err != nil {
		return err
	}
	return answerOutcome(w, endpoint, "success")
}

func (s *server) redeemReset(r *http.Request, a account, code, password string) (done bool, err error) {
	ctx := r.Context()
	newForm, err := s.hasher.hash(ctx, password)
	if err != nil {
		return false, err
	}

	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		locked, found, err := lockAccount(ctx, tx, a.ID)
		if err != nil {
			return err
		}
		email, err := redeemCode(ctx, tx, a.ID, codeReset, code)
		if err != nil {
			return err
		}
		if done = found && email != ""; !done {
			return errUnchanged
		}

		a, _, err = replacePassword(ctx, tx, a.ID, locked.Password, newForm)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, a.credentialsChanged(""), a.notice(msg.MailPasswordSet, a.change()))
	})

	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return done, err
}
