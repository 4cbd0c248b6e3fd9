package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// signPage is the data of the pages of signing in.
type signPage struct {
	Form    adminui.Form `json:"-"`
	To      string       `json:"-"`
	Token   string       `json:"-"` // of a link
	Passkey bool         `json:"-"` // a passkey is accepted
	App     bool         `json:"-"` // an authenticator app is set up
	Problem string       `json:"problem,omitempty"`
}

func signInForm(to string) adminui.Form {
	return adminui.Form{Action: "/sign-in", Submit: "Sign in", Fields: []adminui.Field{
		{Name: "username", Label: "Name", Kind: "text", Required: true, Complete: "username", MaxLength: 100},
		{Name: "password", Label: "Password", Kind: "password", Required: true, Complete: "current-password",
			MaxLength: 200},
		{Name: "to", Kind: "hidden", Value: to},
	}}
}

func (s *server) signIn(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	to := safePath(q.Get("to"))
	return signInPage(signInForm(to), to, "", http.StatusOK), nil
}

func signInPage(form adminui.Form, to, problem string, status int) adminui.Page {
	form.Problem = problem
	return adminui.Page{Title: "Sign in", Template: "sign-in.html", Bare: true, Status: status,
		Data: signPage{Form: form, To: to, Passkey: true, Problem: problem}}
}

// refused is the page after a wrong factor, or after too many of them.
func (s *server) refused(err error, page func(problem string, status int) adminui.Page) (adminui.Answer, error) {
	e, ok := errors.AsType[*web.Error](err)
	switch {
	case err == nil:
		return page("That did not match. Try again.", http.StatusUnprocessableEntity), nil
	case ok && e.Status == http.StatusTooManyRequests:
		return page("Too many attempts. Wait a quarter of an hour, or use a passkey.", http.StatusTooManyRequests), nil
	}
	return nil, err
}

// checkPassword checks the first factor. An unknown name takes as long as others, and gets the same
// answer.
func (s *server) checkPassword(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	to := safePath(form.Get("to"))
	again := func(problem string, status int) adminui.Page {
		return signInPage(signInForm(to).WithInput(form), to, problem, status)
	}

	username := pg.StorableText(form.Get("username"), 100)
	a, _, err := findAccountByName(r.Context(), s.pool, username)
	if err != nil {
		return nil, err
	}
	forgive, err := s.attempt(r, s.guessLimits(r, username))
	if err != nil {
		return s.refused(s.recordLockedOut(r, a.ID, err), again)
	}

	ok, err := s.hasher.verify(r.Context(), form.Get("password"), a.Password)
	if err != nil {
		return nil, err
	}
	if !ok {
		web.Note(r, "signed_in", "refused")
		text := wrongPassword
		if a.ID == 0 {
			text = wrongName
		}
		return s.refused(s.recordRefused(r, a.ID, text), again)
	}

	if err := forgive(); err != nil {
		return nil, err
	}
	yes := func(context.Context, pgx.Tx) (bool, error) { return true, nil }
	return s.afterFirst(a, "password", to, yes), nil
}

// afterFirst opens a session after the first factor if do allows it, and leads to the missing step.
func (s *server) afterFirst(a account, how, to string, do func(context.Context, pgx.Tx) (bool, error)) adminui.Answer {
	stage, next := stageFull, to
	switch {
	case a.hasSecond():
		stage, next = stageSecond, "/sign-in/second?to="+url.QueryEscape(to)
	case s.needsSecond():
		stage, next = stageEnrol, "/sign-in/enrol"
	}
	return s.opens(a, stage, how, next, do)
}

// opens answers with a new session if do allows it in the same transaction, and leads to a page.
func (s *server) opens(a account, stage, how, to string,
	do func(context.Context, pgx.Tx) (bool, error)) adminui.Answer {
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		opened := false
		err := pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) (err error) {
			if opened, err = do(r.Context(), tx); err != nil || !opened {
				return err
			}
			if stage == stageFull {
				if err := s.recordSignIn(r, tx, a, how); err != nil {
					return err
				}
			}
			return s.begin(w, r, tx, a.ID, stage)
		})
		if err != nil {
			return err
		}
		if !opened {
			return s.kit.Show(w, r, adminui.Page{Title: "This link has ended", Template: "link-ended.html", Bare: true,
				Status: http.StatusGone})
		}
		web.Note(r, "signed_in", stage)
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	})
}

// signInByPasskey accepts a passkey, which is all factors in one.
func (s *server) signInByPasskey(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	to := safePath(form.Get("to"))
	again := func(problem string, status int) adminui.Page { return signInPage(signInForm(to), to, problem, status) }
	forgive, err := s.attempt(r, []guessLimit{{"passkeys from " + s.network(r), 30, guessWindow}})
	if err != nil {
		return s.refused(s.recordLockedOut(r, 0, err), again)
	}

	person, err := s.endPasskey(r.Context(), form.Get("token"), form.Get("response"), 0, toSignIn)
	if errors.Is(err, errPasskey) {
		web.Note(r, "passkey", err.Error())
		return s.refused(s.recordRefused(r, 0, wrongPasskey), again)
	}
	if err != nil {
		return nil, err
	}

	a, err := web.OrNotFound(findAccount(r.Context(), s.pool, person))
	if err != nil {
		return nil, err
	}
	if err := forgive(); err != nil {
		return nil, err
	}

	yes := func(context.Context, pgx.Tx) (bool, error) { return true, nil }
	return s.opens(a, stageFull, "passkey", to, yes), nil
}

func (s *server) beginSignInByPasskey(r *http.Request) (adminui.Answer, error) {
	return s.beginPasskey(r, 0, toSignIn)
}

func secondForm(to string) adminui.Form {
	return adminui.Form{Action: "/sign-in/second", Submit: "Continue", Fields: []adminui.Field{
		{Name: "code", Label: "Code", Kind: "text", Required: true, Complete: "one-time-code", MaxLength: 20,
			Hint: "Six digits from your authenticator app, or one of your recovery codes."},
		{Name: "to", Kind: "hidden", Value: to},
	}}
}

// second asks for the second factor.
func (s *server) second(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	a, err := s.ownAccount(r)
	if err != nil {
		return nil, err
	}
	to := safePath(q.Get("to"))
	return secondPage(a, secondForm(to), to, "", http.StatusOK), nil
}

func secondPage(a account, form adminui.Form, to, problem string, status int) adminui.Page {
	form.Problem = problem
	return adminui.Page{Title: "Second factor", Template: "second.html", Bare: true, Status: status,
		Data: signPage{Form: form, To: to, Passkey: a.Passkeys > 0, App: a.TOTPSecret != nil, Problem: problem}}
}

// checkSecond accepts a code, or a passkey, as the second factor.
func (s *server) checkSecond(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	a, err := s.ownAccount(r)
	if err != nil {
		return nil, err
	}
	to := safePath(form.Get("to"))
	again := func(problem string, status int) adminui.Page {
		return secondPage(a, secondForm(to), to, problem, status)
	}
	by, err := s.factor(r, a, form, toSignIn)
	if err != nil || by == "" {
		return s.refused(err, again)
	}
	yes := func(context.Context, pgx.Tx) (bool, error) { return true, nil }
	return s.opens(a, stageFull, "password and "+by, to, yes), nil
}

func (s *server) beginSecond(r *http.Request) (adminui.Answer, error) {
	return s.beginPasskey(r, adminui.Who(r).Person, toSignIn)
}

// The second factors, as the log of sign-ins names them.
const (
	byPasskey  = "passkey"
	byApp      = "second factor"
	byRecovery = "recovery code"
)

// factor returns which second factor of the person a form brings, "" for none: the answer of a
// passkey in token and response, otherwise a code of the authenticator app or a recovery code in
// code. Each is valid once.
func (s *server) factor(r *http.Request, a account, form adminui.PostedForm, purpose string) (by string, err error) {
	forgive, err := s.attempt(r, secondLimits(a.ID))
	if err != nil {
		return "", s.recordLockedOut(r, a.ID, err)
	}
	if form.Get("response") != "" {
		_, err := s.endPasskey(r.Context(), form.Get("token"), form.Get("response"), a.ID, purpose)
		if err != nil && !errors.Is(err, errPasskey) {
			return "", err
		}
		if err == nil {
			by = byPasskey
		}
	} else if by, err = s.code(r.Context(), a, form.Get("code")); err != nil {
		return "", err
	}
	if by == "" {
		web.Note(r, "second_factor", "refused")
		return "", s.recordRefused(r, a.ID, wrongFactor)
	}
	return by, forgive()
}

// code uses up a code of the authenticator app or a recovery code, and returns which it was.
func (s *server) code(ctx context.Context, a account, code string) (by string, err error) {
	if a.TOTPSecret != nil {
		secret, err := s.open(a.ID, a.TOTPSecret)
		if err != nil {
			return "", err
		}
		if step, ok := totpStep(secret, code, 0, time.Now()); ok {
			if used, err := useStep(ctx, s.pool, a.ID, step); err != nil || !used {
				return "", err
			}
			return byApp, nil
		}
	}
	if used, err := useRecoveryCode(ctx, s.pool, a.ID, s.recoveryHash(a.ID, code)); err != nil || !used {
		return "", err
	}
	return byRecovery, nil
}
