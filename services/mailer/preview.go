package mailer

import (
	"bytes"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// secretData are the names in SendMail.Data whose values give access to something.
var secretData = []string{"code", "undo_code", "token"}

// shownMail is the text of a mail as staff may see it.
type shownMail struct {
	From    string   `json:"from"`
	To      []string `json:"to,omitempty"`
	Subject string   `json:"subject"`
	Text    string   `json:"text"`
	HTML    string   `json:"html,omitempty"`
	// Now says that the text was written for this page: the sent text was not kept, or the mail has
	// not been written yet.
	Now bool `json:"written_now,omitempty"`
	// Problem says why the mail cannot be written; the other fields are empty then.
	Problem string `json:"problem,omitempty"`
}

// showMail is the text of a mail in the ledger, without anything that gives access.
func (s *server) showMail(ctx context.Context, id int64) (shownMail, error) {
	d, err := web.OrNotFound(findWritten(ctx, s.pool, id))
	if err != nil {
		return shownMail{}, err
	}
	m, to, err := s.readCommand(&d)
	if err != nil {
		return shownMail{Problem: err.Error()}, nil //nolint:nilerr // the page shows the error
	}
	c, err := s.contentOf(ctx, &d, m, to[0])
	if pg.IsUnavailable(err) || pg.IsContention(err) {
		return shownMail{}, err
	}
	if err != nil {
		return shownMail{Problem: err.Error()}, nil //nolint:nilerr // the page shows the error
	}
	shown := show(c, m)
	shown.To, shown.Now = to, d.keepsWritten()
	return shown, nil
}

// show removes from a content all that gives access to something.
func show(c content, m msg.SendMail) shownMail {
	var pairs []string
	for _, name := range secretData {
		if value := m.Data[name]; value != "" {
			pairs = append(pairs, value, adminui.Hidden, linkCode(clean(value)), adminui.Hidden)
		}
	}
	hide := func(text string) string {
		return msg.WithoutLinks(strings.NewReplacer(pairs...).Replace(text), adminui.Hidden)
	}
	return shownMail{From: c.from.String(), Subject: hide(c.subject), Text: hide(c.text), HTML: hide(c.html)}
}

var frame = template.Must(template.New("frame.html").ParseFS(templateFiles, "templates/frame.html"))

// answer is the mail as the document of a frame. admin gives it a policy of its own: nothing in it
// runs, and it has no origin.
func (m shownMail) answer() adminui.Answer {
	return adminui.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		var out bytes.Buffer
		if err := frame.Execute(&out, m); err != nil {
			return fmt.Errorf("render a mail: %w", err)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, err := w.Write(out.Bytes())
		return err
	})
}

func (s *server) staffMailFrame(r *http.Request) (adminui.Answer, error) {
	m, err := s.mailFromPath(r)
	if err != nil {
		return nil, err
	}
	if !m.Kept {
		return nil, web.NotFound()
	}
	shown, err := s.showMail(r.Context(), m.ID)
	return shown.answer(), err
}
