package mailer

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// startAt reads when a campaign is to start; the zero time is now.
func startAt(form adminui.PostedForm) (time.Time, adminui.FieldErrors) {
	day, clock := strings.TrimSpace(form.Get("day")), strings.TrimSpace(form.Get("time"))
	if day == "" && clock == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse("2006-01-02 15:04", day+" "+clock)
	switch {
	case err != nil:
		return at, adminui.FieldErrors{"day": "Enter a day and a time such as 08:30, or neither."}
	case at.Before(time.Now()), at.After(time.Now().AddDate(1, 0, 0)):
		return at, adminui.FieldErrors{"day": "Choose a time within the next year."}
	}
	return at, nil
}

// staffStartCampaign starts a draft, now or later. More than a hundred receivers, or a later start,
// require the right to send to many.
func (s *server) staffStartCampaign(r *http.Request) (adminui.Answer, error) {
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
	at, wrong := startAt(form)
	if len(wrong) > 0 {
		p.Start = p.Start.WithInput(form).WithErrors(wrong)
		return p.answer(http.StatusUnprocessableEntity), nil
	}

	if wrong := checkCampaign(p.Campaign); len(wrong) > 0 && p.Draft {
		p.Form = p.Form.WithErrors(wrong)
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	var in people
	if at.IsZero() && p.Draft {
		if in, err = s.peopleIn(r.Context(), p.Campaign); err != nil {
			return p.refuseUnasked(r, form, err)
		}
	}

	receivers := 0
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		receivers, err = s.startCampaign(r, tx, p.Campaign, in, form.Version, at)
		return err
	})
	if errors.Is(err, errNoReceivers) {
		p.Start = p.Start.WithInput(form).WithErrors(adminui.FieldErrors{"": noReceivers})
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	if err != nil {
		return nil, err
	}

	s.wakeSender()
	if !at.IsZero() {
		return adminui.Done{To: p.Campaign.path(),
			Text: "It starts on " + at.Format("2 January 2006, 15:04 UTC") + "."}, nil
	}

	return adminui.Done{To: p.Campaign.path(), Text: fmt.Sprintf("Started, to %d receivers.", receivers)}, nil
}

// refuseUnasked answers that an owner could not be asked who is in the segment.
func (p campaignPage) refuseUnasked(r *http.Request, form adminui.PostedForm, err error) (adminui.Answer, error) {
	if pg.IsUnavailable(err) {
		return nil, err
	}
	web.Note(r, "segment_error", err.Error())
	p.Start = p.Start.WithInput(form).WithErrors(adminui.FieldErrors{
		"": "The people in its segment cannot be counted just now. Please try again."})
	return p.answer(http.StatusServiceUnavailable), nil
}

// errNoReceivers is about a campaign that does not start because it has no receivers.
var errNoReceivers = errors.New("the campaign has no receivers")

// startCampaign is the transaction of staffStartCampaign. asked is the version whose segment was
// looked up.
func (s *server) startCampaign(r *http.Request, tx pgx.Tx, asked campaign, in people, version int64,
	at time.Time) (receivers int, err error) {
	c, err := lockCampaign(r.Context(), tx, asked.ID)
	if err != nil {
		return 0, err
	}
	if c.State != campaignDraft || c.Version != version || c.Version != asked.Version {
		return 0, errStale
	}

	who, state, text := adminui.Who(r), campaignRunning, "Started the campaign "+c.Name
	if !at.IsZero() {
		state, text = campaignScheduled, "Scheduled the campaign "+c.Name
	}
	if _, err := moveCampaign(r.Context(), tx, c.ID, state, at, who.Name, campaignDraft); err != nil {
		return 0, err
	}
	if at.IsZero() {
		if receivers, err = s.launch(r.Context(), tx, c, in); err == nil && receivers == 0 {
			err = errNoReceivers
		}
		if err != nil {
			return 0, err
		}
	}

	action := adminui.CampaignsEdit
	if receivers > fewReceivers || !at.IsZero() {
		action = adminui.CampaignsSend
		if err := adminui.Require(who, action); err != nil {
			return 0, err
		}
	}

	return receivers, recordCampaign(r, tx, c, action, text,
		map[string]any{"state": state, "receivers": receivers, "at": at})
}

// campaignMove is a command on a started or scheduled campaign.
type campaignMove struct {
	to, text string
	from     []string
	mails    func(s *server, r *http.Request, tx pgx.Tx, id int64) error
}

var campaignMoves = map[string]campaignMove{
	"pause": {to: campaignPaused, text: "Paused", from: []string{campaignRunning},
		mails: func(_ *server, r *http.Request, tx pgx.Tx, id int64) error { return pauseMails(r.Context(), tx, id) }},
	"resume": {to: campaignRunning, text: "Went on with", from: []string{campaignPaused},
		mails: func(_ *server, r *http.Request, tx pgx.Tx, id int64) error { return resumeMails(r.Context(), tx, id) }},
	"stop": {to: campaignStopped, text: "Stopped", from: []string{campaignRunning, campaignPaused},
		mails: func(_ *server, r *http.Request, tx pgx.Tx, id int64) error {
			return deleteMails(r.Context(), tx, id)
		}},
	"unschedule": {to: campaignDraft, text: "Took back", from: []string{campaignScheduled},
		mails: func(*server, *http.Request, pgx.Tx, int64) error { return nil }},
}

// staffMoveCampaign pauses, resumes, stops or takes back a campaign.
func (s *server) staffMoveCampaign(r *http.Request) (adminui.Answer, error) {
	c, err := s.campaignFromPath(r)
	if err != nil {
		return nil, err
	}
	move, known := campaignMoves[adminui.Param(r, "move")]
	if !known {
		return nil, web.NotFound()
	}

	if _, err := adminui.ReadForm(r); err != nil {
		return nil, err
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if _, err := lockCampaign(r.Context(), tx, c.ID); err != nil {
			return err
		}
		moved, err := moveCampaign(r.Context(), tx, c.ID, move.to, time.Time{}, adminui.Who(r).Name, move.from...)
		if err == nil && !moved {
			err = errStale
		}
		if err != nil {
			return err
		}
		if err := move.mails(s, r, tx, c.ID); err != nil {
			return err
		}
		return recordCampaign(r, tx, c, adminui.CampaignsEdit, move.text+" the campaign "+c.Name,
			map[string]any{"state": move.to})
	})
	if err != nil {
		return nil, err
	}

	s.wakeSender()
	return adminui.Done{To: c.path(), Text: move.text + " it."}, nil
}

// staffTestCampaign mails the saved draft to an address that the person enters, filled as for a
// receiver or a sample.
func (s *server) staffTestCampaign(r *http.Request) (adminui.Answer, error) {
	p, err := s.campaignPage(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}

	refuse := func(field, text string) (adminui.Answer, error) {
		p.Test = p.Test.WithInput(form).WithErrors(adminui.FieldErrors{field: text})
		return p.answer(http.StatusUnprocessableEntity), nil
	}
	to, err := parseAddress(strings.TrimSpace(form.Get("to")))
	if err != nil {
		return refuse("to", "This is not an address.")
	}

	reader, found, err := s.reader(r.Context(), p.Campaign, form.Get("reader"))
	if err != nil {
		return nil, err
	}
	if !found {
		return refuse("reader", noReader)
	}

	once := form.Get("once")
	if !isOnce(once) {
		return nil, web.BadRequest("once")
	}
	d, written, err := s.testOf(p.Campaign, reader, to.Address, once)
	if err != nil {
		return nil, err
	}

	d, err = s.storeTest(r, p.Campaign, d, written)
	if err != nil {
		return nil, err
	}
	if d.state == stateSuppressed {
		return refuse("to", "Too many tests. Please wait an hour.")
	}

	s.wakeSender()
	return adminui.Done{To: p.Campaign.path(), Text: "The test is on its way."}, nil
}

// storeTest stores a test unless its address has had too many, and the act with it. It returns the
// test with the state that it has now.
func (s *server) storeTest(r *http.Request, c campaign, d newDelivery, written content) (newDelivery, error) {
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		fresh := []newDelivery{d}
		if err := s.suppress(r.Context(), tx, fresh); err != nil {
			return err
		}
		d = fresh[0]
		if d.state == stateSuppressed {
			return nil
		}

		stored, err := insertTest(r.Context(), tx, d, written.marshal(), written.subject)
		if err != nil || !stored {
			return err
		}
		return recordCampaign(r, tx, c, adminui.CampaignsEdit, "Sent a test of the campaign "+c.Name, nil)
	})
	return d, err
}
