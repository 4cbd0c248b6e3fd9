package admin

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// personRow is a person on the pages about people.
type personRow struct {
	ID         int64      `json:"id"`
	Username   string     `json:"username"`
	Name       string     `json:"name"`
	Roles      []string   `json:"roles"`
	Disabled   bool       `json:"disabled"`
	Password   bool       `json:"password"`
	App        bool       `json:"app"`
	Passkeys   int        `json:"passkeys"`
	Version    int64      `json:"version"`
	CreatedAt  time.Time  `json:"created_at"`
	LastSeenAt *time.Time `json:"last_seen_at"`
}

// peoplePage is the list of people.
type peoplePage struct {
	People []personRow `json:"people"`
}

// state says whether a person is disabled, invited or active.
func (p personRow) state() adminui.Badge {
	switch {
	case p.Disabled:
		return adminui.Badge{Text: "Disabled", Tone: "bad"}
	case !p.Password && p.Passkeys == 0:
		return adminui.Badge{Text: "Invited", Tone: "warn"}
	}
	return adminui.Badge{Text: "Active", Tone: "good"}
}

// factor lists the person's second factors.
func (p personRow) factor() string {
	var has []string
	if p.App {
		has = append(has, "app")
	}
	if p.Passkeys > 0 {
		has = append(has, "passkey")
	}
	return strings.Join(has, ", ")
}

var peopleColumns = []adminui.Column[personRow]{
	{Title: "Name", Value: func(p personRow) any { return adminui.Link{Text: p.Name, To: "/people/" + web.ID(p.ID)} }},
	{Title: "Sign-in name", Minor: true, Value: func(p personRow) any { return p.Username }},
	{Title: "Roles", Value: func(p personRow) any { return strings.Join(p.Roles, ", ") }},
	{Title: "Second factor", Minor: true, Value: func(p personRow) any { return p.factor() }},
	{Title: "Last here", Minor: true, Value: func(p personRow) any {
		if p.LastSeenAt == nil {
			return nil
		}
		return *p.LastSeenAt
	}},
	{Title: "State", Value: func(p personRow) any { return p.state() }},
}

// people lists the staff.
func (s *server) people(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	list, err := listPeople(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing.Rows = len(list)
	table := adminui.NewTable(listing, "people", peopleColumns, list, func(p personRow) any { return p.ID })
	return adminui.Page{Title: "People", Template: "people.html", Table: table, Data: peoplePage{list}}, nil
}

func roleField(roles []string) adminui.Field {
	f := adminui.Field{Name: "role", Label: "Roles", Kind: "checks", Checked: roles}
	for _, role := range adminui.Roles {
		f.Options = append(f.Options, adminui.Option{Value: string(role), Text: adminui.RoleTexts[role]})
	}
	return f
}

func inviteForm() adminui.Form {
	return adminui.Form{Action: "/people/invite", Submit: "Invite", Cancel: "/people", Fields: []adminui.Field{
		{Name: "name", Label: "Name", Kind: "text", Required: true, MaxLength: 100},
		{Name: "username", Label: "Sign-in name", Kind: "text", Required: true, MaxLength: 60, Hint: usernameRule},
		roleField(nil),
	}}
}

func (s *server) newPerson(*http.Request) (adminui.Answer, error) {
	return adminui.Page{Title: "Invite", Template: "form.html", Data: formPage{inviteForm()}, Narrow: true}, nil
}

// linkPage shows a link that signs a person in, once.
type linkPage struct {
	Name string `json:"name"`
	Link string `json:"link"`
}

func showLink(name, link string) adminui.Page {
	return adminui.Page{Title: "A link for " + name, Template: "invited.html", Data: linkPage{name, link}, Narrow: true}
}

const usernameRule = "Lowercase letters, digits, . _ and - only, at most 60."

// goodUsername reports whether a text is a valid sign-in name.
func goodUsername(name string) bool {
	return name != "" && len(name) <= 60 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// readPerson reads the fields of the form about a person, and says what is wrong with them.
func readPerson(form adminui.PostedForm, withName bool) (p personRow, wrong adminui.FieldErrors) {
	wrong = adminui.FieldErrors{}
	p.Name = strings.TrimSpace(pg.StorableText(form.Get("name"), 100))
	if p.Name == "" {
		wrong["name"] = "Give a name."
	}
	p.Username = strings.TrimSpace(form.Get("username"))
	if withName && !goodUsername(p.Username) {
		wrong["username"] = usernameRule
	}
	p.Roles = []string{}
	for _, role := range adminui.Roles {
		if slices.Contains(form.Values.Values["role"], string(role)) {
			p.Roles = append(p.Roles, string(role))
		}
	}
	if len(p.Roles) == 0 {
		wrong["role"] = "Choose at least one."
	}
	return p, wrong
}

// createPerson creates a person, and a link with which they choose how to sign in.
func (s *server) createPerson(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	p, wrong := readPerson(form, true)
	link := ""
	if len(wrong) == 0 {
		err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
			person, err := insertPerson(r.Context(), tx, p.Username, p.Name, p.Roles)
			if err != nil {
				return err
			}
			if link, err = s.newLink(r.Context(), tx, person); err != nil {
				return err
			}
			return s.record(r, tx, adminui.Act{Action: adminui.PeopleManage, Kind: "person", Key: web.ID(person),
				Text:  "Invited " + p.Name,
				After: map[string]any{"username": p.Username, "roles": p.Roles}})
		})
	}
	if pg.IsConflict(err) {
		wrong["username"], err = "This name is taken.", nil
	}
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return adminui.Page{Title: "Invite", Template: "form.html",
			Data: formPage{inviteForm().WithInput(form).WithErrors(wrong)}, Narrow: true,
			Status: http.StatusUnprocessableEntity}, nil
	}

	return showLink(p.Name, link), nil
}

// personPage is a person of the staff with the form to change them.
type personPage struct {
	Person  personRow        `json:"person"`
	Form    adminui.Form     `json:"-"`
	Details []adminui.Detail `json:"-"`
	Self    bool             `json:"-"`
}

func personForm(p personRow) adminui.Form {
	return adminui.Form{Action: "/people/" + web.ID(p.ID), Version: p.Version, Cancel: "/people",
		Fields: []adminui.Field{
			{Name: "name", Label: "Name", Kind: "text", Required: true, MaxLength: 100, Value: p.Name},
			roleField(p.Roles),
		}}
}

// personFromPath is the person that the path names.
func (s *server) personFromPath(r *http.Request) (personRow, error) {
	n, err := adminui.ParamID(r, "id")
	if err != nil {
		return personRow{}, err
	}
	return web.OrNotFound(findPerson(r.Context(), s.pool, n))
}

func (s *server) person(r *http.Request) (adminui.Answer, error) {
	p, err := s.personFromPath(r)
	if err != nil {
		return nil, err
	}
	return showPerson(r, p, personForm(p), http.StatusOK), nil
}

func showPerson(r *http.Request, p personRow, form adminui.Form, status int) adminui.Page {
	return adminui.Page{Title: p.Name, Template: "person.html", Status: status, Data: personPage{Person: p, Form: form,
		Self: p.ID == adminui.Who(r).Person, Details: []adminui.Detail{
			{Label: "Sign-in name", Value: p.Username}, {Label: "State", Value: p.state()},
			{Label: "Second factor", Value: p.factor()},
			{Label: "Since", Value: p.CreatedAt},
		}}}
}

// changePerson stores name and roles. A removed role is gone at the person's next request.
func (s *server) changePerson(r *http.Request) (adminui.Answer, error) {
	before, err := s.personFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	if err := form.CheckVersion(1, before.Version); err != nil {
		return nil, err
	}
	after, wrong := readPerson(form, false)
	typed := personForm(before).WithInput(form)
	if len(wrong) > 0 {
		return showPerson(r, before, typed.WithErrors(wrong), http.StatusUnprocessableEntity), nil
	}

	changed := false
	err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
		if changed, err = updatePerson(r.Context(), tx, before.ID, form.Version, after.Name, after.Roles); err != nil ||
			!changed {
			return err
		}
		if err := s.ownerLeft(r.Context(), tx); err != nil {
			return err
		}
		return s.record(r, tx, adminui.Act{Action: adminui.PeopleManage, Kind: "person", Key: web.ID(before.ID),
			Text:   "Changed " + after.Name,
			Before: map[string]any{"name": before.Name, "roles": before.Roles},
			After:  map[string]any{"name": after.Name, "roles": after.Roles}})
	})
	switch {
	case errors.Is(err, errNoOwner):
		return showPerson(r, before, typed.WithErrors(adminui.FieldErrors{"role": "There must be an owner."}),
			http.StatusUnprocessableEntity), nil
	case err != nil:
		return nil, err
	case !changed:
		return s.personConflict(r, typed)
	}

	return adminui.Done{To: "/people", Text: after.Name + " was changed."}, nil
}

// personConflict shows another person's version beside the posted one.
func (s *server) personConflict(r *http.Request, typed adminui.Form) (adminui.Answer, error) {
	now, err := s.personFromPath(r)
	if err != nil {
		return nil, err
	}
	by, at, err := lastChange(r.Context(), s.pool, "person", web.ID(now.ID))
	if err != nil {
		return nil, err
	}
	form := typed.Conflict(now.Version, by, at.Format("15:04"),
		map[string]string{"name": now.Name, "role": strings.Join(now.Roles, ", ")})
	return showPerson(r, now, form, http.StatusConflict), nil
}

var errNoOwner = errors.New("no owner would be left")

// ownerLeft refuses a change that would leave no owner who can sign in.
func (s *server) ownerLeft(ctx context.Context, tx pgx.Tx) error {
	n, err := countOwners(ctx, tx)
	if err == nil && n == 0 {
		err = errNoOwner
	}
	return err
}

// act does something to a person and records it.
func (s *server) act(text string, do func(ctx context.Context, tx pgx.Tx, p personRow) error) adminui.Handler {
	return func(r *http.Request) (adminui.Answer, error) {
		p, err := s.personFromPath(r)
		if err != nil {
			return nil, err
		}
		err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
			if err := errors.Join(do(r.Context(), tx, p), s.ownerLeft(r.Context(), tx)); err != nil {
				return err
			}
			return s.record(r, tx, adminui.Act{Action: adminui.PeopleManage, Kind: "person", Key: web.ID(p.ID),
				Text: text + " " + p.Name})
		})
		to := "/people/" + web.ID(p.ID)
		if errors.Is(err, errNoOwner) {
			return adminui.Done{To: to, Text: "There must be an owner. Nothing was changed."}, nil
		}
		return adminui.Done{To: to, Text: text + " " + p.Name + "."}, err
	}
}

// disablePerson ends a person's sessions and links, and no longer lets them sign in.
func disablePerson(ctx context.Context, tx pgx.Tx, p personRow) error {
	return errors.Join(setDisabled(ctx, tx, p.ID, true), endSessions(ctx, tx, p.ID, nil), deleteLinks(ctx, tx, p.ID))
}

func enablePerson(ctx context.Context, tx pgx.Tx, p personRow) error {
	return setDisabled(ctx, tx, p.ID, false)
}

// resetPerson removes all means by which a person signs in, and makes a link with which they begin
// again: for a lost phone, or an expired invitation.
func (s *server) resetPerson(r *http.Request) (adminui.Answer, error) {
	p, err := s.personFromPath(r)
	if err != nil {
		return nil, err
	}
	if p.ID == adminui.Who(r).Person {
		return adminui.Done{To: "/people/" + web.ID(p.ID),
				Text: "You can change your own second factor under your account."},
			nil
	}
	link := ""
	err = pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) error {
		if err := errors.Join(clearFactors(r.Context(), tx, p.ID),
			endSessions(r.Context(), tx, p.ID, nil)); err != nil {
			return err
		}
		if link, err = s.newLink(r.Context(), tx, p.ID); err != nil {
			return err
		}
		return s.record(r, tx, adminui.Act{Action: adminui.PeopleManage, Kind: "person", Key: web.ID(p.ID),
			Text: "Reset how " + p.Name + " signs in"})
	})
	return showLink(p.Name, link), err
}
