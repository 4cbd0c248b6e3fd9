package user

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// prospectRow is a prospect in the list for staff, who may have registered since.
type prospectRow struct {
	ID         int64     `json:"id"`
	Email      string    `json:"email"`
	Name       string    `json:"name"`
	Phone      string    `json:"phone,omitempty"`
	Newsletter string    `json:"newsletter"`
	Source     string    `json:"source"`
	Code       string    `json:"code"`
	Created    time.Time `json:"created"`
	Converted  time.Time `json:"converted,omitzero"`
}

var prospectColumnsShown = []adminui.Column[prospectRow]{
	{Title: "E-mail", Clip: true, Value: func(p prospectRow) any {
		return adminui.Link{Text: p.Email, To: "/customers/" + customerKey(kindProspect, p.ID)}
	}},
	{Title: "Name", Value: func(p prospectRow) any { return strings.TrimSpace(p.Name) }},
	{Title: "Phone", Minor: true, Value: func(p prospectRow) any { return p.Phone }},
	{Title: "Newsletter", Value: func(p prospectRow) any { return newsBadge(p.Newsletter) }},
	{Title: "Source", Minor: true, Value: func(p prospectRow) any { return p.Source }},
	{Title: "Code", Minor: true, Value: func(p prospectRow) any { return p.Code }},
	{Title: "Since", Value: func(p prospectRow) any { return p.Created }},
	{Title: "Registered", Minor: true, Value: func(p prospectRow) any { return p.Converted }},
}

// staffProspects lists prospects, newest first. As a file the list has the columns that an import
// takes.
func (s *server) staffProspects(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"registered"}})
	if err != nil {
		return nil, err
	}
	if listing.File {
		return s.prospectFile(r, listing)
	}

	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	registered := listing.Chosen["registered"] != ""
	list, err := listProspectRows(r.Context(), s.pool, listing.Search, registered, after, listing.Rows+1)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "prospects", prospectColumnsShown, list, func(p prospectRow) any { return p.ID })
	table.Tabs = []adminui.Tab{{Title: "Prospects", To: listing.With("registered", ""), Count: -1, Active: !registered},
		{Title: "Registered since", To: listing.With("registered", "yes"), Count: -1, Active: registered}}
	table.WithSearch(listing, "E-mail address or last name")
	table.Empty = "No prospects."
	if err := s.fileOf(r, listing, table, "prospects"); err != nil {
		return nil, err
	}
	return adminui.Page{
		Title:    "Prospects",
		Template: "prospects.html",
		Data: struct {
			Prospects []prospectRow `json:"prospects"`
			Next      string        `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
		Live:  "user",
	}, nil
}

// prospectFileColumns are the columns that an import takes, and the others that exportProspects
// writes.
var prospectFileColumns = []adminui.Column[listedProspect]{
	{Title: "email", Value: func(p listedProspect) any { return p.Email }},
	{Title: "first_name", Value: func(p listedProspect) any { return p.FirstName }},
	{Title: "last_name", Value: func(p listedProspect) any { return p.LastName }},
	{Title: "phone", Value: func(p listedProspect) any { return p.Phone }},
	{Title: "unsubscribed", Value: func(p listedProspect) any { return p.Unsubscribed }},
	{Title: "prospect_comment", Value: func(p listedProspect) any { return p.Comment }},
	{Title: "pr_cd", Value: func(p listedProspect) any { return p.Code }},
	{Title: "swa_comment", Value: func(p listedProspect) any { return p.StaffComment }},
	{Title: "created", Value: func(p listedProspect) any { return p.Created }},
	{Title: "converted", Value: func(p listedProspect) any {
		if p.Converted == nil {
			return nil
		}
		return *p.Converted
	}},
}

// prospectFile exports every prospect.
func (s *server) prospectFile(r *http.Request, listing adminui.Listing) (adminui.Answer, error) {
	list, err := listProspects(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing.Rows = len(list)
	table := adminui.NewTable(listing, "prospects", prospectFileColumns, list,
		func(p listedProspect) any { return p.Email })
	return adminui.Page{Title: "Prospects", Table: table}, s.fileOf(r, listing, table, "prospects")
}

func newProspectForm() adminui.Form {
	return adminui.Form{
		ID:     "prospect",
		Action: "/prospects/new",
		Submit: "Add",
		Cancel: "/prospects",
		Fields: []adminui.Field{
			{Name: "email", Label: "E-mail address", Kind: "email", Required: true, MaxLength: maxEmail,
				Complete: "off"},
			{Name: "first_name", Label: "First name", Kind: "text", MaxLength: maxFirstName},
			{Name: "last_name", Label: "Last name", Kind: "text", MaxLength: maxLastName},
			{Name: "phone", Label: "Phone", Kind: "text", MaxLength: maxPhone},
			{Name: "comment", Label: "Comment, in the customer's words", Kind: "multiline", MaxLength: maxText},
			{Name: "newsletter", Label: "Has agreed to newsletters", Kind: "check",
				Hint: "You need proof: a signature on a list, or a mail."},
		},
	}
}

func newProspectPage(form adminui.Form, status int) adminui.Page {
	nobody := customerDetails{customer: customer{Tags: []string{}}, Aliases: []string{}}
	return adminui.Page{
		Title:    "Add a prospect",
		Template: "edit.html",
		Status:   status,
		Narrow:   true,
		Data:     editPage{Customer: nobody, Form: form},
	}
}

func (s *server) staffNewProspect(*http.Request) (adminui.Answer, error) {
	return newProspectPage(newProspectForm(), http.StatusOK), nil
}

// staffCreateProspect adds a prospect with an address that no one has.
func (s *server) staffCreateProspect(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	e, wrong := readEdit(form, false)
	if p := checkEmail(e.Email); len(p) > 0 {
		wrong["email"] = p[0].Description
	}

	var made prospect
	if len(wrong) == 0 {
		if made, err = s.addProspect(r, newProspect{
			Email:      e.Email,
			FirstName:  e.FirstName,
			LastName:   e.LastName,
			Phone:      e.Phone,
			Comment:    e.Comment,
			Note:       "Added by staff.",
			Source:     sourceStaff,
			Subscribed: form.Get("newsletter") != "",
		}); errors.Is(err, errUnchanged) {
			wrong["email"], err = "This address already belongs to a customer.", nil
		}
	}

	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return newProspectPage(newProspectForm().WithInput(form).WithErrors(wrong), http.StatusUnprocessableEntity), nil
	}
	return adminui.Done{To: "/customers/" + customerKey(kindProspect, made.ID), Text: "Added."}, nil
}

// addProspect adds a prospect; it returns errUnchanged if the address is a customer's already.
func (s *server) addProspect(r *http.Request, n newProspect) (p prospect, err error) {
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		member, err := addressOfMember(ctx, tx, n.Email)
		if err != nil {
			return err
		}
		var made bool
		if p, made, err = insertProspect(ctx, tx, n); err != nil {
			return err
		}
		if member || !made {
			return errUnchanged
		}

		if n.Subscribed {
			if err := insertConsents(ctx, tx, consent{
				ProspectID: p.ID,
				What:       "newsletter",
				Given:      true,
				Source:     "staff",
			}); err != nil {
				return err
			}
		}

		if err := bus.Enqueue(ctx, tx, p.event()); err != nil {
			return err
		}
		return recordCustomer(r, tx, customer{Kind: kindProspect, ID: p.ID}, "Added")
	})
	return p, err
}

// importPage asks for a list, or shows what importing it would do.
type importPage struct {
	Rows       int         `json:"rows"`
	New        int         `json:"new"`
	Known      int         `json:"known"`      // prospects or members already, who stay as they are
	Subscribed int         `json:"subscribed"` // those of the new ones who will get newsletters
	Refused    int         `json:"refused"`    // taken off the newsletters by the list
	Errors     []lineError `json:"errors"`
	Text       string      `json:"-"` // the list, to be sent again
	Problem    string      `json:"problem,omitempty"`
	Columns    string      `json:"columns"`
}

// Checked reports whether a list was checked and nothing is wrong with it.
func (p importPage) Checked() bool { return p.Rows > 0 && len(p.Errors) == 0 && p.Problem == "" }

func (p importPage) answer(status int) adminui.Page {
	p.Columns = strings.Join(importedColumns, ", ")
	return adminui.Page{Title: "Import prospects", Template: "import.html", Data: p, Status: status}
}

func (s *server) staffImport(*http.Request) (adminui.Answer, error) {
	return importPage{Errors: []lineError{}}.answer(http.StatusOK), nil
}

const (
	// maxImported is how many lines a list may have.
	maxImported = 10_000
	// maxImport is the size of the largest list, in bytes.
	maxImport = 4 << 20
)

// staffImportList checks a list, and imports it if the form says so: all of it, or nothing.
func (s *server) staffImportList(r *http.Request) (adminui.Answer, error) {
	text, do, problem, err := readUpload(r)
	if err != nil {
		return nil, err
	}
	if problem != "" {
		return importPage{Errors: []lineError{}, Problem: problem}.answer(http.StatusUnprocessableEntity), nil
	}

	page, list, err := s.checkList(r.Context(), text)
	if err != nil {
		return nil, err
	}
	if !page.Checked() {
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	if !do {
		return page.answer(http.StatusOK), nil
	}

	added := 0
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if added, err = importList(r.Context(), tx, list); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.CustomersImport,
			Kind:   "prospects",
			Key:    "import",
			Text:   fmt.Sprintf("Imported %d prospects of %d", added, len(list)),
		})
	})
	if err != nil {
		return nil, err
	}

	return adminui.Done{
		To: "/prospects",
		Text: fmt.Sprintf("Prospects added: %d, known before: %d.", added,
			len(list)-added),
	}, nil
}

// readUpload reads a list from a form: a file, or the text of one that was checked before. problem
// says why there is none.
func readUpload(r *http.Request) (text string, do bool, problem string, err error) {
	switch err := r.ParseMultipartForm(maxImport); {
	case errors.Is(err, http.ErrNotMultipart):
		return "", false, "Choose a file: the form came without one.", nil
	case err != nil:
		return "", false, "", web.BadRequest("list")
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // files of the temporary folder

	do = r.PostForm.Get("do") == "import"
	if text = r.PostForm.Get("text"); text != "" {
		return text, do, "", nil
	}

	file, about, err := r.FormFile("list")
	if err != nil {
		return "", false, "Choose a file.", nil
	}
	defer file.Close() //nolint:errcheck // it is only read
	switch {
	case about.Size == 0:
		return "", false, "This file is empty. Choose another one.", nil
	case about.Size > maxImport:
		return "", false, fmt.Sprintf("This file has %.1f MB; the limit is %d MB. Split it and import one part after "+
			"the other.", float64(about.Size)/(1<<20), maxImport>>20), nil
	}

	var raw bytes.Buffer
	if _, err := raw.ReadFrom(file); err != nil {
		return "", false, "", fmt.Errorf("read a list: %w", err)
	}
	return raw.String(), false, "", nil
}

// checkList returns what importing a list would do, and what is wrong with it.
func (s *server) checkList(ctx context.Context, text string) (p importPage, list []newProspect, err error) {
	p.Errors, p.Text = []lineError{}, text
	if text == "" {
		p.Problem = "Choose a file."
		return p, nil, nil
	}

	list, wrong, err := readProspects([]byte(text))
	switch {
	case err != nil:
		p.Problem = err.Error()
	case len(wrong) > 0:
		p.Errors = wrong[:min(len(wrong), maxErrors)]
		p.Problem = fmt.Sprintf("%d lines are wrong; nothing was imported.", len(wrong))
	case len(list) == 0:
		p.Problem = "There are no lines below the column names."
	case len(list) > maxImported:
		p.Problem = fmt.Sprintf("The list has %d lines; the limit is %d.", len(list), maxImported)
	}
	if p.Problem != "" {
		return p, nil, nil
	}

	emails := make([]string, len(list))
	for i, n := range list {
		emails[i] = n.Email
	}
	known, err := knownAddresses(ctx, s.pool, emails)
	if err != nil {
		return p, nil, err
	}

	p.Rows = len(list)
	for _, n := range list {
		key := strings.ToLower(n.Email)
		switch {
		case n.Refused:
			p.Refused++
		case n.Subscribed && !known[key]:
			p.Subscribed++
		}
		if !known[key] {
			p.New++
			known[key] = true // a second line is about the same person
		}
	}

	p.Known = p.Rows - p.New
	return p, list, nil
}

// maxErrors is how many errors of a list the page shows.
const maxErrors = 100

// importList adds the people of a list.
func importList(ctx context.Context, tx pgx.Tx, list []newProspect) (added int, err error) {
	emails := make([]string, len(list))
	for i, n := range list {
		emails[i] = n.Email
	}
	members, err := memberAddresses(ctx, tx, emails)
	if err != nil {
		return 0, err
	}

	var events []msg.Message
	for _, n := range list {
		event, made, err := importProspect(ctx, tx, n, members[strings.ToLower(n.Email)])
		if err != nil {
			return 0, err
		}
		if made {
			added++
			events = append(events, event)
		}
	}
	return added, bus.Enqueue(ctx, tx, events...)
}

// addressSet is a set of addresses in lower case.
func addressSet(list []string) map[string]bool {
	set := map[string]bool{}
	for _, address := range list {
		set[address] = true
	}
	return set
}

// knownAddresses are the addresses among emails that members or prospects have.
func knownAddresses(ctx context.Context, db pg.DB, emails []string) (map[string]bool, error) {
	members, err := memberAddresses(ctx, db, emails)
	if err != nil {
		return nil, err
	}
	prospects, err := prospectAddresses(ctx, db, emails)
	for _, address := range prospects {
		members[address] = true
	}
	return members, err
}

// memberAddresses are the addresses among emails that members have.
func memberAddresses(ctx context.Context, db pg.DB, emails []string) (map[string]bool, error) {
	list, err := addressesOfMembers(ctx, db, emails)
	return addressSet(list), err
}
