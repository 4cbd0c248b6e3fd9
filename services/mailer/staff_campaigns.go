package mailer

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

func (c campaign) path(parts ...string) string {
	return strings.Join(append([]string{"/campaigns", web.ID(c.ID)}, parts...), "/")
}

// Badge is the state as a badge.
func (c campaign) Badge() adminui.Badge {
	tones := map[string]string{campaignRunning: "good", campaignPaused: "warn", campaignStopped: "bad"}
	return adminui.Badge{Text: c.State, Tone: tones[c.State]}
}

var campaignColumnsShown = []adminui.Column[campaign]{
	{Title: "Campaign", Value: func(c campaign) any { return adminui.Link{Text: c.Name, To: c.path()} }},
	{Title: "State", Value: func(c campaign) any { return c.Badge() }},
	{Title: "To", Value: func(c campaign) any { return audienceTitle(c.Audience) }},
	{Title: "Receivers", Value: func(c campaign) any { return c.Receivers }},
	{Title: "Subject", Minor: true, Value: func(c campaign) any { return c.Subject }},
	{Title: "Started", Minor: true, Value: func(c campaign) any { return c.StartedAt }},
}

var audienceOptions = []adminui.Option{{Value: "members", Text: "Members who want newsletters"},
	{Value: "prospects", Text: "Prospects who have not unsubscribed"}, {Value: "both", Text: "Both, each address once"}}

func audienceTitle(audience string) string {
	i := slices.IndexFunc(audienceOptions, func(o adminui.Option) bool { return o.Value == audience })
	if i < 0 {
		return audience
	}
	return audienceOptions[i].Text
}

// campaignList is the list of campaigns.
type campaignList struct {
	Campaigns []campaign   `json:"campaigns"`
	Next      string       `json:"next,omitempty"`
	New       adminui.Form `json:"-"`
}

func (s *server) staffCampaigns(r *http.Request) (adminui.Answer, error) {
	return s.campaignsPage(r, http.StatusOK, func(f adminui.Form) adminui.Form { return f })
}

// campaignsPage is the list, with the form for a new campaign as change leaves it.
func (s *server) campaignsPage(r *http.Request, status int,
	change func(adminui.Form) adminui.Form) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{})
	if err != nil {
		return nil, err
	}
	before, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}
	list, err := listCampaigns(r.Context(), s.pool, before, listing.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "campaigns", campaignColumnsShown, list, func(c campaign) any { return c.ID })
	table.Empty = "No campaigns yet."
	form := adminui.Form{ID: "new", Action: "/campaigns", Submit: "New campaign", Fields: []adminui.Field{
		{Name: "name", Label: "Name, for you", Kind: "text", Required: true, MaxLength: maxName}}}
	return adminui.Page{Title: "Campaigns", Template: "campaigns.html", Table: table, Live: "staff", Status: status,
		Data: campaignList{Campaigns: list[:len(table.Rows)], Next: table.Next, New: change(form)}}, nil
}

// maxName bounds the name of a campaign, in characters.
const maxName = 100

// staffCreateCampaign creates a draft with the built-in text.
func (s *server) staffCreateCampaign(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	c := newCampaign()
	if c.Name = strings.TrimSpace(form.Get("name")); c.Name == "" || utf8.RuneCountInString(c.Name) > maxName {
		return s.campaignsPage(r, http.StatusUnprocessableEntity, func(f adminui.Form) adminui.Form {
			return f.WithInput(form).WithErrors(adminui.FieldErrors{
				"name": fmt.Sprintf("Enter 1 to %d characters.", maxName)})
		})
	}
	return s.addCampaign(r, c, "Began the campaign "+c.Name)
}

// newCampaign is a draft with the built-in text.
func newCampaign() campaign {
	words := func(file string) string {
		text, err := templateFiles.ReadFile("templates/" + file)
		if err != nil {
			panic(err) // it is embedded
		}
		return string(text)
	}
	return campaign{Audience: "members", Subject: "News from {shop_name}", BodyText: words("newsletter.txt"),
		BodyHTML: words("newsletter.html")}
}

func (s *server) addCampaign(r *http.Request, c campaign, text string) (adminui.Answer, error) {
	c.ChangedBy = adminui.Who(r).Name
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) (err error) {
		if c.ID, err = insertCampaign(r.Context(), tx, c); err != nil {
			return err
		}
		return recordCampaign(r, tx, c, adminui.CampaignsEdit, text, nil)
	})
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: c.path()}, nil
}

func recordCampaign(r *http.Request, tx pgx.Tx, c campaign, action adminui.Action, text string, after any) error {
	return adminui.Record(r, tx, adminui.Act{Action: action, Kind: "campaign",
		Key: web.ID(c.ID), Text: text,
		Before: map[string]any{"state": c.State, "version": c.Version}, After: after})
}

// staffCopyCampaign creates a draft with the text of another campaign.
func (s *server) staffCopyCampaign(r *http.Request) (adminui.Answer, error) {
	c, err := s.campaignFromPath(r)
	if err != nil {
		return nil, err
	}
	if _, err := adminui.ReadForm(r); err != nil {
		return nil, err
	}
	name := []rune(c.Name + ", again")
	c.Name = string(name[:min(len(name), maxName)])
	return s.addCampaign(r, c, "Began the campaign "+c.Name)
}

// campaignFromPath is the campaign that the path names.
func (s *server) campaignFromPath(r *http.Request) (campaign, error) {
	id, err := adminui.ParamID(r, "id")
	if err != nil {
		return campaign{}, err
	}
	return findCampaign(r.Context(), s.pool, id)
}

// campaignPage is one campaign.
type campaignPage struct {
	Campaign campaign       `json:"campaign"`
	Badge    adminui.Badge  `json:"-"`
	Draft    bool           `json:"-"`
	Result   campaignResult `json:"result"`
	// Uncounted are links of a draft whose visits are not counted.
	Uncounted []string        `json:"links_not_counted,omitempty"`
	Fields    []templateField `json:"-"`
	Form      adminui.Form    `json:"-"`
	Test      adminui.Form    `json:"-"`
	Start     adminui.Form    `json:"-"`
	Copy      adminui.Form    `json:"-"`
	// Commands are the commands on a running campaign.
	Commands []adminui.Form   `json:"-"`
	Facts    []adminui.Detail `json:"-"`
	// Done is the number of its mails that were sent or cannot be sent.
	Done int64 `json:"-"`
}

// readerHint explains the field for the receiver for whom a newsletter is filled.
const readerHint = "A receiver's address; a sample if empty."

// fewReceivers is the most receivers that a campaign may have without the right to send to many.
const fewReceivers = 100

func (s *server) campaignPage(r *http.Request) (p campaignPage, err error) {
	c, err := s.campaignFromPath(r)
	if err != nil {
		return p, err
	}
	p = campaignPage{Campaign: c, Badge: c.Badge(), Draft: c.State == campaignDraft, Fields: newsletterFields}
	if !p.Draft && c.State != campaignScheduled {
		if p.Result, err = resultOf(r.Context(), s.pool, c); err != nil {
			return p, err
		}
		p.Done = max(0, c.Receivers-p.Result.Waiting-p.Result.Dropped)
	}
	if p.Draft {
		p.Uncounted = uncounted(c)
	}

	p.Form = campaignForm(c)
	p.Test = adminui.Form{ID: "test", Action: c.path("test"), Submit: "Send a test", Version: c.Version,
		Fields: []adminui.Field{
			{Name: "to", Label: "To", Kind: "email", Value: s.staffAddress.Address, Required: true, MaxLength: 254},
			{Name: "reader", Label: "As for", Kind: "email", MaxLength: 254, Hint: readerHint},
			{Name: "once", Kind: "hidden", Value: newOnce()}}}
	p.Start = adminui.Form{ID: "start", Action: c.path("start"), Submit: "Start", Version: c.Version, Tone: "bad",
		Fields: []adminui.Field{
			{Name: "day", Label: "Day, for later", Kind: "date", Hint: "Now if empty."},
			{Name: "time", Label: "Time, UTC", Kind: "text", Hint: "Such as 08:30.", MaxLength: 5}}}

	p.Copy = adminui.Form{ID: "copy", Action: c.path("copy"), Submit: "Write a new one from it"}
	p.Commands = campaignCommands(c)
	p.Facts = campaignFacts(c)
	return p, nil
}

func campaignFacts(c campaign) []adminui.Detail {
	facts := []adminui.Detail{{Label: "State", Value: c.Badge()}, {Label: "To", Value: audienceTitle(c.Audience)},
		{Label: "Subject", Value: c.Subject}}
	if words := c.words(); words != "" {
		facts = append(facts, adminui.Detail{Label: "Only people", Value: words})
	}
	if c.State == campaignScheduled {
		facts = append(facts, adminui.Detail{Label: "Starts", Value: c.StartAt})
	}
	if c.Pace > 0 {
		facts = append(facts, adminui.Detail{Label: "Pace", Value: fmt.Sprintf("%d a minute to one domain", c.Pace)})
	}
	return append(facts,
		adminui.Detail{Label: "Started", Value: c.StartedAt},
		adminui.Detail{Label: "Ended", Value: c.EndedAt},
		adminui.Detail{Label: "Code in links", Value: c.Code},
		adminui.Detail{Label: "Last changed by", Value: c.ChangedBy})
}

func campaignCommands(c campaign) (list []adminui.Form) {
	add := func(name, text, tone string) {
		list = append(list, adminui.Form{ID: name, Action: c.path(name), Submit: text, Version: c.Version, Tone: tone})
	}
	switch c.State {
	case campaignScheduled:
		add("unschedule", "Back to a draft", "")
	case campaignRunning:
		add("pause", "Pause", "")
		add("stop", "Stop for good", "bad")
	case campaignPaused:
		add("resume", "Go on", "")
		add("stop", "Stop for good", "bad")
	}
	return list
}

// campaignForm is the editor filled with a campaign.
func campaignForm(c campaign) adminui.Form {
	pace := ""
	if c.Pace > 0 {
		pace = strconv.Itoa(c.Pace)
	}
	return adminui.Form{ID: "campaign", Action: c.path(), Submit: "Save", Version: c.Version, Preview: c.path("frame"),
		Fields: slices.Concat([]adminui.Field{
			{Name: "name", Label: "Name, for you", Kind: "text", Value: c.Name, Required: true, MaxLength: maxName},
			{Name: "audience", Label: "Goes to", Kind: "choice", Value: c.Audience, Options: audienceOptions},
		}, c.fields(), []adminui.Field{
			{Name: "subject", Label: "Subject", Kind: "text", Value: c.Subject, Required: true, MaxLength: maxSubject},
			{Name: "body_text", Label: "Text", Kind: "multiline", Value: c.BodyText, Required: true,
				MaxLength: maxText},
			{Name: "body_html", Label: "HTML", Kind: "multiline", Value: c.BodyHTML, MaxLength: maxHTML,
				Hint: "Without it the mail is plain text."},
			{Name: "from_address", Label: "Sender", Kind: "text", Value: c.FromAddress, MaxLength: maxSenders,
				Hint: "MAIL_FROM if empty."},
			{Name: "pace", Label: "Most mails a minute to one domain", Kind: "number", Value: pace, MaxLength: 6,
				Hint: "As fast as the mail server accepts them if empty."},
			{Name: "reader", Label: "Preview for", Kind: "email", MaxLength: 254,
				Hint: readerHint},
		})}
}

func (p campaignPage) answer(status int) adminui.Page {
	name := "campaign.html"
	if p.Draft {
		name = "campaign-draft.html"
	}
	return adminui.Page{Title: p.Campaign.Name, Template: name, Data: p, Status: status}
}

func (s *server) staffCampaign(r *http.Request) (adminui.Answer, error) {
	p, err := s.campaignPage(r)
	return p.answer(http.StatusOK), err
}

// staffCampaignProgress is the part of a campaign's page that changes while it runs.
func (s *server) staffCampaignProgress(r *http.Request) (adminui.Answer, error) {
	p, err := s.campaignPage(r)
	return adminui.Page{Title: p.Campaign.Name, Template: "campaign-progress.html", Data: p}, err
}

// campaignReceivers is how many people a campaign would go to now. It is a part of its own, as it
// reads all recipients.
type campaignReceivers struct {
	Now int `json:"receivers_now"`
	// Away says that an owner could not be asked about the campaign's segment.
	Away bool `json:"receivers_unknown,omitempty"`
	// Large says that the campaign requires the right to send to many.
	Large     bool `json:"-"`
	Scheduled bool `json:"-"`
}

func (s *server) staffCampaignReceivers(r *http.Request) (adminui.Answer, error) {
	c, err := s.campaignFromPath(r)
	if err != nil {
		return nil, err
	}
	in, err := s.peopleIn(r.Context(), c)
	if err != nil && pg.IsUnavailable(err) {
		return nil, err
	}
	says := campaignReceivers{Scheduled: c.State == campaignScheduled, Away: err != nil}
	if says.Away {
		web.Note(r, "segment_error", err.Error())
	} else {
		list, err := s.receiversOf(r.Context(), s.pool, c, in)
		if err != nil {
			return nil, err
		}
		says.Now, says.Large = len(list), len(list) > fewReceivers
	}
	return adminui.Page{Title: c.Name, Template: "campaign-receivers.html", Data: says}, nil
}

// typedCampaign is the campaign in a posted form, with its invalid fields.
func typedCampaign(c campaign, form adminui.PostedForm) (campaign, adminui.FieldErrors) {
	c.Name, c.Audience = strings.TrimSpace(form.Get("name")), form.Get("audience")
	c.Subject = strings.TrimSpace(form.Text("subject"))
	c.BodyText, c.BodyHTML = form.Text("body_text"), form.Text("body_html")
	c.FromAddress, c.Pace = strings.TrimSpace(form.Get("from_address")), 0
	if strings.TrimSpace(c.BodyHTML) == "" {
		c.BodyHTML = ""
	}
	wrong := checkCampaign(c)
	c.segment = typedSegment(form, wrong)
	if pace := strings.TrimSpace(form.Get("pace")); pace != "" {
		var err error
		if c.Pace, err = strconv.Atoi(pace); err != nil || c.Pace < 1 || c.Pace > 100000 {
			wrong["pace"] = "A number from 1 to 100000, or leave it empty."
		}
	}
	return c, wrong
}

// checkCampaign says what is wrong with the text of a campaign, by field of the form.
func checkCampaign(c campaign) adminui.FieldErrors {
	wrong := adminui.FieldErrors{}
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > maxName {
		wrong["name"] = fmt.Sprintf("It needs a name of at most %d characters.", maxName)
	}
	if audiences[c.Audience] == nil {
		wrong["audience"] = "Choose who gets it."
	}
	names := make([]string, len(newsletterFields))
	for i, f := range newsletterFields {
		names[i] = strings.Trim(f.Name, "{}")
	}
	words := mailTemplate{Subject: c.Subject, BodyText: c.BodyText, BodyHTML: c.BodyHTML, FromAddress: c.FromAddress}
	checkWords(words, names, wrong)
	for name, value := range map[string]string{"body_text": c.BodyText, "body_html": c.BodyHTML} {
		if value != "" && wrong[name] == "" && !unsubscribes(value, c.Audience) {
			wrong[name] = "Every newsletter needs an unsubscribe link: {unsubscribe_link}."
		}
	}
	return wrong
}

// unsubscribes reports whether a text holds a link to unsubscribe: the one for all receivers, or
// one with the token of one kind.
func unsubscribes(text, audience string) bool {
	return strings.Contains(text, "{unsubscribe_link}") || audience == "members" && strings.Contains(text, "{token}") ||
		audience == "prospects" && strings.Contains(text, "{pr_token}")
}

func (s *server) staffUpdateCampaign(r *http.Request) (adminui.Answer, error) {
	p, err := s.campaignPage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	if err := form.CheckVersion(1, p.Campaign.Version); err != nil {
		return nil, err
	}
	typed, wrong := typedCampaign(p.Campaign, form)
	if p.Draft {
		s.checkKnown(r.Context(), typed.segment, wrong)
	}
	if len(wrong) > 0 && p.Draft {
		p.Form = p.Form.WithInput(form).WithErrors(wrong)
		return p.answer(http.StatusUnprocessableEntity), nil
	}

	typed.ChangedBy = adminui.Who(r).Name
	stale := false
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		now, err := lockCampaign(r.Context(), tx, p.Campaign.ID)
		if err != nil {
			return err
		}
		if stale = now.Version != form.Version || now.State != campaignDraft; stale {
			return nil
		}
		if err := updateCampaign(r.Context(), tx, typed); err != nil {
			return err
		}
		return recordCampaign(r, tx, now, adminui.CampaignsEdit, "Changed the campaign "+typed.Name,
			map[string]any{"version": now.Version + 1, "subject": typed.Subject})
	})
	if err != nil {
		return nil, err
	}
	if stale {
		return s.campaignConflict(r, form)
	}

	return adminui.Done{To: typed.path(), Text: "Saved."}, nil
}

// campaignConflict shows another person's version of a draft beside the posted one.
func (s *server) campaignConflict(r *http.Request, form adminui.PostedForm) (adminui.Answer, error) {
	p, err := s.campaignPage(r)
	if err != nil {
		return nil, err
	}
	c := p.Campaign
	theirs := map[string]string{}
	for _, f := range p.Form.Fields {
		if f.Name != "reader" {
			theirs[f.Name] = f.Value
		}
	}
	p.Form = p.Form.WithInput(form).Conflict(c.Version, c.ChangedBy, c.ChangedAt.UTC().Format("15:04 UTC"), theirs)
	p.Draft = true // the posted text is shown, even if the campaign was started in the meantime
	return p.answer(http.StatusConflict), nil
}
