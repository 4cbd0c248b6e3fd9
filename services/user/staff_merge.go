package user

import (
	"context"
	"strconv"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// mergePair is the two customers of a page that says what merging them does, before it is done.
type mergePair struct {
	Into  customerDetails `json:"into"`
	Other customerDetails `json:"other"`

	Form       adminui.Form     `json:"-"`
	IntoFacts  []adminui.Detail `json:"-"`
	OtherFacts []adminui.Detail `json:"-"`
}

func (s *server) readPair(ctx context.Context, into, other customer) (p mergePair, err error) {
	if p.Into, err = findCustomer(ctx, s.pool, into.Kind, into.ID); err != nil {
		return p, err
	}
	p.Other, err = findCustomer(ctx, s.pool, other.Kind, other.ID)
	return p, err
}

// form merges the two, each in the version that is shown.
func (p mergePair) form(action, submit string) adminui.Form {
	return adminui.Form{
		ID:      "merge",
		Action:  action,
		Cancel:  p.Into.path(),
		Tone:    "bad",
		Submit:  submit,
		Version: p.Into.Version,
		Fields: []adminui.Field{
			{Name: "other_version", Kind: "hidden", Value: web.ID(p.Other.Version)}},
	}
}

// shown checks that the customer who stays has the version that the form showed, and returns the
// version of the other that it showed.
func (p mergePair) shown(form adminui.PostedForm) (other int64, err error) {
	if err := form.CheckVersion(1, p.Into.Version); err != nil {
		return 0, err
	}
	if other, err = strconv.ParseInt(form.Get("other_version"), 10, 64); err != nil {
		return 0, web.BadRequest("other_version")
	}
	return other, nil
}
