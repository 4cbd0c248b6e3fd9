package adminui

import (
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Form is one command: its fields, what was typed, and what is wrong with it. It is shown as
//
//	{{template "form" (form $ .Data.Form)}}
//
// and comes back as a POST to Action, with csrf, version and the fields.
type Form struct {
	ID     string // id of the element; "form" if it is empty
	Action string // path that it is posted to
	Submit string // what the button says
	Cancel string // path to go back to
	Tone   string // "", or bad for what cannot be undone
	Fields []Field
	// Preview is a path that renders what is typed, for a frame of the page that is named preview:
	// it takes a POST with the same fields. Scripts request it while a person types.
	Preview string
	// Check, if set, is a button before the one that acts: it posts the same fields, and shows the
	// form again with their result, as Says. Enter in a field presses it.
	Check *Command
	Says  string
	// Version is the row's version when the form was shown: a command changes the row only if it
	// still has that version.
	Version int64
	// FromZero says that versions of the row begin at 0, when nothing is stored yet, instead of 1.
	FromZero bool
	// Problem is what is wrong with the form as a whole.
	Problem string
	// ChangedBy and ChangedAt say who changed the row, and when, if it has another version by now.
	ChangedBy string
	ChangedAt string
	// ShowsTheirs says that the other person's values are shown next to what was typed.
	ShowsTheirs bool
	// Additive says that the command adds to what others did, such as another refund, and
	// overwrites nothing.
	Additive bool
	// Closed says that the command is no longer possible: the form has no button.
	Closed bool
}

// Field is an input of a form.
type Field struct {
	Name, Label, Hint string
	// Kind is text, multiline, number, money, password, email, date, datetime (UTC), choice,
	// checks, check or hidden; account is hidden, and tells password managers whose password a form
	// is about.
	Kind    string
	Value   string
	Checked []string // those of checks that are checked
	Options []Option // for choice and checks
	// Error is what is wrong with the value.
	Error string
	// Theirs is what another person has stored in the meantime, if it differs from what was typed.
	Theirs    string
	Required  bool
	MaxLength int    // in characters
	Complete  string // the autocomplete attribute
	Numeric   bool   // digits: phones show the keys for them
}

// PostedForm is a form as it was posted: fields by name, and the version of its row.
type PostedForm struct {
	web.Values
	Version int64 // 0 when the form names none: see CheckVersion
}

// CheckVersion refuses, with 400, a form that names no version of its row, or one that the row
// never had: unlike a conflict, that is not another person's doing. first is the version of a new
// row, now that of the row.
func (s PostedForm) CheckVersion(first, now int64) error {
	if !s.Has("version") || s.Version < first || s.Version > now {
		return web.BadRequest("version")
	}
	return nil
}

// ReadForm reads a posted form. A body of another type is refused with 415 and not taken for an
// empty form, so that a program that sends JSON learns of its mistake.
func ReadForm(r *http.Request) (PostedForm, error) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); r.ContentLength > 0 &&
		(err != nil || kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data") {
		return PostedForm{}, &web.Error{
			Status: http.StatusUnsupportedMediaType,
			Code:   "not-a-form",
			Text: "Send the fields as a form (application/x-www-form-urlencoded): other bodies are not read. Nothing " +
				"was changed.",
		}
	}
	v, err := web.FormWithin(nil, r, MaxBody) // the body was read and measured before
	if err != nil {
		return PostedForm{}, err
	}
	for _, typed := range v.Values {
		for i := range typed {
			typed[i] = turns.ReplaceAllString(typed[i], "") // they would reverse text in lists and mails, too
		}
	}
	s := PostedForm{Values: v}
	if text := v.Get("version"); text != "" {
		if s.Version, err = strconv.ParseInt(text, 10, 64); err != nil {
			return s, web.BadRequest("version")
		}
	}
	return s, nil
}

// FieldErrors are the errors of a form by the name of the field; "" is the form as a whole. As an
// error it ends the transaction that found it.
type FieldErrors map[string]string

// Error implements error.
func (FieldErrors) Error() string { return "the form is wrong" }

// OnConflict turns err into an error of the field if it says that a row with the same key exists.
// Otherwise it returns e and err as they are.
func (e FieldErrors) OnConflict(err error, field, text string) (FieldErrors, error) {
	if !pg.IsConflict(err) {
		return e, err
	}
	return FieldErrors{field: text}, nil
}

// ErrStale says that a row has another version than the form that changes it.
var ErrStale = errors.New("it was changed meanwhile: look at it again")

// MaxNote is the length of the longest note, in characters.
const MaxNote = 500

// NoteField asks why something is done. Form.ReadNote reads it.
func NoteField(label string) Field {
	return Field{Name: "note", Label: label, Kind: "text", Required: true, MaxLength: MaxNote}
}

// ReadNote reads the note of a posted form that has a NoteField. Without a note that can be stored,
// the form is returned with the field's error, to be shown again with 422.
func (f Form) ReadNote(r *http.Request) (note string, wrong *Form, err error) {
	posted, err := ReadForm(r)
	if err != nil {
		return "", nil, err
	}
	note = strings.TrimSpace(posted.Get("note"))
	if n := utf8.RuneCountInString(note); n == 0 || n > MaxNote {
		f = f.WithInput(posted).WithErrors(FieldErrors{
			"note": fmt.Sprintf("Say why, in at most %d characters.", MaxNote)})
		return "", &f, nil
	}
	return note, nil, nil
}

// WithInput puts what was posted into the form, so that nothing has to be typed twice.
func (f Form) WithInput(s PostedForm) Form {
	f.Fields = slices.Clone(f.Fields)
	for i, field := range f.Fields {
		switch field.Kind {
		case "password":
		case "checks":
			f.Fields[i].Checked = s.Values.Values[field.Name]
		default:
			f.Fields[i].Value = s.Get(field.Name)
		}
	}
	return f
}

// WithErrors sets the errors of fields; those of no field become the problem of the whole form.
func (f Form) WithErrors(errs FieldErrors) Form {
	f.Fields = slices.Clone(f.Fields)
	for _, name := range slices.Sorted(maps.Keys(errs)) {
		i := slices.IndexFunc(f.Fields, func(field Field) bool { return field.Name == name })
		if i < 0 {
			f.Problem = errs[name]
			continue
		}
		f.Fields[i].Error = errs[name]
	}
	return f
}

// Conflict shows what another person stored in the meantime, by the name of the field, beside what
// was typed. The form then stands for the row as it is now: posting it again overwrites their
// change.
func (f Form) Conflict(version int64, by, at string, theirs map[string]string) Form {
	f.Fields = slices.Clone(f.Fields)
	f.Version, f.ChangedBy, f.ChangedAt, f.ShowsTheirs = version, by, at, len(theirs) > 0
	for i, field := range f.Fields {
		if now, ok := theirs[field.Name]; ok && now != field.Value {
			f.Fields[i].Theirs = now
		}
	}
	return f
}

// Has reports whether a value of a choice or checks is chosen.
func (f Field) Has(value string) bool {
	return f.Value == value && f.Kind != "checks" || slices.Contains(f.Checked, value)
}
