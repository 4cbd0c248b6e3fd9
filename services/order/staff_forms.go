package order

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
)

// formPage is a page with one form.
type formPage struct {
	Errors adminui.FieldErrors `json:"errors,omitempty"` // by field; "" is about the whole form
	Intro  string              `json:"-"`
	Form   adminui.Form        `json:"-"`
	// Edit is the right to change the values, which others only see; "" if the page requires it.
	Edit adminui.Action `json:"-"`
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

// rowNow is the current row, which another person may have changed.
type rowNow struct {
	version   int64
	changedBy string
	changedAt time.Time
	values    map[string]string // by field
}

// refusedForm is the form of the current row, with everything that was typed and the reason why it
// was refused: invalid input (422), or adminui.ErrStale (409; 400 if the row never had the form's
// version). Other errors are returned.
func refusedForm(form adminui.Form, sent adminui.PostedForm, wrong adminui.FieldErrors, cause error,
	now rowNow) (adminui.Form, adminui.FieldErrors, int, error) {
	form = form.WithInput(sent)
	switch {
	case errors.Is(cause, adminui.ErrStale):
		if err := sent.CheckVersion(1, now.version); err != nil {
			return form, nil, 0, err
		}
		by := cmp.Or(now.changedBy, "Another person")
		return form.Conflict(now.version, by, now.changedAt.UTC().Format("15:04 UTC"), now.values),
			adminui.FieldErrors{"": adminui.ErrStale.Error()}, http.StatusConflict, nil
	case cause != nil:
		return form, nil, 0, cause
	}
	return form.WithErrors(wrong), wrong, http.StatusUnprocessableEntity, nil
}
