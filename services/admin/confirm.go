package admin

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The fields with which a person confirms an act, in the form of the act itself.
const (
	confirmCode     = "confirm-code"
	confirmToken    = "confirm-token"
	confirmResponse = "confirm-response"
	confirmGet      = "confirm-get"  // the act was a GET
	confirmAct      = "confirm-act"  // what the act is, an adminui.Action
	confirmBack     = "confirm-back" // page that the person came from
)

// confirmPage is the page that asks for a fresh second factor.
type confirmPage struct {
	Action  string
	Act     string           // in words
	Path    string           // of the act's object
	Back    string           // path of the page before
	Fields  []adminui.Option // the original fields, sent again with the confirmation
	Passkey bool
	App     bool
	Problem string
}

// showConfirm asks for a fresh second factor. The form's input goes along, so that the act is done
// once the factor is given, and nothing is typed twice.
func (s *server) showConfirm(w http.ResponseWriter, r *http.Request, act adminui.Action) {
	s.askConfirm(w, r, confirmPage{Act: string(act), Back: s.cameFrom(r)}, http.StatusForbidden)
}

// showConfirmAgain asks again, with the problem.
func (s *server) showConfirmAgain(w http.ResponseWriter, r *http.Request, problem string, status int) {
	form := formOf(r)
	p := confirmPage{Act: form.Get(confirmAct), Back: onlyPath(form.Get(confirmBack)), Problem: problem}
	s.askConfirm(w, r, p, status)
}

// cameFrom is the page of the back office that sent a request, or the home page.
func (s *server) cameFrom(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Scheme+"://"+from.Host != s.addresses.origin() {
		return "/"
	}
	return onlyPath(from.RequestURI())
}

// onlyPath is a path of this host: with one slash, since a browser takes what follows two for
// another host.
func onlyPath(path string) string { return "/" + strings.TrimLeft(path, `/\`) }

// askConfirm shows the page; p says what to ask.
func (s *server) askConfirm(w http.ResponseWriter, r *http.Request, p confirmPage, status int) {
	a, found, err := findAccount(r.Context(), s.pool, adminui.Who(r).Person)
	if err != nil || !found {
		s.kit.Fail(w, r, web.NotFound())
		return
	}
	p.Action, p.Path, p.Passkey, p.App = r.URL.RequestURI(), r.URL.Path, a.Passkeys > 0, a.TOTPSecret != nil
	p.Fields = []adminui.Option{{Value: confirmAct, Text: p.Act}, {Value: confirmBack, Text: p.Back}}
	p.Act = adminui.FreshTexts[adminui.Action(p.Act)]
	form := formOf(r)
	if r.Method == http.MethodGet {
		form = url.Values{confirmGet: {"1"}}
	}

	for name, values := range form {
		for _, value := range values {
			switch name {
			case "csrf", confirmCode, confirmToken, confirmResponse, confirmAct, confirmBack:
			default:
				p.Fields = append(p.Fields, adminui.Option{Value: name, Text: value})
			}
		}
	}

	page := adminui.Page{Title: "Confirm that it is you", Template: "confirm.html", Data: p, Narrow: true,
		Status: status}
	if err := s.kit.Show(w, r, page); err != nil {
		web.Note(r, "write_error", err.Error())
	}
}

// confirm checks the second factor if a form brings one, and removes it. The request that it
// returns is the act itself; ok is false if it has answered.
func (s *server) confirm(w http.ResponseWriter, r *http.Request) (on *http.Request, ok bool) {
	form := formOf(r)
	who := adminui.Who(r)
	if who.Token || !form.Has(confirmCode) && !form.Has(confirmResponse) {
		return r, true
	}
	a, found, err := findAccount(r.Context(), s.pool, who.Person)
	if err != nil || !found {
		s.kit.Fail(w, r, web.Forbidden("person"))
		return r, false
	}

	given := adminui.PostedForm{Values: web.Values{Values: url.Values{
		"code":     form[confirmCode],
		"token":    form[confirmToken],
		"response": form[confirmResponse],
	}}}
	by, err := s.factor(r, a, given, toConfirm)
	switch e, limited := err.(*web.Error); { //nolint:errorlint // attempt returns it unwrapped
	case limited && e.Status == http.StatusTooManyRequests:
		s.showConfirmAgain(w, r, "Too many attempts. Wait a quarter of an hour.", e.Status)
		return r, false
	case err != nil:
		s.kit.Fail(w, r, err)
		return r, false
	case by == "":
		s.showConfirmAgain(w, r, "That did not match. Try again.", http.StatusUnprocessableEntity)
		return r, false
	}

	if err := setFresh(r.Context(), s.pool, sessionOf(r).Hash, adminui.FreshTTL); err != nil {
		s.kit.Fail(w, r, err)
		return r, false
	}
	if form.Has(confirmGet) {
		http.Redirect(w, r, onlyPath(r.URL.RequestURI()), http.StatusSeeOther) //nolint:gosec // this host's own
		return r, false
	}

	for _, name := range []string{confirmCode, confirmToken, confirmResponse, confirmAct, confirmBack} {
		form.Del(name)
	}
	who.FreshUntil = time.Now().Add(adminui.FreshTTL)

	return adminui.WithIdentity(withBody(r, []byte(form.Encode())), who), true
}

func (s *server) beginConfirm(r *http.Request) (adminui.Answer, error) {
	return s.beginPasskey(r, adminui.Who(r).Person, toConfirm)
}
