package user

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// customerEdit is what the form about a customer sets.
type customerEdit struct {
	FirstName, LastName, Email, Phone, Comment, Remark string

	Tags []string
}

const (
	maxTags = 20
	maxTag  = 40
)

// readTags reads comma-separated tags, in lower case, each once.
func readTags(text string) (tags []string, ok bool) {
	tags = []string{}
	for part := range strings.SplitSeq(text, ",") {
		tag := strings.ToLower(strings.Join(strings.Fields(part), " "))
		if utf8.RuneCountInString(tag) > maxTag {
			return nil, false
		}
		if tag != "" && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags, len(tags) <= maxTags
}

// values are the fields of the form by name.
func (e customerEdit) values() map[string]string {
	return map[string]string{"first_name": e.FirstName, "last_name": e.LastName, "email": e.Email, "phone": e.Phone,
		"comment": e.Comment, "remark": e.Remark, "tags": strings.Join(e.Tags, ", ")}
}

func (c customerDetails) edit() customerEdit {
	return customerEdit{
		FirstName: c.FirstName,
		LastName:  c.LastName,
		Email:     c.Email,
		Phone:     c.Phone,
		Comment:   c.Comment,
		Remark:    c.Remark,
		Tags:      c.Tags,
	}
}

// editForm has what can be changed of a customer. A member's address moves with the same mails as
// when members move it themselves; a prospect's stays, since consents were given for it.
func editForm(c customerDetails) adminui.Form {
	member := c.Kind == kindMember
	f := adminui.Form{
		ID:      "edit",
		Action:  c.path("edit"),
		Version: c.Version,
		Cancel:  c.path(),
		Fields: []adminui.Field{
			{Name: "first_name", Label: "First name", Kind: "text", MaxLength: maxFirstName, Required: member},
			{Name: "last_name", Label: "Last name", Kind: "text", MaxLength: maxLastName, Required: member}},
	}
	if member {
		f.Fields = append(f.Fields, adminui.Field{
			Name:      "email",
			Label:     "E-mail address",
			Kind:      "email",
			Required:  true,
			MaxLength: maxEmail,
			Hint:      "A new address must be confirmed. Both get a mail; the old one can undo the change for a week.",
		})
	} else {
		f.Fields = append(f.Fields, adminui.Field{Name: "phone", Label: "Phone", Kind: "text", MaxLength: maxPhone},
			adminui.Field{
				Name:      "comment",
				Label:     "Comment, in the customer's words",
				Kind:      "multiline",
				MaxLength: maxText,
			},
			adminui.Field{Name: "remark", Label: "Remark of the shop", Kind: "multiline", MaxLength: maxText})
	}
	f.Fields = append(f.Fields, adminui.Field{
		Name:      "tags",
		Label:     "Tags",
		Kind:      "text",
		MaxLength: maxTags * maxTag,
		Hint:      "Separated by commas, such as wholesale, press.",
	})
	values := c.edit().values()
	for i, field := range f.Fields {
		f.Fields[i].Value = values[field.Name]
	}
	return f
}

// readEdit reads the form about a customer, and returns what is wrong with it.
func readEdit(form adminui.PostedForm, member bool) (e customerEdit, wrong adminui.FieldErrors) {
	text := func(name string) string { return strings.TrimSpace(form.Text(name)) }
	e = customerEdit{
		FirstName: text("first_name"),
		LastName:  text("last_name"),
		Email:     normalEmail(text("email")),
		Phone:     text("phone"),
		Comment:   text("comment"),
		Remark:    text("remark"),
	}

	wrong = adminui.FieldErrors{}
	for name, most := range map[string]int{"first_name": maxFirstName, "last_name": maxLastName, "phone": maxPhone,
		"comment": maxText, "remark": maxText} {
		if utf8.RuneCountInString(text(name)) > most {
			wrong[name] = "This is too long."
		}
	}

	if member {
		for _, name := range []string{"first_name", "last_name"} {
			if text(name) == "" {
				wrong[name] = "Fill this in."
			}
		}
		if p := checkEmail(e.Email); len(p) > 0 {
			wrong["email"] = p[0].Description
		}
	}

	var ok bool
	if e.Tags, ok = readTags(form.Get("tags")); !ok {
		wrong["tags"] = "At most 20 tags of 40 characters."
	}
	return e, wrong
}

type editPage struct {
	Customer customerDetails `json:"customer"`
	Form     adminui.Form    `json:"-"`
}

func editAnswer(c customerDetails, form adminui.Form, status int) adminui.Page {
	return adminui.Page{
		Title:    "Edit " + c.title(),
		Template: "edit.html",
		Data:     editPage{c, form},
		Status:   status,
		Narrow:   true,
	}
}

func (s *server) customerFromPath(r *http.Request) (customerDetails, error) {
	kind, id, err := customerKeyFromPath(r)
	if err != nil {
		return customerDetails{}, err
	}
	return findCustomer(r.Context(), s.pool, kind, id)
}

func (s *server) staffEditCustomer(r *http.Request) (adminui.Answer, error) {
	c, err := s.customerFromPath(r)
	if err == nil && c.MergedMember != 0 && c.Kind == kindMember {
		err = web.NotFound() // the account is closed
	}
	return editAnswer(c, editForm(c), http.StatusOK), err
}

// staffUpdateCustomer stores the form about a customer.
func (s *server) staffUpdateCustomer(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	c, err := s.customerFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, c.Version); err != nil {
		return nil, err
	}

	e, wrong := readEdit(form, c.Kind == kindMember)
	typed := editForm(c).WithInput(form)
	if len(wrong) > 0 {
		return editAnswer(c, typed.WithErrors(wrong), http.StatusUnprocessableEntity), nil
	}

	err = s.act(r, c.customer, "Changed", func(ctx context.Context, tx pgx.Tx) ([]msg.Message, error) {
		if err := insertTags(ctx, tx, e.Tags); err != nil {
			return nil, err
		}
		if c.Kind == kindMember {
			return s.changeMember(r, tx, c.ID, form.Version, e)
		}
		return changeProspect(ctx, tx, c.ID, form.Version, e)
	})

	switch {
	case errors.Is(err, errAddressFull):
		return editAnswer(c,
			typed.WithErrors(adminui.FieldErrors{"email": "Too many accounts wait for the proof of this address."}),
			http.StatusUnprocessableEntity), nil
	case errors.Is(err, adminui.ErrStale):
		if c, err = s.customerFromPath(r); err != nil {
			return nil, err
		}
		return editAnswer(c, typed.Conflict(c.Version, "Another person, or the customer,", "", c.edit().values()),
			http.StatusConflict), nil
	case err != nil:
		return nil, err
	}
	return adminui.Done{To: c.path(), Text: "Saved."}, nil
}

// changeMember changes a member who still has this version.
func (s *server) changeMember(r *http.Request, tx pgx.Tx, id, version int64, e customerEdit) ([]msg.Message, error) {
	a, err := web.OrNotFound(lockAccount(r.Context(), tx, id))
	switch {
	case err != nil:
		return nil, err
	case a.Version != version:
		return nil, adminui.ErrStale
	}
	if a, _, err = updateTags(r.Context(), tx, id, e.Tags); err != nil {
		return nil, err
	}
	messages := []msg.Message{a.event(msg.UserPreferencesChanged)}
	more, _, err := s.changeProfileIn(r, tx, a, e.FirstName, e.LastName, e.Email)
	return append(messages, more...), err
}

// changeProspect changes a prospect who still has this version.
func changeProspect(ctx context.Context, tx pgx.Tx, id, version int64, e customerEdit) ([]msg.Message, error) {
	p, err := web.OrNotFound(lockProspectByID(ctx, tx, id))
	switch {
	case err != nil:
		return nil, err
	case p.Version != version:
		return nil, adminui.ErrStale
	}
	p, _, err = updateProspect(ctx, tx, id, e)
	return []msg.Message{p.event()}, err
}
