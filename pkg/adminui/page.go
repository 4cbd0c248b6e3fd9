package adminui

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Page is an answer with three faces: HTML, JSON of Data, and CSV of Table.
type Page struct {
	Title string
	// Template is the file of the template in Pages.Templates; "" shows Table alone.
	Template string
	// Data is what the template shows as .Data, and the whole of the JSON face.
	Data any
	// Table is the list on the page, if it has one.
	Table *Table
	// Status is 200 when it is 0: 422 for a form with errors, 409 for a conflict.
	Status int
	// Errors are the errors of a form in the page's own template, by field, "" for the whole form:
	// the JSON face shows them.
	Errors map[string]string
	// Live names the changes after which the page is fetched again: words of LiveKinds, separated
	// by spaces.
	Live string
	// Narrow is for pages that hold one form or a text.
	Narrow bool
	// Bare leaves out bar and navigation: for what is printed, and for signing in.
	Bare bool
}

// LiveKinds are the changes that an open page can hear of: the first words of the subjects that
// services/admin listens to.
var LiveKinds = []string{"order", "catalog", "mail", "dead", "user", "staff"}

// LiveWork is the Page.Live of pages about what waits for the staff: parked mails and messages,
// payments, and what a person of the staff has done about them.
const LiveWork = "order mail dead staff"

// View is the data of a template.
type View struct {
	Page
	Who  Identity
	Path string // as the browser sees it
	// Content is the page's own part, for the layout.
	Content template.HTML
	Notice  string
}

// May reports whether the person may do an action.
func (v View) May(a Action) bool { return v.Who.May(a) }

// Navigation is what the person may see of the navigation.
func (v View) Navigation() []Section { return navigationOf(v.Who, v.Path) }

// Kit renders answers with a service's templates beside its own.
type Kit struct {
	templates *template.Template
	// Confirm, if set, asks a browser for a fresh second factor for an action (services/admin);
	// owners leave it to admin.
	Confirm func(w http.ResponseWriter, r *http.Request, act Action)
	// Notice, if set, keeps what the next page shows once (services/admin); owners leave it to
	// admin.
	Notice func(w http.ResponseWriter, encoded string)
}

// NewKit reads a service's templates (nil for none).
func NewKit(own fs.FS) (*Kit, error) {
	t, err := template.New("kit").Funcs(functions).ParseFS(kitTemplates, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("read the kit's templates: %w", err)
	}
	if own == nil {
		return &Kit{templates: t}, nil
	}
	err = fs.WalkDir(own, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(name, ".html") {
			return err
		}
		_, err = t.ParseFS(own, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read templates: %w", err)
	}
	return &Kit{templates: t}, nil
}

func (p Page) answer(k *Kit, w http.ResponseWriter, r *http.Request) error {
	if p.Status == 0 {
		p.Status = http.StatusOK
	}
	switch faceOf(r) {
	case faceJSON:
		if p.Status >= http.StatusBadRequest {
			return p.refusedJSON(w)
		}
		return web.JSON(w, p.Status, p.Data)
	case faceCSV:
		if p.Table == nil {
			return web.NotFound()
		}
		return p.Table.writeCSV(w)
	}
	return k.html(w, r, p)
}

// html renders the page whole, or without the layout when a script fetches it again. It is rendered
// before the first byte leaves, so a failure is still an error.
func (k *Kit) html(w http.ResponseWriter, r *http.Request, p Page) error {
	v := View{Page: p, Who: Who(r), Path: browserPath(r)}
	v.Notice = v.Who.Notice
	name := p.Template
	if name == "" {
		name = "list.html"
	}
	var content bytes.Buffer
	if err := k.templates.ExecuteTemplate(&content, name, v); err != nil {
		return fmt.Errorf("render %s: %w", name, err)
	}

	body := withoutTurns(content.Bytes())
	if r.Header.Get("HX-Request") == "" {
		v.Content = template.HTML(body) //nolint:gosec // html/template made it
		var whole bytes.Buffer
		if err := k.templates.ExecuteTemplate(&whole, "layout.html", v); err != nil {
			return fmt.Errorf("render the layout: %w", err)
		}
		body = withoutTurns(whole.Bytes())
	}

	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Vary", "Accept, HX-Request")
	w.WriteHeader(p.Status)
	if _, err := w.Write(body); err != nil {
		return fmt.Errorf("write an answer: %w", err)
	}
	return nil
}

// browserPath is the path of a request as the browser sees it.
func browserPath(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, Prefix) }

// Fail answers an error on the face that was asked for. Its text goes into the log only.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*web.Error](err); ok && e.Code == codeConfirm {
		if k.Confirm != nil && IsBrowser(r) {
			k.Confirm(w, AsPage(r), Action(e.Parameter))
			return
		}
		w.Header().Set(ConfirmHeader, cmp.Or(e.Parameter, "1"))
	}
	if faceOf(r) != faceHTML {
		web.Fail(w, r, err)
		return
	}
	status, words := describe(err)
	web.Note(r, "error", err.Error())
	name := "error.html"
	if r.Header.Get("HX-Request") != "" {
		name = "panel-error.html"
	}
	page := Page{
		Title:    words.Title,
		Template: name,
		Data:     words,
		Status:   status,
		Narrow:   true,
		Bare:     len(Who(r).Roles) == 0,
	}
	if err := k.html(w, r, page); err != nil {
		web.Note(r, "write_error", err.Error())
	}
}

// failure is an error in words for people.
type failure struct{ Title, Text string }

func describe(err error) (int, failure) {
	e, ok := errors.AsType[*web.Error](err)
	if !ok && (pg.IsUnavailable(err) || pg.IsContention(err)) {
		e, _ = errors.AsType[*web.Error](web.Unavailable(err))
	}
	if e == nil {
		return http.StatusInternalServerError, failure{"Something went wrong",
			"Nothing was changed. The error is in the log. Try again, and tell a developer if it happens again."}
	}
	if e.Text != "" {
		return e.Status, failure{"That was not done", e.Text}
	}

	switch e.Status {
	case http.StatusUnauthorized:
		return e.Status, failure{"Sign in first", "Your session has ended."}
	case http.StatusForbidden:
		if e.Code == "csrf" || e.Code == "cross-origin" {
			return e.Status, failure{"This page is too old",
				"It belongs to a session that has ended, or comes from another site. Open it again and retry."}
		}
		return e.Status,
			failure{"You may not do this", "None of your roles allows this. An owner can change that under People."}
	case http.StatusNotFound:
		return e.Status, failure{"Page not found", "It does not exist, or was removed."}
	case http.StatusConflict:
		return e.Status,
			failure{"Changed meanwhile",
				"Another person changed this before you. Look again, then redo what is still needed."}
	case http.StatusServiceUnavailable:
		return e.Status, failure{"Not available just now",
			"Part of the shop does not answer. Nothing was changed; try again in a moment."}
	case http.StatusRequestEntityTooLarge:
		return e.Status, failure{"Too large", "You sent more than this page accepts."}
	}

	if e.Status == http.StatusBadRequest && e.Parameter == "version" {
		return e.Status, failure{"Open the page again",
			"The form names no version of this, or an unknown one. Nothing was changed: open the page again and retry."}
	}

	what := "Something in the request"
	if e.Parameter != "" {
		what = "The value of “" + e.Parameter + "”"
	}
	return e.Status,
		failure{"That cannot be done", what + " makes no sense here. Go back and check what you entered."}
}

// Refuse refuses a command with 422, if it has no form of its own to show the reason in. Text says
// why and what to do.
func Refuse(code, text string) error {
	return &web.Error{Status: http.StatusUnprocessableEntity, Code: code, Text: text}
}

// SeenTo refuses, with 409, a command about something that no longer waits for it. Text says why.
func SeenTo(text string) error {
	return &web.Error{Status: http.StatusConflict, Code: "seen-to", Text: text}
}

// Chosen are the rows that were chosen in a list for a command, 1 to most of them.
func Chosen(r *http.Request, most int) ([]string, error) {
	form, err := ReadForm(r)
	if err != nil {
		return nil, err
	}
	keys := form.Values.Values["id"]
	switch {
	case len(keys) == 0:
		return nil, Refuse("nothing-chosen", "Nothing is chosen. Choose rows first: x chooses one, Shift X all.")
	case len(keys) > most:
		return nil, Refuse("too-many", fmt.Sprintf("At most %d at once, please. Nothing was changed.", most))
	}
	return keys, nil
}

// face is how an answer is shown.
type face int

const (
	faceHTML face = iota
	faceJSON
	faceCSV
)

type faceKey struct{}

func faceOf(r *http.Request) face {
	if f, ok := r.Context().Value(faceKey{}).(face); ok {
		return f
	}
	return readFace(r)
}

// AcceptsHTML reports whether a request names HTML itself: programs that take anything get JSON.
func AcceptsHTML(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// WantsHTML reports whether a request is a browser's that shows a page.
func WantsHTML(r *http.Request) bool { return faceOf(r) == faceHTML }

// IsBrowser reports whether a request is a browser's: that shows a page, or saves a file.
func IsBrowser(r *http.Request) bool {
	return faceOf(r) == faceHTML || faceOf(r) == faceCSV && AcceptsHTML(r)
}

// AsPage is the request for the page, although r asks for a file.
func AsPage(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), faceKey{}, faceHTML))
}

func readFace(r *http.Request) face {
	if strings.HasSuffix(r.URL.Path, ".csv") {
		return faceCSV
	}
	for accepted := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch kind, _, err := mime.ParseMediaType(accepted); {
		case err == nil && kind == "application/json":
			return faceJSON
		case err == nil && kind == "text/html":
			return faceHTML
		}
	}
	return faceHTML
}

// encodeNotice makes a notice fit for a header and a cookie.
func encodeNotice(text string) string {
	const most = 300
	if r := []rune(text); len(r) > most {
		text = string(r[:most])
	}
	return base64.RawURLEncoding.EncodeToString([]byte(text))
}

// DecodeNotice reads what Done put into NoticeHeader; it returns "" for any other text.
func DecodeNotice(encoded string) string {
	raw, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || len(raw) > 2000 {
		return ""
	}
	return strings.ToValidUTF8(string(raw), "")
}
