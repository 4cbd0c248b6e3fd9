package user

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// errUnchanged ends a transaction that found nothing to do, without a commit.
var errUnchanged = errors.New("nothing to change")

// createAccount registers a member. Account, terms, consent, code, mail and events are one
// transaction: all of it happens, or nothing.
func (s *server) createAccount(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "firstname", "lastname", "username", "email_address", "password", "confirm_password",
		"newsletter", "remember_me")
	if err != nil {
		return err
	}
	first, last, username, email, password, again := v[0], v[1], v[2], normalEmail(v[3]), v[4], v[5]

	name := checkUsername(username)
	taken, err := usernameTaken(r.Context(), s.pool, username)
	if err != nil {
		return err
	}
	name.add(taken, "unavailable", unavailableText)
	if taken {
		web.TellOutcome(w, web.OutcomeReveals)
	}

	var f fields
	f.add("firstname", checkName(first, maxFirstName))
	f.add("lastname", checkName(last, maxLastName))
	f.add("username", name)
	f.add("email-address", checkEmail(email))
	f.add("password", s.checkNewPassword(password, again, username, email))
	if !f.ok() {
		return refuse(w, "create_account", "false", f.object())
	}

	wanted := account{Username: username, FirstName: first, LastName: last, Email: email, Newsletter: isTrue(v[6])}
	if wanted.Password, err = s.hasher.hash(r.Context(), password); err != nil {
		return err
	}

	a, made, err := s.register(r, wanted)
	if errors.Is(err, errAddressFull) {
		f[3].add(true, "not_valid", addressFullText)
		return refuse(w, "create_account", "false", f.object())
	}
	if err != nil {
		return err
	}
	if !made { // someone else was faster while we hashed
		web.TellOutcome(w, web.OutcomeReveals)
		f[2].add(true, "unavailable", unavailableText)
		return refuse(w, "create_account", "false", f.object())
	}

	web.Note(r, "member", a.ID)
	return logInNew(w, a, isTrue(v[7]))
}

// logInNew opens the session of an account that was just made, and answers.
func logInNew(w http.ResponseWriter, a account, remember bool) error {
	if err := changeSession(w, web.SessionChange{
		Action:   web.SessionOpen,
		Remember: remember,
		At:       at(a.LastLogin),
		Member:   a.session(),
		KeepCart: true,
		Failed:   outcomeBody("create_account", "created_but_login_failed"),
	}); err != nil {
		return err
	}
	web.TellOutcome(w, web.OutcomeDone)
	return answerOutcome(w, "create_account", "true")
}

const unavailableText = "This user name is taken."

// errAddressFull refuses an address for which enough accounts wait to be proved.
var errAddressFull = errors.New("too many accounts wait for the proof of the address")

// addressFullText does not say who has accounts: those that are counted prove nothing about the
// owner.
const addressFullText = "This address cannot be used for an account now. If it is yours, ask for your user name and " +
	"use that account, or write to us."

func (s *server) register(r *http.Request, form account) (a account, made bool, err error) {
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		full, err := addressFull(ctx, tx, form.Email, 0)
		if err != nil {
			return err
		}
		if full {
			return errAddressFull
		}

		a, made, err = insertAccount(ctx, tx, form)
		if err != nil {
			return err
		}
		if !made {
			return errUnchanged
		}

		terms, err := newestTerms(ctx, tx)
		if err != nil {
			return err
		}
		if _, err := agreeToTerms(ctx, tx, a.ID, terms.Version); err != nil {
			return err
		}
		if err := insertConsents(ctx, tx,
			consent{MemberID: a.ID, What: "newsletter", Given: a.Newsletter, Source: "registration"},
			consent{
				MemberID: a.ID,
				What:     fmt.Sprintf("terms-of-use:%d", terms.Version),
				Given:    true,
				Source:   "registration",
			}); err != nil {
			return err
		}

		_, code, err := issueCode(ctx, tx, s.codeKey, a, codeVerify, verifyTTL)
		if err != nil {
			return err
		}
		messages := []msg.Message{a.event(msg.UserRegistered),
			a.mail(msg.MailWelcome, a.ID, verifyMailTTL, map[string]string{"code": code})}

		converted, err := convertProspects(ctx, tx, a)
		if err != nil {
			return err
		}
		messages = append(messages, prospectEvents(converted)...)
		return bus.Enqueue(ctx, tx, messages...)
	})

	if errors.Is(err, errUnchanged) {
		return account{}, false, nil
	}
	return a, made, err
}

// login compares the user name exactly, except for blanks around it, which no user name has:
// keyboards of phones and password managers add them. An unknown name takes as long as a wrong
// password.
func (s *server) login(w http.ResponseWriter, r *http.Request) error {
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "username", "password", "remember_me")
	if err != nil {
		return err
	}

	a, ok, err := s.authenticate(r, typedName(v[0]), v[1])
	if err != nil {
		return err
	}
	if !ok {
		web.TellOutcome(w, web.OutcomeWrong)
		return answerOutcome(w, "login", "false")
	}

	web.Note(r, "member", a.ID)
	if err := changeSession(w, web.SessionChange{
		Action:    web.SessionOpen,
		Remember:  isTrue(v[2]),
		At:        at(a.LastLogin),
		Member:    a.session(),
		Overtaken: outcomeBody("login", "false"),
	}); err != nil {
		return err
	}
	return answerOutcome(w, "login", "true")
}

// typedName is a user name without the blanks around it.
func typedName(s string) string { return strings.TrimSpace(s) }

func (s *server) authenticate(r *http.Request, username, password string) (account, bool, error) {
	ctx := r.Context()
	// A parallel login may store the password in its new form between this one's check and its
	// stamp. Then the password is checked again.
	for range 3 {
		a, _, err := accountByUsername(ctx, s.pool, username)
		if err != nil {
			return account{}, false, err
		}
		ok, err := s.hasher.verify(ctx, password, a.Password)
		if err != nil || !ok {
			return account{}, false, err
		}

		newForm := ""
		if s.hasher.outdated(a.Password) {
			if newForm, err = s.hasher.hash(ctx, password); err != nil {
				return account{}, false, err
			}
		}

		a, done, err := updateLastLogin(ctx, s.pool, a, newForm)
		if err != nil || done {
			return a, done, err
		}
	}
	return account{}, false, nil
}

// internalAccount answers user's part of the account page.
func (s *server) internalAccount(w http.ResponseWriter, r *http.Request) error {
	p, found, err := readAccountPage(r.Context(), s.pool, web.Who(r).MemberID)
	if err != nil {
		return err
	}
	if !found {
		return web.NotFound()
	}

	lastLogin := p.Joined
	if p.LastLogin != nil {
		lastLogin = *p.LastLogin
	}

	var page struct {
		Personal personalData `json:"personal_data"`
		Email    emailData    `json:"email_data"`
	}
	page.Personal = personalData{
		Username:     p.Username,
		FirstName:    p.FirstName,
		LastName:     p.LastName,
		Newsletter:   p.Newsletter,
		Unsubscribed: p.Unsubscribed,
		Joined:       web.Time(p.Joined),
		LastLogin:    web.Time(lastLogin),
		TermsAgreed:  (*web.Time)(p.TermsAgreed),
	}
	page.Email = emailData{Address: p.Email, Verified: p.EmailVerified, CodeSent: p.CodeRequested && !p.EmailVerified}
	return web.JSON(w, http.StatusOK, page)
}

type personalData struct {
	Username     string    `json:"username"`
	FirstName    string    `json:"first_name"`
	LastName     string    `json:"last_name"`
	Newsletter   bool      `json:"newsletter_subscriber"`
	Unsubscribed bool      `json:"email_unsubscribed"`
	Joined       web.Time  `json:"joined_date_time"`
	LastLogin    web.Time  `json:"last_login_date_time"`
	TermsAgreed  *web.Time `json:"terms_of_use_agreed_date_time"`
}

type emailData struct {
	Address  string `json:"email_address"`
	Verified bool   `json:"email_verified"`
	CodeSent bool   `json:"verification_request_sent_within_24_hours"`
}

// internalAddressOfMember tells edge whether a receipt address is a member's. Only a proved address
// counts: an account with an address that is not its maker's must not keep the owner of the address
// from buying.
func (s *server) internalAddressOfMember(w http.ResponseWriter, r *http.Request) error {
	query, err := web.Query(r)
	if err != nil {
		return err
	}
	email, err := query.Required("email")
	if err != nil {
		return err
	}
	known, err := addressVerified(r.Context(), s.pool, strings.TrimSpace(email))
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct {
		Member bool `json:"member"`
	}{known})
}
