package user

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// cannedAnswer is an answer that is given often. {name} in its text stands for the customer's name.
type cannedAnswer struct {
	ID      int64  `json:"id"`
	Title   string `json:"title"`
	Text    string `json:"text"`
	Version int64  `json:"version"`
}

// maxCannedTitle is the length of the longest title, in characters.
const maxCannedTitle = 100

func cannedPath(id int64, parts ...string) string {
	return strings.Join(append([]string{"/chat/answers", web.ID(id)}, parts...), "/")
}

// cannedAnswersPage is the list of canned answers, with the form to add one.
type cannedAnswersPage struct {
	Answers []cannedAnswer `json:"answers"`
	Form    adminui.Form   `json:"-"`
}

// cannedAnswerPage is one canned answer.
type cannedAnswerPage struct {
	Answer cannedAnswer `json:"answer"`
	Form   adminui.Form `json:"-"`
	Delete adminui.Form `json:"-"`
}

var cannedColumns = []adminui.Column[cannedAnswer]{
	{Title: "Answer", Value: func(c cannedAnswer) any { return adminui.Link{Text: c.Title, To: cannedPath(c.ID)} }},
	{Title: "Text", Value: func(c cannedAnswer) any { return c.Text }},
}

func cannedForm(action string, c cannedAnswer) adminui.Form {
	return adminui.Form{
		ID:      "canned",
		Action:  action,
		Version: c.Version,
		Fields: []adminui.Field{
			{Name: "title", Label: "Title", Kind: "text", Required: true, MaxLength: maxCannedTitle, Value: c.Title},
			{Name: "text", Label: "Text", Kind: "multiline", Required: true, MaxLength: maxText, Value: c.Text,
				Hint: "{name} stands for the customer's name."}},
	}
}

func readCannedAnswer(form adminui.PostedForm) (c cannedAnswer, wrong adminui.FieldErrors) {
	c = cannedAnswer{
		Title:   strings.TrimSpace(form.Get("title")),
		Text:    strings.TrimSpace(form.Text("text")),
		Version: form.Version,
	}
	wrong = adminui.FieldErrors{}
	if n := utf8.RuneCountInString(c.Title); n == 0 || n > maxCannedTitle {
		wrong["title"] = "Give it a title of at most 100 characters."
	}
	if n := utf8.RuneCountInString(c.Text); n == 0 || n > maxText {
		wrong["text"] = "Write something, in at most 5000 characters."
	}
	return c, wrong
}

func (s *server) cannedAnswersPage(r *http.Request, change func(adminui.Form) adminui.Form,
	status int) (adminui.Answer, error) {
	list, err := listCannedAnswers(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	listing.Rows = len(list)
	table := adminui.NewTable(listing, "canned-answers", cannedColumns, list, func(c cannedAnswer) any { return c.ID })
	table.CSV, table.Empty = "", "No canned answers yet."
	f := cannedForm("/chat/answers", cannedAnswer{})
	f.Submit = "Add"
	return adminui.Page{
		Title:    "Canned answers",
		Template: "canned.html",
		Data:     cannedAnswersPage{list, change(f)},
		Table:    table,
		Status:   status,
	}, nil
}

// staffCannedAnswers lists the canned answers.
func (s *server) staffCannedAnswers(r *http.Request) (adminui.Answer, error) {
	return s.cannedAnswersPage(r, func(f adminui.Form) adminui.Form { return f }, http.StatusOK)
}

// staffCreateCannedAnswer adds a canned answer.
func (s *server) staffCreateCannedAnswer(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	c, wrong := readCannedAnswer(form)
	if len(wrong) == 0 {
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			id, err := insertCannedAnswer(r.Context(), tx, c)
			if err != nil {
				return err
			}
			return recordCannedAnswer(r, tx, id, "Added the canned answer ")
		})
	}

	wrong, err = wrong.OnConflict(err, "title", "This title is already taken.")
	if err != nil {
		return nil, err
	}
	if len(wrong) > 0 {
		return s.cannedAnswersPage(r, func(f adminui.Form) adminui.Form { return f.WithInput(form).WithErrors(wrong) },
			http.StatusUnprocessableEntity)
	}
	return adminui.Done{To: "/chat/answers", Text: "Added."}, nil
}

func recordCannedAnswer(r *http.Request, tx pgx.Tx, id int64, text string) error {
	key := web.ID(id)
	return adminui.Record(r, tx, adminui.Act{
		Action: adminui.ChatAnswer,
		Kind:   "canned answer",
		Key:    key,
		Text:   text + key,
	})
}

func (s *server) cannedAnswerFromPath(r *http.Request) (cannedAnswer, error) {
	id, err := adminui.ParamID(r, "id")
	if err != nil {
		return cannedAnswer{}, err
	}
	return web.OrNotFound(findCannedAnswer(r.Context(), s.pool, id))
}

func showCannedAnswer(c cannedAnswer, change func(adminui.Form) adminui.Form, status int) adminui.Page {
	f := cannedForm(cannedPath(c.ID), c)
	f.Cancel = "/chat/answers"
	return adminui.Page{
		Title:    c.Title,
		Template: "canned-answer.html",
		Narrow:   true,
		Status:   status,
		Data: cannedAnswerPage{
			Answer: c,
			Form:   change(f),
			Delete: adminui.Form{ID: "delete", Action: cannedPath(c.ID, "delete"), Submit: "Delete", Tone: "bad"},
		},
	}
}

func (s *server) staffCannedAnswer(r *http.Request) (adminui.Answer, error) {
	c, err := s.cannedAnswerFromPath(r)
	return showCannedAnswer(c, func(f adminui.Form) adminui.Form { return f }, http.StatusOK), err
}

// staffUpdateCannedAnswer changes a canned answer that still has the version that the form showed.
func (s *server) staffUpdateCannedAnswer(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	now, err := s.cannedAnswerFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, now.Version); err != nil {
		return nil, err
	}

	c, wrong := readCannedAnswer(form)
	if len(wrong) == 0 {
		c.ID = now.ID
		err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
			changed, err := updateCannedAnswer(r.Context(), tx, c)
			if err == nil && !changed {
				err = adminui.ErrStale
			}
			if err != nil {
				return err
			}
			return recordCannedAnswer(r, tx, c.ID, "Changed the canned answer ")
		})
	}

	wrong, err = wrong.OnConflict(err, "title", "This title is already taken.")
	switch {
	case errors.Is(err, adminui.ErrStale):
		return showCannedAnswer(now, func(f adminui.Form) adminui.Form {
			return f.WithInput(form).Conflict(now.Version, "Another person", "",
				map[string]string{"title": now.Title, "text": now.Text})
		}, http.StatusConflict), nil
	case err != nil:
		return nil, err
	case len(wrong) > 0:
		return showCannedAnswer(now, func(f adminui.Form) adminui.Form { return f.WithInput(form).WithErrors(wrong) },
			http.StatusUnprocessableEntity), nil
	}
	return adminui.Done{To: "/chat/answers", Text: "Saved."}, nil
}

func (s *server) staffDeleteCannedAnswer(r *http.Request) (adminui.Answer, error) {
	if _, err := adminui.ReadForm(r); err != nil {
		return nil, err
	}
	c, err := s.cannedAnswerFromPath(r)
	if err != nil {
		return nil, err
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if err := deleteCannedAnswer(r.Context(), tx, c.ID); err != nil {
			return err
		}
		return recordCannedAnswer(r, tx, c.ID, "Deleted the canned answer ")
	})
	return adminui.Done{To: "/chat/answers", Text: "Deleted."}, err
}
