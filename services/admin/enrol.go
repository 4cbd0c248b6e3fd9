package admin

import (
	"context"
	"html/template"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// issuer names the back office in authenticator apps.
const issuer = "Back office"

// enrolPage is the data of the pages that set up a second factor.
type enrolPage struct {
	Form    adminui.Form `json:"-"`
	Picture template.URL `json:"-"`
	Secret  string       `json:"-"`
	Codes   []string     `json:"-"`
	Signing bool         `json:"-"` // while signing in, before the first page
}

// appForm asks for the first code of an authenticator app, and for a password if there is none.
func appForm(a account, action string) adminui.Form {
	f := adminui.Form{Action: action, Submit: "Set up", Fields: []adminui.Field{
		{Name: "username", Kind: "account", Value: a.Username}, {Name: "code", Label: "Code that the app shows",
			Kind: "text", Required: true, Complete: "one-time-code", MaxLength: 10, Numeric: true}}}
	if a.Password == "" {
		f.Fields = append(f.Fields, adminui.Field{
			Name:      "password",
			Label:     "Password to sign in with",
			Kind:      "password",
			Required:  true,
			MaxLength: maxPassword,
			Complete:  "new-password",
			Hint:      "At least 12 characters; a few words will do.",
		})
	}
	return f
}

// enrol shows how to set up a second factor: while signing in, or from the account page.
func (s *server) enrol(action string, signing bool) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		a, err := s.ownAccount(r)
		if err != nil {
			return nil, err
		}
		key, err := newTOTP(issuer, a.Username)
		if err != nil {
			return nil, err
		}
		if err := setPendingTOTP(r.Context(), s.pool, sessionOf(r).Hash, s.seal(a.ID, key.Secret())); err != nil {
			return nil, err
		}
		return s.enrolPage(a, key.Secret(), appForm(a, action), signing, http.StatusOK)
	}
}

func (s *server) enrolPage(a account, secret string, form adminui.Form, signing bool,
	status int) (adminui.Answer, error) {
	key, err := totpKey(issuer, a.Username, secret)
	if err != nil {
		return nil, err
	}
	image, err := picture(key)
	if err != nil {
		return nil, err
	}
	return adminui.Page{Title: "Second factor", Template: "enrol.html", Bare: signing, Narrow: true, Status: status,
		Data: enrolPage{Form: form, Picture: image, Secret: secret, Signing: signing}}, nil
}

// setUpApp checks the first code of an authenticator app and stores the app.
func (s *server) setUpApp(action string, signing bool) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		form, err := adminui.ReadForm(r)
		if err != nil {
			return nil, err
		}
		a, err := s.ownAccount(r)
		if err != nil {
			return nil, err
		}

		sealed, err := pendingTOTP(r.Context(), s.pool, sessionOf(r).Hash)
		switch {
		case err != nil:
			return nil, err
		case sealed == nil:
			return nil, web.NotFound()
		}

		secret, err := s.open(a.ID, sealed)
		if err != nil {
			return nil, err
		}
		wrong := adminui.FieldErrors{}
		step, ok := totpStep(secret, form.Get("code"), 0, time.Now())
		if !ok {
			wrong["code"] = "That is not the code that the app shows now."
		}

		if problem := weak(form.Get("password"), a.Username); a.Password == "" && problem != "" {
			wrong["password"] = problem
		}
		if len(wrong) > 0 {
			return s.enrolPage(a, secret, appForm(a, action).WithInput(form).WithErrors(wrong), signing,
				http.StatusUnprocessableEntity)
		}

		stored := ""
		if a.Password == "" {
			if stored, err = s.hasher.hash(r.Context(), form.Get("password")); err != nil {
				return nil, err
			}
		}
		return s.enrolled(a, signing, "Set up an authenticator app", func(ctx context.Context, tx pgx.Tx) error {
			if stored != "" {
				if err := setPassword(ctx, tx, a.ID, stored); err != nil {
					return err
				}
			}
			return setTOTP(ctx, tx, a.ID, sealed, step)
		}), nil
	}
}

// addPasskey stores a passkey that an authenticator has made.
func (s *server) addPasskey(signing bool) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		form, err := adminui.ReadForm(r)
		if err != nil {
			return nil, err
		}
		a, err := s.ownAccount(r)
		if err != nil {
			return nil, err
		}
		made, raw, err := s.madePasskey(r.Context(), form, a.ID)
		if err != nil {
			return nil, err
		}
		name := pg.StorableText(passkeyName(form.Get("name")), 60)
		return s.enrolled(a, signing, "Added the passkey "+name, func(ctx context.Context, tx pgx.Tx) error {
			return insertPasskey(ctx, tx, a.ID, made, name, raw)
		}), nil
	}
}

// enrolled stores a new second factor. The first one comes with recovery codes, which are shown
// once; while signing in, it completes the sign-in.
func (s *server) enrolled(a account, signing bool, what string,
	keep func(context.Context, pgx.Tx) error) adminui.Answer {
	return adminui.Raw(func(w http.ResponseWriter, r *http.Request) error {
		var codes []string
		err := pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
			codes = nil
			if err := keep(r.Context(), tx); err != nil {
				return err
			}
			if !a.hasSecond() {
				codes = newRecoveryCodes()
				if err := s.keepRecoveryCodes(r.Context(), tx, a.ID, codes); err != nil {
					return err
				}
			}
			if err := s.record(r, tx, adminui.Act{Action: adminui.HomeView, Kind: "person", Key: web.ID(a.ID),
				Text: what}); err != nil {
				return err
			}
			if !signing {
				return setFresh(r.Context(), tx, sessionOf(r).Hash, adminui.FreshTTL)
			}
			if err := s.recordSignIn(r, tx, a, "a new second factor"); err != nil {
				return err
			}
			return s.begin(w, r, tx, a.ID, stageFull)
		})
		if err != nil {
			return err
		}
		if codes != nil {
			return s.kit.Show(w, r, codesPage(codes, signing))
		}

		http.Redirect(w, r, "/account", http.StatusSeeOther)
		return nil
	})
}

func codesPage(codes []string, bare bool) adminui.Page {
	return adminui.Page{Title: "Recovery codes", Template: "codes.html", Bare: bare, Narrow: true,
		Data: enrolPage{Codes: codes}}
}

func (s *server) keepRecoveryCodes(ctx context.Context, tx pgx.Tx, person int64, codes []string) error {
	var hashes [][]byte
	for _, code := range codes {
		hashes = append(hashes, s.recoveryHash(person, code))
	}
	return setRecoveryCodes(ctx, tx, person, hashes)
}
