package order

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
)

// errStaleRow says that a row has another version than the form that wants to change it.
var errStaleRow = errors.New("it was changed meanwhile: look at it again")

// wrongFields says what is wrong with a form, by the name of the field; "" is the whole.
type wrongFields map[string]string

// taken turns the error of a key that exists already into what is wrong with its field.
func (w wrongFields) taken(err *error, field, text string) wrongFields {
	if !pg.IsConflict(*err) {
		return w
	}
	*err = nil
	return wrongFields{field: text}
}

// formPage is a page with one form.
type formPage struct {
	Errors map[string]string `json:"errors,omitempty"` // by field; "" is the whole
	Intro  string            `json:"-"`
	Form   adminui.Form      `json:"-"`
	Edit   adminui.Action    `json:"-"` // who may not do it reads the values alone; "": the page asks for the right
}

// Shown are the values of the form, for those who may not change them.
func (p formPage) Shown() (list []adminui.Detail) {
	for _, f := range p.Form.Fields {
		value := f.Value
		for _, o := range f.Options {
			if o.Value == value {
				value = o.Text
			}
		}
		list = append(list, adminui.Detail{Label: f.Label, Value: value})
	}
	return list
}

// rowNow is a row as another person may have left it.
type rowNow struct {
	version   int64
	changedBy string
	changedAt time.Time
	values    map[string]string // by field
}

// refusedForm is the form of the row as it is now, with all that was typed and why it was not taken: what is
// wrong (422), or errStaleRow (409; 400 when the row never had the form's version). Other errors are returned.
func refusedForm(form adminui.Form, sent adminui.Submitted, wrong wrongFields, cause error,
	now rowNow) (adminui.Form, map[string]string, int, error) {
	form = form.Typed(sent)
	switch {
	case errors.Is(cause, errStaleRow):
		if err := sent.CheckVersion(1, now.version); err != nil {
			return form, nil, 0, err
		}
		by := cmp.Or(now.changedBy, "Another person")
		return form.Conflict(now.version, by, now.changedAt.UTC().Format("15:04 UTC"), now.values),
			map[string]string{"": errStaleRow.Error()}, http.StatusConflict, nil
	case cause != nil:
		return form, nil, 0, cause
	}
	return form.Wrong(wrong), wrong, http.StatusUnprocessableEntity, nil
}
