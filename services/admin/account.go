package admin

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// accountPage is a person's own page.
type accountPage struct {
	Username string        `json:"username"`
	Name     string        `json:"name"`
	Roles    []string      `json:"roles"`
	Password bool          `json:"password"` // a password is set
	App      bool          `json:"app"`
	Codes    int           `json:"recovery_codes"`
	Passkeys []passkeyRow  `json:"passkeys"`
	Sessions []sessionRow  `json:"sessions"`
	Tokens   []tokenRow    `json:"tokens"`
	Form     adminui.Form  `json:"-"` // of the password
	NewToken *adminui.Form `json:"-"`
	Made     string        `json:"-"` // a new token, shown once
	Needs    bool          `json:"-"` // a second factor is required
}

type passkeyRow struct {
	ID        []byte     `json:"-"`
	Key       string     `json:"-" db:"-"`
	Name      string     `json:"name"`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at"`
}

type sessionRow struct {
	Hash      []byte    `json:"-"`
	Key       string    `json:"-" db:"-"`
	Current   bool      `json:"current" db:"-"`
	Agent     string    `json:"browser"`
	Address   string    `json:"address"`
	CreatedAt time.Time `json:"created_at"`
	SeenAt    time.Time `json:"seen_at"`
}

func passwordForm(username string, set bool) adminui.Form {
	f := adminui.Form{ID: "password", Action: "/account/password", Submit: "Set password",
		Fields: []adminui.Field{{Name: "username", Kind: "account", Value: username}}}
	if set {
		f.Submit = "Change password"
		f.Fields = append(f.Fields, adminui.Field{Name: "old", Label: "Password now", Kind: "password", Required: true,
			MaxLength: maxPassword, Complete: "current-password"})
	}
	f.Fields = append(f.Fields, adminui.Field{
		Name:      "new",
		Label:     "New password",
		Kind:      "password",
		Required:  true,
		MaxLength: maxPassword,
		Complete:  "new-password",
		Hint:      "At least 12 characters; a few words will do.",
	})
	return f
}

// personal is a page about the signed-in person: for people only, not for tokens.
func (s *server) personal(h adminui.Handler) http.HandlerFunc {
	return s.own(adminui.HomeView, func(r *http.Request) (adminui.Answer, error) {
		if adminui.Who(r).Token {
			return nil, web.Forbidden("people-only")
		}
		return h(r)
	})
}

// careful is personal for changes of how a person signs in: it requires a fresh second factor,
// except for setting up the first one.
func (s *server) careful(h adminui.Handler) http.HandlerFunc {
	return s.personal(func(r *http.Request) (adminui.Answer, error) {
		if sessionOf(r).HasSecond && !adminui.Who(r).Fresh() {
			return nil, adminui.ErrConfirm("")
		}
		return h(r)
	})
}

// ownAccount is the account of the signed-in person. A person who was disabled a moment ago has
// none.
func (s *server) ownAccount(r *http.Request) (account, error) {
	return web.OrNotFound(findAccount(r.Context(), s.pool, adminui.Who(r).Person))
}

func (s *server) account(r *http.Request) (adminui.Answer, error) {
	return s.accountPage(r, adminui.Form{}, false, "", http.StatusOK)
}

// accountPage shows the page, with the given form of the password if own is set.
func (s *server) accountPage(r *http.Request, form adminui.Form, own bool, made string,
	status int) (adminui.Answer, error) {
	ctx, who := r.Context(), adminui.Who(r)
	a, err := s.ownAccount(r)
	if err != nil {
		return nil, err
	}
	p := accountPage{
		Username: a.Username,
		Name:     a.Name,
		Password: a.Password != "",
		App:      a.TOTPSecret != nil,
		Form:     form,
		Made:     made,
		Needs:    s.needsSecond(),
	}
	if !own {
		p.Form = passwordForm(a.Username, p.Password)
	}

	for _, role := range who.Roles {
		p.Roles = append(p.Roles, string(role))
	}
	var errs [4]error
	p.Codes, errs[0] = countRecoveryCodes(ctx, s.pool, a.ID)
	p.Passkeys, errs[1] = listPasskeys(ctx, s.pool, a.ID)
	p.Sessions, errs[2] = listSessions(ctx, s.pool, a.ID)
	p.Tokens, errs[3] = listTokens(ctx, s.pool, a.ID)

	for i, session := range p.Sessions {
		p.Sessions[i].Key, p.Sessions[i].Current = hex.EncodeToString(session.Hash),
			string(session.Hash) == string(sessionOf(r).Hash)
	}

	for i, key := range p.Passkeys {
		p.Passkeys[i].Key = hex.EncodeToString(key.ID)
	}
	if who.May(adminui.TokensManage) {
		f := tokenForm(who)
		p.NewToken = &f
	}

	return adminui.Page{Title: "Your account", Template: "account.html", Data: p, Status: status},
		errors.Join(errs[:]...)
}

// changePassword sets a password; the person's other sessions end.
func (s *server) changePassword(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	a, err := s.ownAccount(r)
	if err != nil {
		return nil, err
	}

	wrong := adminui.FieldErrors{}
	if a.Password != "" {
		forgive, err := s.attempt(r, []guessLimit{{"password of " + web.ID(a.ID), 6, guessWindow}})
		if err != nil {
			return nil, err
		}
		ok, err := s.hasher.verify(r.Context(), form.Get("old"), a.Password)
		if err != nil {
			return nil, err
		}
		if !ok {
			wrong["old"] = "That is not your password."
		} else if err := forgive(); err != nil {
			return nil, err
		}
	}

	if problem := weak(form.Get("new"), a.Username); problem != "" {
		wrong["new"] = problem
	}
	if len(wrong) > 0 {
		return s.accountPage(r, passwordForm(a.Username, a.Password != "").WithErrors(wrong), true, "",
			http.StatusUnprocessableEntity)
	}

	stored, err := s.hasher.hash(r.Context(), form.Get("new"))
	if err != nil {
		return nil, err
	}

	return s.changeOwn(r, "Changed the password", "Password changed. Your other sessions have ended.",
		func(ctx context.Context, tx pgx.Tx) error {
			return errors.Join(setPassword(ctx, tx, a.ID, stored), endSessions(ctx, tx, a.ID, sessionOf(r).Hash))
		})
}

// changeOwn changes something of the signed-in person and records it.
func (s *server) changeOwn(r *http.Request, act, notice string,
	do func(context.Context, pgx.Tx) error) (adminui.Answer, error) {
	err := pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
		if err := do(r.Context(), tx); err != nil {
			return err
		}
		return s.record(r, tx, adminui.Act{Action: adminui.HomeView, Kind: "person", Key: web.ID(adminui.Who(r).Person),
			Text: act})
	})
	return adminui.Done{To: "/account", Text: notice}, err
}

// errLastFactor says that the person would be left without the required second factor.
var errLastFactor = errors.New("no second factor would be left")

// removeFactor removes a second factor, unless it is the last one and one is required; refusal says
// so then. It checks what is left while the person is locked, so that two removals at once do not
// leave none.
func (s *server) removeFactor(r *http.Request, act, notice, refusal string,
	do func(context.Context, pgx.Tx) error) (adminui.Answer, error) {
	answer, err := s.changeOwn(r, act, notice, func(ctx context.Context, tx pgx.Tx) error {
		person := adminui.Who(r).Person
		if err := lockPerson(ctx, tx, person); err != nil {
			return err
		}
		if err := do(ctx, tx); err != nil {
			return err
		}
		a, err := web.OrNotFound(findAccount(ctx, tx, person))
		switch {
		case err != nil:
			return err
		case s.needsSecond() && !a.hasSecond():
			return errLastFactor
		}
		return nil
	})
	if errors.Is(err, errLastFactor) {
		return adminui.Done{To: "/account", Text: refusal}, nil
	}
	return answer, err
}

func (s *server) removeApp(r *http.Request) (adminui.Answer, error) {
	return s.removeFactor(r, "Removed the authenticator app", "Authenticator app removed.",
		"Add a passkey first: signing in here takes a second factor.",
		func(ctx context.Context, tx pgx.Tx) error { return setTOTP(ctx, tx, adminui.Who(r).Person, nil, 0) })
}

func (s *server) removePasskey(r *http.Request) (adminui.Answer, error) {
	key, err := hex.DecodeString(adminui.Param(r, "id"))
	if err != nil {
		return nil, web.NotFound()
	}
	return s.removeFactor(r, "Removed a passkey", "Passkey removed.",
		"Set up an authenticator app first: signing in here takes a second factor.",
		func(ctx context.Context, tx pgx.Tx) error {
			ok, err := deletePasskey(ctx, tx, adminui.Who(r).Person, key)
			if err == nil && !ok {
				err = web.NotFound()
			}
			return err
		})
}

// renewCodes replaces the recovery codes and shows the new ones once.
func (s *server) renewCodes(r *http.Request) (adminui.Answer, error) {
	codes := newRecoveryCodes()
	_, err := s.changeOwn(r, "Made new recovery codes", "", func(ctx context.Context, tx pgx.Tx) error {
		return s.keepRecoveryCodes(ctx, tx, adminui.Who(r).Person, codes)
	})
	return codesPage(codes, false), err
}

// endOneSession ends one of the person's sessions.
func (s *server) endOneSession(r *http.Request) (adminui.Answer, error) {
	hash, err := hex.DecodeString(adminui.Param(r, "id"))
	if err != nil {
		return nil, web.NotFound()
	}
	return s.changeOwn(r, "Ended a session", "Session ended.", func(ctx context.Context, tx pgx.Tx) error {
		return endSessionOf(ctx, tx, adminui.Who(r).Person, hash)
	})
}

func (s *server) endOtherSessions(r *http.Request) (adminui.Answer, error) {
	return s.changeOwn(r, "Ended all other sessions", "All other sessions ended.",
		func(ctx context.Context, tx pgx.Tx) error {
			return endSessions(ctx, tx, adminui.Who(r).Person, sessionOf(r).Hash)
		})
}
