package events

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// newAdCode returns a random code for the links of an ad.
func newAdCode() string { return random.Code(20) }

// name is what people call the ad.
func (a ad) name() string {
	for _, text := range []string{a.Title, a.Headline1, a.Code} {
		if text != "" {
			return text
		}
	}
	return "Ad " + web.ID(a.ID)
}

// path is the ad's page.
func (a ad) path() string { return "/ads/" + web.ID(a.ID) }

// link is the address that the ad leads to, with the ad's code and without any other ad's; "" while
// it has none.
func (a ad) link() string {
	u, err := url.Parse(a.FinalURL)
	if err != nil || a.FinalURL == "" || a.Code == "" {
		return ""
	}
	parts := []string{"ad_cd=" + a.Code}
	for _, more := range []string{strings.Trim(a.Suffix, "?&"), u.RawQuery} {
		kept := slices.DeleteFunc(strings.Split(more, "&"), func(parameter string) bool {
			name, _, _ := strings.Cut(parameter, "=")
			return parameter == "" || name == "ad_cd"
		})
		parts = append(kept, parts...)
	}
	u.RawQuery = strings.Join(parts, "&")
	return u.String()
}

func (a ad) badge() adminui.Badge {
	switch a.Status {
	case "Running":
		return adminui.Badge{Text: a.Status, Tone: "good"}
	case "Ready":
		return adminui.Badge{Text: a.Status, Tone: "warn"}
	}
	return adminui.Badge{Text: a.Status}
}

var adColumns = []adminui.Column[adFigures]{
	{Title: "Ad", Value: func(a adFigures) any { return adminui.Link{Text: a.name(), To: a.path()} }},
	{Title: "Kind", Minor: true, Value: func(a adFigures) any { return a.Type }},
	{Title: "Status", Value: func(a adFigures) any { return a.badge() }},
	{Title: "Code", Minor: true, Value: func(a adFigures) any { return a.Code }},
	{Title: "Link", Minor: true, Value: func(a adFigures) any { return a.link() }},
	{Title: "Clicks", Value: func(a adFigures) any { return a.Clicks }},
	{Title: "Visits", Minor: true, Value: func(a adFigures) any { return a.Visits }},
	{Title: "Orders", Value: func(a adFigures) any { return a.Orders }},
	{Title: "Sales", Value: func(a adFigures) any { return a.Sales }},
}

// adsData is the list of ads.
type adsData struct {
	Period period         `json:"period"`
	Ads    []adFigures    `json:"ads"`
	Next   string         `json:"next,omitempty"`
	Picker adminui.Period `json:"-"`
}

// staffAds lists ads, newest first, with what they brought in some days.
func (s *server) staffAds(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"status", "from", "to"}})
	if err != nil {
		return nil, err
	}

	now := time.Now()
	p, err := readPeriod(&listing, now)
	if err != nil {
		return nil, err
	}
	before, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}

	statuses, err := adStatuses(r.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	ads, err := listAds(r.Context(), s.pool, adsWanted{
		Status: listing.Chosen["status"],
		Search: listing.Search,
		From:   p.From,
		To:     p.To,
		Before: before,
		Rows:   listing.Rows + 1,
	})
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "ads", adColumns, ads, func(a adFigures) any { return a.ID })
	table.Problems = nil // the picker shows them
	chosen := listing.Chosen["status"]
	table.Tabs = []adminui.Tab{{Title: "All", To: listing.With("status", ""), Count: -1, Active: chosen == ""}}
	for _, st := range statuses {
		table.Tabs = append(table.Tabs, adminui.Tab{
			Title:  st.Title,
			To:     listing.With("status", st.Title),
			Count:  -1,
			Active: chosen == st.Title,
		})
	}
	table.WithSearch(listing, "Name, headline, code, campaign, address")
	table.Empty, table.Labelled = "No matching ads.", true

	data := adsData{Period: p, Ads: ads[:len(table.Rows)], Next: table.Next, Picker: p.picker(listing, "/ads", now)}
	for _, name := range []string{"status", "q"} {
		if value := r.URL.Query().Get(name); value != "" {
			data.Picker.Kept = append(data.Picker.Kept, adminui.Option{Value: name, Text: value})
		}
	}

	return adminui.Page{Title: "Ads", Template: "ads.html", Data: data, Table: table}, nil
}

// adData is one ad with what it brought.
type adData struct {
	Ad     ad          `json:"ad"`
	Link   string      `json:"link"`
	Clicks int64       `json:"clicks"`
	Period period      `json:"period"`
	Days   []adDay     `json:"days"`
	Orders []lastOrder `json:"orders"`

	Picker  adminui.Period   `json:"-"`
	Figures []adminui.Figure `json:"-"`
	Charts  []adminui.Chart  `json:"-"`
	Form    adminui.Form     `json:"-"`
	Badge   adminui.Badge    `json:"-"`
}

// adFromPath is the ad that the path names.
func (s *server) adFromPath(r *http.Request) (ad, error) {
	id, err := adminui.ParamID(r, "id")
	if err != nil {
		return ad{}, err
	}
	return web.OrNotFound(readAd(r.Context(), s.pool, id))
}

func (s *server) staffAd(r *http.Request) (adminui.Answer, error) {
	a, err := s.adFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := s.adForm(r, a)
	if err != nil {
		return nil, err
	}
	return s.showAd(r, a, form, http.StatusOK)
}

// showAd shows an ad with its figures, and the form to change it.
func (s *server) showAd(r *http.Request, a ad, form adminui.Form, status int) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"from", "to"}})
	if err != nil {
		return nil, err
	}

	now := time.Now()
	data := adData{Ad: a, Link: a.link(), Form: form, Badge: a.badge()}
	if data.Period, err = readPeriod(&listing, now); err != nil {
		return nil, err
	}
	p := data.Period

	if data.Clicks, err = readAdClicks(r.Context(), s.pool, a.ID, p.From, p.To); err != nil {
		return nil, err
	}
	clicksBefore, err := readAdClicks(r.Context(), s.pool, a.ID, p.BeforeFrom, p.BeforeTo)
	if err != nil {
		return nil, err
	}
	days, err := readAdDays(r.Context(), s.pool, a.Code, p.BeforeFrom, p.To)
	if err != nil {
		return nil, err
	}
	if data.Orders, err = readAdOrders(r.Context(), s.pool, a.Code); err != nil {
		return nil, err
	}

	data.Picker, data.Days = p.picker(listing, a.path(), now), days[p.days():]
	data.describe(days, clicksBefore)
	table := adminui.NewTable(listing, "ad-orders", lastOrderColumns, data.Orders,
		func(o lastOrder) any { return o.Identifier })
	table.Empty, table.Problems = "No orders yet.", nil // the picker shows them
	return adminui.Page{Title: a.name(), Template: "ad.html", Data: data, Table: table, Status: status}, nil
}

// describe fills in the figures and charts of an ad's days, compared with the days before.
func (d *adData) describe(days []adDay, clicksBefore int64) {
	asTotals := make([]dayTotals, len(days))
	var now, before totals
	for i, day := range days {
		asTotals[i] = dayTotals{Day: day.Day, totals: totals{Visits: day.Visits, Orders: day.Orders, Sales: day.Sales}}
		if i < d.Period.days() {
			before.add(asTotals[i].totals)
		} else {
			now.add(asTotals[i].totals)
		}
	}

	d.Figures = []adminui.Figure{
		adminui.NewFigure("Clicks", d.Clicks, clicksBefore, adminui.Count),
		adminui.NewFigure("Visits", now.Visits, before.Visits, adminui.Count),
		adminui.NewFigure("Orders", now.Orders, before.Orders, adminui.Count),
		adminui.NewFigure("Sales", int64(now.Sales), int64(before.Sales), amount),
	}

	report := reportData{Period: d.Period, Days: asTotals[d.Period.days():], Picker: d.Picker}
	d.Charts = []adminui.Chart{visitsChart.draw(report, asTotals[:d.Period.days()]),
		salesChart.draw(report, asTotals[:d.Period.days()])}
}

// adFields are the fields of an ad's form with their longest values, in characters.
var adFields = []struct {
	field adminui.Field
	of    func(*ad) *string
}{
	{adminui.Field{Name: "title", Label: "Name", MaxLength: 100, Hint: "Only for you. The first headline if empty."},
		func(a *ad) *string { return &a.Title }},
	{adminui.Field{Name: "final_url", Label: "Leads to", MaxLength: 100, Required: true,
		Hint: "A full address of the shop, such as https://…"},
		func(a *ad) *string { return &a.FinalURL }},
	{adminui.Field{Name: "final_url_suffix", Label: "Parameters of the address", MaxLength: 100,
		Hint: "Such as utm_source=letter"},
		func(a *ad) *string { return &a.Suffix }},
	{adminui.Field{Name: "headline_1", Label: "Headline", MaxLength: 30}, func(a *ad) *string { return &a.Headline1 }},
	{adminui.Field{Name: "headline_2", Label: "Second headline", MaxLength: 30},
		func(a *ad) *string { return &a.Headline2 }},
	{adminui.Field{Name: "headline_3", Label: "Third headline", MaxLength: 30},
		func(a *ad) *string { return &a.Headline3 }},
	{adminui.Field{Name: "description_1", Label: "Description", MaxLength: 90},
		func(a *ad) *string { return &a.Description1 }},
	{adminui.Field{Name: "description_2", Label: "Second description", MaxLength: 90},
		func(a *ad) *string { return &a.Description2 }},
	{adminui.Field{Name: "campaignid", Label: "Campaign there", MaxLength: 100},
		func(a *ad) *string { return &a.Campaign }},
	{adminui.Field{Name: "adgroupid", Label: "Group there", MaxLength: 100}, func(a *ad) *string { return &a.Group }},
	{adminui.Field{Name: "adid", Label: "Number there", MaxLength: 100}, func(a *ad) *string { return &a.AdID }},
}

// adForm is the form with all fields of an ad.
func (s *server) adForm(r *http.Request, a ad) (adminui.Form, error) {
	form := adminui.Form{Action: "/ads", Submit: "Add the ad", Cancel: "/ads", Version: a.Version}
	if a.ID != 0 {
		form.Action, form.Submit, form.Cancel = a.path(), "Save", ""
	}

	for _, f := range adFields {
		field := f.field
		field.Kind, field.Value = "text", *f.of(&a)
		form.Fields = append(form.Fields, field)
	}

	for _, choice := range []struct {
		name, label string
		value       int64
		read        func() ([]namedID, error)
	}{
		{name: "type", label: "Where", value: a.TypeID,
			read: func() ([]namedID, error) { return adTypes(r.Context(), s.pool) }},
		{name: "status", label: "Status", value: a.StatusID,
			read: func() ([]namedID, error) { return adStatuses(r.Context(), s.pool) }},
	} {
		list, err := choice.read()
		if err != nil {
			return form, err
		}
		field := adminui.Field{
			Name:  choice.name,
			Label: choice.label,
			Kind:  "choice",
			Value: web.ID(choice.value),
		}
		for _, n := range list {
			field.Options = append(field.Options, adminui.Option{Value: web.ID(n.ID), Text: n.Title})
		}
		form.Fields = append(form.Fields, field)
	}

	return form, nil
}

// readAdForm reads a posted form into an ad, and returns what is wrong with it.
func readAdForm(form adminui.PostedForm, shown adminui.Form, a ad) (ad, adminui.FieldErrors) {
	wrong := adminui.FieldErrors{}
	for _, f := range adFields {
		value := strings.TrimSpace(form.Get(f.field.Name))
		if utf8.RuneCountInString(value) > f.field.MaxLength {
			wrong[f.field.Name] = fmt.Sprintf("Enter at most %d characters.", f.field.MaxLength)
		}
		*f.of(&a) = value
	}

	if u, err := url.Parse(a.FinalURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		wrong["final_url"] = "Enter a full address, such as https://shop.example/."
	}
	if _, err := url.ParseQuery(a.Suffix); err != nil || strings.ContainsAny(a.Suffix, " #") {
		wrong["final_url_suffix"] = "These are not address parameters."
	}

	for _, field := range shown.Fields {
		into := map[string]*int64{"type": &a.TypeID, "status": &a.StatusID}[field.Name]
		if into == nil {
			continue
		}
		wrong[field.Name] = "Choose one of these."
		for _, o := range field.Options {
			if o.Value == form.Get(field.Name) {
				*into, _ = strconv.ParseInt(o.Value, 10, 64) //nolint:errcheck // formatted from a number
				delete(wrong, field.Name)
			}
		}
	}

	return a, wrong
}

func (s *server) staffNewAd(r *http.Request) (adminui.Answer, error) {
	form, err := s.adForm(r, ad{TypeID: 1, StatusID: 1})
	return adForms("New ad", form, http.StatusOK), err
}

func adForms(title string, form adminui.Form, status int) adminui.Page {
	return adminui.Page{
		Title:    title,
		Template: "ad-form.html",
		Status:   status,
		Narrow:   true,
		Data:     adData{Days: []adDay{}, Orders: []lastOrder{}, Form: form},
	}
}

// staffCreateAd adds an ad and shows it with its link.
func (s *server) staffCreateAd(r *http.Request) (adminui.Answer, error) {
	posted, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	shown, err := s.adForm(r, ad{})
	if err != nil {
		return nil, err
	}

	a, wrong := readAdForm(posted, shown, ad{})
	if len(wrong) > 0 {
		return adForms("New ad", shown.WithInput(posted).WithErrors(wrong), http.StatusUnprocessableEntity), nil
	}

	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		a.Code = newAdCode()
		if a.ID, err = insertAd(r.Context(), tx, a, a.Code); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.AdsEdit,
			Kind:   "ad",
			Key:    web.ID(a.ID),
			Text:   "Added the ad " + a.name(),
			After:  a,
		})
	})

	return adminui.Done{To: a.path(), Text: "The ad has its code. Copy the link below."}, err
}

// staffUpdateAd changes an ad of the version that the form showed.
func (s *server) staffUpdateAd(r *http.Request) (adminui.Answer, error) {
	was, err := s.adFromPath(r)
	if err != nil {
		return nil, err
	}

	posted, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	if err := posted.CheckVersion(1, was.Version); err != nil {
		return nil, err
	}

	shown, err := s.adForm(r, was)
	if err != nil {
		return nil, err
	}
	a, wrong := readAdForm(posted, shown, was)
	if len(wrong) > 0 {
		shown.Version = posted.Version
		return s.showAd(r, was, shown.WithInput(posted).WithErrors(wrong), http.StatusUnprocessableEntity)
	}

	a.Version = posted.Version
	changed := false
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if changed, err = updateAd(r.Context(), tx, a); err != nil || !changed {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.AdsEdit,
			Kind:   "ad",
			Key:    web.ID(a.ID),
			Text:   "Changed the ad " + a.name(),
			Before: was,
			After:  a,
		})
	})

	if err != nil || changed {
		return adminui.Done{To: a.path(), Text: "Saved."}, err
	}
	return s.adConflict(r, shown.WithInput(posted))
}

// adConflict shows what another person stored next to what was typed.
func (s *server) adConflict(r *http.Request, typed adminui.Form) (adminui.Answer, error) {
	now, err := s.adFromPath(r)
	if err != nil {
		return nil, err
	}
	theirs := map[string]string{"type": web.ID(now.TypeID),
		"status": web.ID(now.StatusID)}
	for _, f := range adFields {
		theirs[f.field.Name] = *f.of(&now)
	}
	form := typed.Conflict(now.Version, "Another person", "the same time", theirs)
	return s.showAd(r, now, form, http.StatusConflict)
}
