package order

import (
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

var statusColumns = []adminui.Column[statusSet]{
	{Title: "Status", Value: func(s statusSet) any {
		return adminui.Link{Text: s.Title, To: "/settings/statuses/" + s.Identifier}
	}},
	{Title: "Shoppers read", Value: func(s statusSet) any { return s.Description }},
	{Title: "Position", Value: func(s statusSet) any { return s.Position }},
	{Title: "Identifier", Minor: true, Value: func(s statusSet) any { return s.Identifier }},
}

func (s *server) staffStatuses(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	list, err := orderStatuses(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing.Rows = max(len(list), 1) // a shop has only a few
	table := adminui.NewTable(listing, "statuses", statusColumns, list, func(s statusSet) any { return s.Identifier })
	return adminui.Page{Title: "Order statuses", Template: "statuses.html", Data: struct {
		Statuses []statusSet `json:"statuses"`
	}{list}, Table: table}, nil
}

// ownStatus reports whether a status was made by the founder: code depends on the others.
func ownStatus(identifier string) bool { return !endsAnOrder(identifier) }

func statusEditor(st statusSet) adminui.Form {
	form := adminui.Form{Cancel: "/settings/statuses", Fields: []adminui.Field{
		{Name: "title", Label: "Title", Kind: "text", Required: true, MaxLength: 100, Value: st.Title},
		{Name: "description", Label: "What shoppers read", Kind: "multiline", MaxLength: 500, Value: st.Description},
		{Name: "position", Label: "Position", Kind: "number", Required: true, Value: strconv.Itoa(st.Position),
			Hint: "Orders with a status before Shipped wait to be sent."},
	}}
	if st.Identifier == "" {
		form.Action, form.Submit = "/settings/statuses", "Make the status"
		form.Fields = append([]adminui.Field{{
			Name:      "identifier",
			Label:     "Identifier",
			Kind:      "text",
			Required:  true,
			MaxLength: 100,
			Hint:      "Lowercase letters, digits and hyphens, for programs. It is permanent.",
		}}, form.Fields...)
		return form
	}
	form.Action, form.Version = "/settings/statuses/"+st.Identifier, st.Version
	return form
}

// readStatus reads a form about a status.
func readStatus(form adminui.PostedForm, st statusSet) (statusSet, adminui.FieldErrors) {
	wrong := adminui.FieldErrors{}
	st.Title, st.Description = strings.TrimSpace(form.Get("title")), strings.TrimSpace(form.Get("description"))
	if n := utf8.RuneCountInString(st.Title); n == 0 || n > 100 {
		wrong["title"] = "Enter 1 to 100 characters."
	}
	if utf8.RuneCountInString(st.Description) > 500 {
		wrong["description"] = "At most 500 characters."
	}
	n, ok := web.Number(strings.TrimSpace(form.Get("position")), 1000)
	if st.Position = int(n); !ok {
		wrong["position"] = "Enter a whole number up to 1000."
	}
	return st, wrong
}

func statusPage(st statusSet, form adminui.Form, status int, errs adminui.FieldErrors) adminui.Page {
	title := "New status"
	if st.Identifier != "" {
		title = st.Title
	}
	return adminui.Page{Title: title, Template: "status.html", Data: struct {
		Order statusSet `json:"status"`
		Own   bool      `json:"-"`
		formPage
	}{st, st.Identifier != "" && ownStatus(st.Identifier),
		formPage{Form: form, Errors: errs, Edit: adminui.SettingsEdit}}, Status: status, Narrow: true}
}

func (s *server) staffNewStatus(*http.Request) (adminui.Answer, error) {
	st := statusSet{}
	return statusPage(st, statusEditor(st), http.StatusOK, nil), nil
}

func (s *server) staffCreateStatus(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	st, wrong := readStatus(sent, statusSet{})
	st.Identifier = strings.TrimSpace(sent.Get("identifier"))

	if st.Identifier == "" || len(st.Identifier) > 100 || st.Identifier == "new" ||
		strings.Trim(st.Identifier, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		wrong["identifier"] = "Use lowercase letters, digits and hyphens only."
	}
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			if err := insertStatus(r.Context(), tx, st, adminui.Who(r).Name); err != nil {
				return err
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "status", Key: st.Identifier,
				Text: "Made status " + st.Title, After: st})
		})
	}

	wrong, err = wrong.OnConflict(err, "identifier", "This status already exists.")
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		form := statusEditor(statusSet{}).WithInput(sent).WithErrors(wrong)
		return statusPage(statusSet{}, form, http.StatusUnprocessableEntity, wrong), nil
	}
	return adminui.Done{To: "/settings/statuses", Text: "Made " + st.Title + "."}, nil
}

func (s *server) statusFromPath(r *http.Request) (statusSet, error) {
	return web.OrNotFound(findStatus(r.Context(), s.pool, adminui.Param(r, "identifier")))
}

func (s *server) staffStatus(r *http.Request) (adminui.Answer, error) {
	st, err := s.statusFromPath(r)
	return statusPage(st, statusEditor(st), http.StatusOK, nil), err
}

func (s *server) staffUpdateStatus(r *http.Request) (adminui.Answer, error) {
	sent, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	was, err := s.statusFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := sent.CheckVersion(1, was.Version); err != nil {
		return nil, err
	}

	st, wrong := readStatus(sent, was)
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			changed, err := updateStatus(r.Context(), tx, st, sent.Version, adminui.Who(r).Name)
			switch {
			case err != nil:
				return err
			case !changed:
				return adminui.ErrStale
			}
			return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "status", Key: st.Identifier,
				Text: "Changed status " + st.Title, Before: was, After: st})
		})
		if err == nil {
			return adminui.Done{To: "/settings/statuses", Text: "Saved."}, nil
		}
	}

	now, perr := s.statusFromPath(r)
	if perr != nil {
		return nil, perr
	}

	theirs := map[string]string{}
	for _, f := range statusEditor(now).Fields {
		theirs[f.Name] = f.Value
	}
	form, errs, status, err := refusedForm(statusEditor(now), sent, wrong, err,
		rowNow{now.Version, now.ChangedBy, now.ChangedAt, theirs})
	return statusPage(now, form, status, errs), err
}

// staffDeleteStatus deletes a status that no order has.
func (s *server) staffDeleteStatus(r *http.Request) (adminui.Answer, error) {
	st, err := s.statusFromPath(r)
	if err != nil {
		return nil, err
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		dropped := false
		if ownStatus(st.Identifier) {
			var err error
			if dropped, err = deleteStatus(r.Context(), tx, st.Identifier); err != nil {
				return err
			}
		}
		if !dropped {
			return &web.Error{Status: http.StatusConflict, Code: "used",
				Text: "Orders have or had this status, so it cannot be deleted."}
		}
		return adminui.Record(r, tx, adminui.Act{Action: adminui.SettingsEdit, Kind: "status", Key: st.Identifier,
			Text: "Deleted status " + st.Title, Before: st})
	})
	return adminui.Done{To: "/settings/statuses", Text: st.Title + " is deleted."}, err
}
