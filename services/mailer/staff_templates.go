package mailer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// staffTemplate is a kind's template in the list for staff.
type staffTemplate struct {
	Kind    string    `json:"kind"`
	Title   string    `json:"title"`
	When    string    `json:"sent_when"`
	BuiltIn bool      `json:"built_in"`
	SavedBy string    `json:"saved_by,omitempty"`
	SavedAt time.Time `json:"saved_at,omitzero"`
}

var templateColumnsShown = []adminui.Column[staffTemplate]{
	{Title: "Mail", Value: func(t staffTemplate) any {
		return adminui.Link{Text: t.Title, To: "/mails/templates/" + t.Kind}
	}},
	{Title: "Sent when", Value: func(t staffTemplate) any { return t.When }},
	{Title: "Words", Value: func(t staffTemplate) any {
		if t.BuiltIn {
			return adminui.Badge{Text: "built in"}
		}
		return adminui.Badge{Text: "yours", Tone: "good"}
	}},
	{Title: "Saved by", Minor: true, Value: func(t staffTemplate) any { return t.SavedBy }},
	{Title: "Saved", Minor: true, Value: func(t staffTemplate) any { return t.SavedAt }},
}

// staffTemplates lists the templates of all kinds.
func (s *server) staffTemplates(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	newest, err := newestVersions(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	var list []staffTemplate
	for _, k := range mailKinds {
		if k.sample == nil {
			continue
		}
		t := staffTemplate{Kind: k.Kind, Title: kindTitle(k.Kind), When: k.When, BuiltIn: true}
		i := slices.IndexFunc(newest, func(v templateVersion) bool { return v.Kind == k.Kind })
		if i >= 0 {
			t.BuiltIn, t.SavedBy, t.SavedAt = newest[i].BuiltIn, newest[i].SavedBy, newest[i].SavedAt
		}
		list = append(list, t)
	}
	table := adminui.NewTable(listing, "templates", templateColumnsShown, list,
		func(t staffTemplate) any { return t.Kind })
	return adminui.Page{Title: "Templates of mails", Data: struct {
		Templates []staffTemplate `json:"templates"`
	}{list}, Table: table}, nil
}

// templatePage is a kind's template in the editor.
type templatePage struct {
	Kind    string `json:"kind"`
	Title   string `json:"title"`
	When    string `json:"sent_when"`
	Version int64  `json:"version"`
	mailTemplate
	Fields   []templateField   `json:"fields"`
	Versions []templateVersion `json:"versions"`
	Form     adminui.Form      `json:"-"`
	BuiltIn  adminui.Form      `json:"-"`
	// Shown says that the editor holds the text of another version, which is not saved.
	Shown string `json:"-"`
	kind  mailKind
}

// templateField is a name in braces with its explanation.
type templateField struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// templateOf is the current template of a kind.
func templateOf(ctx context.Context, db pg.DB, k mailKind) (mailTemplate, error) {
	if !k.ofOrder() {
		return plainTemplate(ctx, db, k.Kind)
	}
	return findTemplate(ctx, db, k.template(), k.Kind)
}

func (s *server) templatePage(r *http.Request) (p templatePage, err error) {
	k, known := kindOf(adminui.Param(r, "kind"))
	if !known || k.sample == nil {
		return p, web.NotFound()
	}
	p = templatePage{Kind: k.Kind, Title: kindTitle(k.Kind), When: k.When, kind: k}
	if p.mailTemplate, err = templateOf(r.Context(), s.pool, k); err != nil {
		return p, err
	}
	if p.Versions, err = listVersions(r.Context(), s.pool, k.Kind); err != nil {
		return p, err
	}
	if len(p.Versions) > 0 {
		p.Version = p.Versions[0].Version
	}
	for _, name := range k.allowed() {
		p.Fields = append(p.Fields, templateField{"{" + name + "}", fieldTexts[name]})
	}
	p.Form = templateForm(p, p.mailTemplate)
	p.BuiltIn = adminui.Form{ID: "built-in", Action: "/mails/templates/" + k.Kind + "/built-in",
		Submit: "Back to the built-in one", Version: p.Version, FromZero: true, Tone: "bad"}
	return p, nil
}

// The sizes of a template's columns, in characters.
const (
	maxSubject = 300
	maxText    = 5000
	maxHTML    = 15000
	maxSenders = 100
)

// templateForm is the editor filled with a template.
func templateForm(p templatePage, t mailTemplate) adminui.Form {
	path := "/mails/templates/" + p.kind.Kind
	f := adminui.Form{ID: "template", Action: path, Submit: "Save", Version: p.Version, FromZero: true,
		Preview: path + "/frame",
		Fields: []adminui.Field{
			{Name: "subject", Label: "Subject", Kind: "text", Value: t.Subject, Required: true, MaxLength: maxSubject},
			{Name: "body_text", Label: "Text", Kind: "multiline", Value: t.BodyText, Required: true,
				MaxLength: maxText},
			{Name: "body_html", Label: "HTML", Kind: "multiline", Value: t.BodyHTML, MaxLength: maxHTML,
				Hint: "Without it the mail is plain text."},
		}}
	if p.kind.ofOrder() { // mails with access codes are not copied to others
		f.Fields = append(f.Fields,
			adminui.Field{Name: "from_address", Label: "Sender", Kind: "text", Value: t.FromAddress,
				MaxLength: maxSenders, Hint: "MAIL_FROM if empty."},
			adminui.Field{Name: "bcc_address", Label: "Blind copies to", Kind: "text", Value: t.BccAddress,
				MaxLength: maxSenders, Hint: "Addresses, separated by commas."})
	}
	return f
}

func (p templatePage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Title, Template: "template.html", Data: p, Status: status}
}

// staffTemplate shows the editor; ?version= fills it with the text of another version, 0 with the
// built-in text.
func (s *server) staffTemplate(r *http.Request) (adminui.Answer, error) {
	p, err := s.templatePage(r)
	if err != nil {
		return nil, err
	}
	text := r.URL.Query().Get("version")
	if text == "" {
		return p.answer(http.StatusOK), nil
	}
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, web.BadRequest("version")
	}
	i := slices.IndexFunc(p.Versions, func(v templateVersion) bool { return v.Version == number })
	switch {
	case number == 0:
		p.Form, p.Shown = templateForm(p, p.kind.builtIn()), "the built-in template"
	case i < 0:
		return nil, web.NotFound()
	default:
		p.Form, p.Shown = templateForm(p, p.Versions[i].template()), "version "+text
	}
	return p.answer(http.StatusOK), nil
}

func versionOf(k mailKind, number int64, t mailTemplate) templateVersion {
	return templateVersion{
		Kind:        k.Kind,
		Version:     number,
		Subject:     t.Subject,
		BodyText:    t.BodyText,
		BodyHTML:    t.BodyHTML,
		FromAddress: t.FromAddress,
		BccAddress:  t.BccAddress,
	}
}

func (v templateVersion) template() mailTemplate {
	return mailTemplate{Subject: v.Subject, BodyText: v.BodyText, BodyHTML: v.BodyHTML, FromAddress: v.FromAddress,
		BccAddress: v.BccAddress}
}

// typedTemplate is the template in a posted form.
func (p templatePage) typedTemplate(form adminui.PostedForm) mailTemplate {
	t := p.kind.builtIn()
	t.Subject = strings.TrimSpace(form.Text("subject"))
	t.BodyText, t.BodyHTML = form.Text("body_text"), form.Text("body_html")
	if strings.TrimSpace(t.BodyHTML) == "" {
		t.BodyHTML = ""
	}
	if p.kind.ofOrder() {
		t.FromAddress, t.BccAddress = strings.TrimSpace(form.Get("from_address")),
			strings.TrimSpace(form.Get("bcc_address"))
	}
	return t
}

// braces match names in braces, known or not; style sheets have colons in theirs.
var braces = regexp.MustCompile(`\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}`)

// check says what is wrong with the template of a kind, by field of the form.
func (s *server) check(k mailKind, t mailTemplate) adminui.FieldErrors {
	wrong := adminui.FieldErrors{}
	checkWords(t, k.allowed(), wrong)
	for name, value := range map[string]string{"body_text": t.BodyText, "body_html": t.BodyHTML} {
		has := func(must string) bool { return strings.Contains(value, "{"+must+"}") }
		if value != "" && wrong[name] == "" && len(k.must) > 0 && !slices.ContainsFunc(k.must, has) {
			wrong[name] = "Without {" + strings.Join(k.must, "} or {") + "} this mail is useless."
		}
		if missing := missingOf(value, k.whole); value != "" && wrong[name] == "" && len(missing) > 0 {
			wrong[name] = "A confirmation must say what was bought and what it costs: " +
				strings.Join(missing, " and ") + " is missing."
		}
	}
	if len(wrong) == 0 {
		if _, err := s.fillKind(k, t, k.sample()); err != nil {
			wrong[""] = "It cannot be filled: " + err.Error() + "."
		}
	}
	return wrong
}

// checkWords says what is wrong with any template that may hold the given names.
func checkWords(t mailTemplate, names []string, wrong adminui.FieldErrors) {
	for _, f := range []struct {
		name, value string
		most        int
	}{{"subject", t.Subject, maxSubject}, {"body_text", t.BodyText, maxText}, {"body_html", t.BodyHTML, maxHTML}} {
		if n := utf8.RuneCountInString(f.value); n > f.most {
			wrong[f.name] = fmt.Sprintf("It has %d characters; the limit is %d.", n, f.most)
		}
		for _, found := range braces.FindAllStringSubmatch(f.value, -1) {
			if !slices.Contains(names, found[1]) || found[0] != "{"+found[1]+"}" {
				wrong[f.name] = found[0] + " is not a field of this mail."
			}
		}
		if lone := loneBrace(f.value); lone != "" && wrong[f.name] == "" {
			wrong[f.name] = lone
		}
	}

	switch {
	case strings.TrimSpace(t.Subject) == "" || strings.Contains(t.Subject, "\n"):
		wrong["subject"] = "A mail needs a subject, on one line."
	case !braces.MatchString(t.Subject) && lettersIn(t.Subject) < minLetters:
		wrong["subject"] = "Say in the subject what the mail is about: it has almost no letters."
	}

	if strings.TrimSpace(t.BodyText) == "" {
		wrong["body_text"] = "A mail needs plain text: not every reader shows HTML."
	}
	if scripts.MatchString(t.BodyHTML) {
		wrong["body_html"] = "No mail program runs scripts, and many treat a mail with one as spam: leave out <script>."
	}
	checkSenders(t, wrong)
}

// minLetters is the least number of letters and digits in a subject. Two make a word in some
// languages.
const minLetters = 2

func lettersIn(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			n++
		}
	}
	return n
}

func checkSenders(t mailTemplate, wrong adminui.FieldErrors) {
	if _, err := parseAddress(t.FromAddress); t.FromAddress != "" && err != nil {
		wrong["from_address"] = "This is not an address: shop@shop.example, or Shop <shop@shop.example>."
	}
	for part := range strings.SplitSeq(t.BccAddress, ",") {
		if _, err := parseAddress(strings.TrimSpace(part)); t.BccAddress != "" && err != nil {
			wrong["bcc_address"] = "Enter addresses, separated by commas."
		}
	}
	for name, value := range map[string]string{"from_address": t.FromAddress, "bcc_address": t.BccAddress} {
		if utf8.RuneCountInString(value) > maxSenders {
			wrong[name] = fmt.Sprintf("At most %d characters.", maxSenders)
		}
	}
}

// staffTemplateFrame shows the posted template, filled with the sample.
func (s *server) staffTemplateFrame(r *http.Request) (adminui.Answer, error) {
	p, err := s.templatePage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	t := p.typedTemplate(form)
	for _, problem := range s.check(p.kind, t) {
		return shownMail{Problem: strings.TrimSuffix(problem, ".")}.answer(), nil
	}
	m := p.kind.sample()
	c, err := s.fillKind(p.kind, t, m)
	if err != nil {
		return nil, err
	}
	if t.FromAddress != "" {
		c.from = s.senderOf(t)
	}
	return shownMail{From: c.from.String(), To: m.To, Subject: c.subject, Text: c.text, HTML: c.html}.answer(), nil
}

// errStale answers a command about a version that another person has changed since.
var errStale = &web.Error{Status: http.StatusConflict, Code: "changed-meanwhile", Err: adminui.ErrStale}

// saveTemplate stores a version, which counts from the next mail on, and records that in the log of
// acts.
func (s *server) saveTemplate(r *http.Request, p templatePage, t mailTemplate, builtIn bool, text string) error {
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		now, err := templateOf(r.Context(), tx, p.kind)
		if err != nil {
			return err
		}
		next := versionOf(p.kind, p.Version+1, t)
		next.BuiltIn, next.SavedBy = builtIn, adminui.Who(r).Name
		if p.Version == 0 && now != p.kind.builtIn() { // the template was changed before versions existed
			if err := insertVersion(r.Context(), tx, versionOf(p.kind, 1, now)); err != nil {
				return err
			}
			next.Version = 2
		}
		if err := insertVersion(r.Context(), tx, next); err != nil {
			return err
		}
		if builtIn && !p.kind.ofOrder() {
			err = deleteTemplate(r.Context(), tx, t.Code)
		} else {
			err = upsertTemplate(r.Context(), tx, t)
		}
		if err != nil {
			return err
		}

		return adminui.Record(r, tx, adminui.Act{Action: adminui.TemplatesEdit, Kind: "template", Key: p.Kind,
			Text:   text,
			Before: map[string]any{"version": p.Version, "subject": now.Subject},
			After:  map[string]any{"version": next.Version, "subject": t.Subject}})
	})
	if pg.IsConflict(err) {
		return errStale
	}

	return err
}

func (s *server) staffUpdateTemplate(r *http.Request) (adminui.Answer, error) {
	p, err := s.templatePage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	if err := form.CheckVersion(0, p.Version); err != nil {
		return nil, err
	}
	t := p.typedTemplate(form)
	if wrong := s.check(p.kind, t); len(wrong) > 0 {
		p.Form = p.Form.WithInput(form).WithErrors(wrong)
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	if form.Version == p.Version {
		err = s.saveTemplate(r, p, t, false, "Changed the mail: "+p.Title)
	}
	if form.Version != p.Version || errors.Is(err, adminui.ErrStale) {
		return s.templateConflict(r, form)
	}
	if err != nil {
		return nil, err
	}

	return adminui.Done{To: "/mails/templates/" + p.Kind, Text: "Saved. The next mail uses it."}, nil
}

// templateConflict shows another person's version beside the posted one.
func (s *server) templateConflict(r *http.Request, form adminui.PostedForm) (adminui.Answer, error) {
	p, err := s.templatePage(r)
	if err != nil {
		return nil, err
	}
	last := p.Versions[0]
	p.Form = p.Form.WithInput(form).Conflict(p.Version, last.SavedBy, last.SavedAt.UTC().Format("15:04 UTC"),
		map[string]string{"subject": p.Subject, "body_text": p.BodyText, "body_html": p.BodyHTML,
			"from_address": p.FromAddress, "bcc_address": p.BccAddress})
	return p.answer(http.StatusConflict), nil
}

// staffBuiltIn restores the built-in template.
func (s *server) staffBuiltIn(r *http.Request) (adminui.Answer, error) {
	p, err := s.templatePage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(0, p.Version); err != nil {
		return nil, err
	}
	if form.Version != p.Version {
		return nil, errStale
	}
	if err := s.saveTemplate(r, p, p.kind.builtIn(), true, "Put the built-in mail back: "+p.Title); err != nil {
		return nil, err
	}
	return adminui.Done{To: "/mails/templates/" + p.Kind, Text: "The built-in template is back."}, nil
}
