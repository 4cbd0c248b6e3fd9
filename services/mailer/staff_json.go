package mailer

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"
	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// templates lists every template whole.
func (s *server) templates(w http.ResponseWriter, r *http.Request) error {
	list, err := listTemplates(r.Context(), s.pool)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, list)
}

// addTemplate makes a template under a fresh code.
func (s *server) addTemplate(w http.ResponseWriter, r *http.Request) error {
	t := mailTemplate{Status: statusDraft}
	if err := readTemplateFields(w, r, &t); err != nil {
		return err
	}
	t, err := insertTemplate(r.Context(), s.pool, t)
	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, t)
}

// changeTemplate sets the fields that are sent; the others stay. What is under way stays as it was
// sent; status Draft pauses it, any other one lets it go on.
func (s *server) changeTemplate(w http.ResponseWriter, r *http.Request) error {
	var t mailTemplate
	err := pg.Tx(r.Context(), s.pool, func(tx pgx.Tx) (err error) {
		if t, err = lockTemplate(r.Context(), tx, chi.URLParam(r, "em_cd")); err != nil {
			return err
		}
		code := t.EmCd
		if err := readTemplateFields(w, r, &t); err != nil {
			return err
		}
		t.EmCd = code // it is in links that are out
		if t, err = updateTemplate(r.Context(), tx, t); err != nil || t.Status == statusDraft {
			return err
		}
		return resume(r.Context(), tx, t.EmCd)
	})
	if err != nil {
		return err
	}
	s.wakeSender()
	return web.JSON(w, http.StatusOK, t)
}

// maxTemplate bounds what is read of a template, in bytes.
const maxTemplate = 256 << 10

// readTemplateFields reads JSON over a template and says which field is wrong.
func readTemplateFields(w http.ResponseWriter, r *http.Request, t *mailTemplate) error {
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxTemplate))
	in.DisallowUnknownFields()
	if err := in.Decode(t); err != nil {
		return &web.Error{Status: http.StatusBadRequest, Code: "bad-request", Err: err}
	}
	for _, f := range []struct {
		name, value string
		least, most int
	}{
		{"subject", t.Subject, 1, 300}, {"body_text", t.BodyText, 1, 5000}, {"body_html", t.BodyHTML, 0, 15000},
		{"from_address", t.FromAddress, 0, 100}, {"bcc_address", t.BccAddress, 0, 100},
	} {
		if n := utf8.RuneCountInString(f.value); n < f.least || n > f.most || strings.ContainsRune(f.value, 0) {
			return web.BadRequest(f.name)
		}
	}
	if !slices.Contains([]string{"Member", "Prospect"}, t.Type) {
		return web.BadRequest("type")
	}
	if !slices.Contains([]string{statusDraft, statusReady, statusSent}, t.Status) {
		return web.BadRequest("status")
	}
	if _, err := parseAddress(t.FromAddress); t.FromAddress != "" && err != nil {
		return web.BadRequest("from_address")
	}
	for part := range strings.SplitSeq(t.BccAddress, ",") {
		if _, err := parseAddress(strings.TrimSpace(part)); t.BccAddress != "" && err != nil {
			return web.BadRequest("bcc_address")
		}
	}
	return nil
}
