package user

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// maxTermsNote is the length of the longest note about a version of the terms, in characters.
const maxTermsNote = 1000

// termsRow is a version of the terms of use.
type termsRow struct {
	Version   int       `json:"version"`
	Note      string    `json:"note"`
	Published time.Time `json:"published"`
}

// termsPage is all versions, and the form for the next one.
type termsPage struct {
	Versions []termsRow   `json:"versions"`
	Members  int64        `json:"members"`      // counted up to Most
	Missing  int64        `json:"not_agreed"`   // members who have not agreed to the newest, counted up to Most
	Most     int64        `json:"most_counted"` // where counting ends
	Form     adminui.Form `json:"-"`
}

var termsColumns = []adminui.Column[termsRow]{
	{Title: "Version", Value: func(t termsRow) any {
		n := strconv.Itoa(t.Version)
		return adminui.Link{Text: n, To: "/terms/" + n}
	}},
	{Title: "What members are told", Value: func(t termsRow) any { return t.Note }},
	{Title: "Published", Value: func(t termsRow) any { return t.Published }},
}

func termsForm(newest int) adminui.Form {
	return adminui.Form{
		ID:       "publish",
		Action:   "/terms",
		Submit:   "Publish",
		Version:  int64(newest),
		FromZero: true,
		Fields: []adminui.Field{{Name: "note", Label: "What members are told of the change", Kind: "multiline",
			Required: true, MaxLength: maxTermsNote,
			Hint: "Every member is asked to agree on their next visit. This cannot be undone."}},
	}
}

func (s *server) termsPage(r *http.Request) (p termsPage, table *adminui.Table, err error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return p, nil, err
	}
	if p.Versions, err = listTerms(r.Context(), s.pool); err != nil {
		return p, nil, err
	}
	newest := 0
	if len(p.Versions) > 0 {
		newest = p.Versions[0].Version
	}
	p.Most = adminui.MaxCounted
	if p.Members, p.Missing, err = countAgreed(r.Context(), s.pool, newest, adminui.MaxCounted); err != nil {
		return p, nil, err
	}
	p.Form = termsForm(newest)
	listing.Rows = len(p.Versions)
	table = adminui.NewTable(listing, "terms", termsColumns, p.Versions, func(t termsRow) any { return t.Version })
	table.CSV = ""
	return p, table, nil
}

// staffTerms lists the versions of the terms of use, newest first.
func (s *server) staffTerms(r *http.Request) (adminui.Answer, error) {
	p, table, err := s.termsPage(r)
	return adminui.Page{Title: "Terms of use", Template: "terms.html", Data: p, Table: table}, err
}

// staffPublishTerms puts the next version in force. The form names the newest version that it
// showed, so that the second of two people who publish at once is told.
func (s *server) staffPublishTerms(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	note := strings.TrimSpace(form.Text("note"))
	p, table, err := s.termsPage(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(0, p.Form.Version); err != nil {
		return nil, err
	}

	again := func(status int, change func(adminui.Form) adminui.Form) adminui.Answer {
		p.Form = change(p.Form.WithInput(form))
		return adminui.Page{Title: "Terms of use", Template: "terms.html", Data: p, Table: table, Status: status}
	}

	if n := utf8.RuneCountInString(note); n == 0 || n > maxTermsNote {
		return again(http.StatusUnprocessableEntity, func(f adminui.Form) adminui.Form {
			return f.WithErrors(adminui.FieldErrors{"note": "Say what changed, in at most 1000 characters."})
		}), nil
	}

	version := int(form.Version) + 1
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		fresh, err := publishNext(r.Context(), tx, terms{version, note})
		if err == nil && !fresh {
			err = adminui.ErrStale
		}
		if err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.TermsPublish,
			Kind:   "terms",
			Key:    strconv.Itoa(version),
			Text:   fmt.Sprintf("Published version %d of the terms of use", version),
			After:  map[string]any{"note": note},
		})
	})

	switch {
	case errors.Is(err, adminui.ErrStale):
		return again(http.StatusConflict, func(f adminui.Form) adminui.Form {
			return f.Conflict(f.Version, "Another person", "", nil)
		}), nil
	case err != nil:
		return nil, err
	}
	return adminui.Done{To: "/terms", Text: fmt.Sprintf("Version %d is in force.", version)}, nil
}

// agreedRow is a member who agreed to a version.
type agreedRow struct {
	ID     int64     `json:"-"`
	Member int64     `json:"member"`
	Name   string    `json:"name"`
	Email  string    `json:"email"`
	At     time.Time `json:"at"`
}

var agreedColumns = []adminui.Column[agreedRow]{
	{Title: "Member", Value: func(a agreedRow) any {
		return adminui.Link{Text: a.Name, To: "/customers/" + customerKey(kindMember, a.Member)}
	}},
	{Title: "E-mail", Clip: true, Value: func(a agreedRow) any { return a.Email }},
	{Title: "Agreed", Value: func(a agreedRow) any { return a.At }},
}

// staffTermsAgreed lists who agreed to a version, newest first.
func (s *server) staffTermsAgreed(r *http.Request) (adminui.Answer, error) {
	version, ok := web.Number(adminui.Param(r, "version"), maxTerms)
	if !ok {
		return nil, web.NotFound()
	}

	known, err := termsKnown(r.Context(), s.pool, int(version))
	if err != nil {
		return nil, err
	}
	if !known {
		return nil, web.NotFound()
	}

	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}

	list, err := listAgreed(r.Context(), s.pool, int(version), after, listing.Rows+1)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "agreed", agreedColumns, list, func(a agreedRow) any { return a.ID })
	table.Empty = "No one has agreed to it yet."
	if err := s.fileOf(r, listing, table, "agreements"); err != nil {
		return nil, err
	}
	return adminui.Page{
		Title: fmt.Sprintf("Who agreed to version %d", version),
		Data: struct {
			Agreed []agreedRow `json:"agreed"`
			Next   string      `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
	}, nil
}
