package mailer

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const mailsRunbook = "parked-messages"

// staffMail is a mail of the ledger. Its receivers are known by hashes alone, and its content is nothing
// that a list needs.
type staffMail struct {
	ID       int64     `json:"id"`
	Key      string    `json:"key"`
	Kind     string    `json:"kind"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty"`
	Reply    string    `json:"smtp_reply,omitempty"`
	Attempts int       `json:"attempts"`
	Maybe    bool      `json:"maybe_sent"`
	CanSend  bool      `json:"can_send"`
	At       time.Time `json:"at"`
	DoneAt   time.Time `json:"done_at,omitzero"`
	SeenAt   time.Time `json:"seen_at,omitzero"`
	SeenBy   string    `json:"seen_by,omitempty"`
	Note     string    `json:"note,omitempty"`
}

// waits says whether the mail waits for staff.
func (m staffMail) waits() bool {
	return m.SeenAt.IsZero() && (m.State == stateParked || m.State == stateSuppressed)
}

func (m staffMail) path(parts ...string) string {
	return strings.Join(append([]string{"/mails", strconv.FormatInt(m.ID, 10)}, parts...), "/")
}

// tone is how a state looks.
func tone(state string) string {
	return map[string]string{"sent": "good", stateParked: "bad", stateSuppressed: "warn"}[state]
}

var staffMailColumns = []adminui.Column[staffMail]{
	{Title: "Mail", Value: func(m staffMail) any { return adminui.Link{Text: m.Kind, To: m.path()} }},
	{Title: "State", Value: func(m staffMail) any { return adminui.Badge{Text: m.State, Tone: tone(m.State)} }},
	{Title: "Reason", Value: func(m staffMail) any { return strings.TrimSpace(m.Reason + " " + m.Reply) }},
	{Title: "Key", Minor: true, Value: func(m staffMail) any { return m.Key }},
	{Title: "Tries", Minor: true, Value: func(m staffMail) any { return m.Attempts }},
	{Title: "Made", Value: func(m staffMail) any { return m.At }},
}

// mailStates are the views of the list; parked is what it opens with.
var mailStates = []string{stateParked, stateSuppressed, stateQueued, "sent"}

func (s *server) staffMails(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.Listing{Filters: []string{"state"}})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](ask)
	if err != nil {
		return nil, err
	}
	state := ask.Chosen["state"]
	if state == "" {
		state = stateParked
	}
	if !slices.Contains(mailStates, state) {
		return nil, web.BadRequest("state")
	}
	list, err := listStaffMails(r.Context(), s.pool, state, after, ask.Rows+1)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(ask, "mails", staffMailColumns, list, func(m staffMail) any { return m.ID })
	for _, name := range mailStates {
		table.Tabs = append(table.Tabs, adminui.Tab{Title: strings.ToUpper(name[:1]) + name[1:],
			To: ask.With("state", name), Count: -1,
			Active: name == state})
	}
	table.Empty = "No mails here."
	if (state == stateParked || state == stateSuppressed) && adminui.Who(r).May(adminui.MailsAct) {
		table.Bulk = []adminui.Command{{Text: "Send again", To: "/mails/send"}}
	}
	return adminui.Page{Title: "Mails", Data: struct {
		Mails []staffMail `json:"mails"`
		Next  string      `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table, Live: "mail"}, nil
}

// mailPage is one mail.
type mailPage struct {
	Mail    staffMail        `json:"mail"`
	Waits   bool             `json:"waits"`
	Facts   []adminui.Detail `json:"-"`
	Send    adminui.Form     `json:"-"`
	Drop    adminui.Form     `json:"-"`
	Runbook string           `json:"runbook"`
}

func (s *server) mailPage(r *http.Request) (mailPage, error) {
	number, err := strconv.ParseInt(adminui.Param(r, "id"), 10, 64)
	if err != nil {
		return mailPage{}, web.NotFound()
	}
	m, found, err := findStaffMail(r.Context(), s.pool, number)
	if err == nil && !found {
		err = web.NotFound()
	}
	page := mailPage{Mail: m, Waits: m.waits(), Runbook: adminui.Runbook(mailsRunbook)}
	page.Facts = []adminui.Detail{{Label: "State", Value: adminui.Badge{Text: m.State, Tone: tone(m.State)}},
		{Label: "Made", Value: m.At}, {Label: "Ended", Value: m.DoneAt}, {Label: "Tries", Value: m.Attempts},
		{Label: "Reason", Value: m.Reason}, {Label: "Server's words", Value: m.Reply}, {Label: "Key", Value: m.Key}}
	if m.Maybe {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Careful", Value: "The server may have taken it."})
	}
	if !m.SeenAt.IsZero() {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Seen to", Value: m.SeenAt},
			adminui.Detail{Label: "By", Value: m.SeenBy},
			adminui.Detail{Label: "Note", Value: m.Note})
	}
	page.Send = adminui.Form{ID: "send", Action: m.path("send"), Submit: "Send it again"}
	page.Drop = adminui.Form{ID: "drop", Action: m.path("drop"), Submit: "Drop it", Tone: "bad",
		Fields: []adminui.Field{adminui.NoteField("Why it need not be sent")}}
	return page, err
}

func (p mailPage) answer(status int) adminui.Page {
	return adminui.Page{Title: "Mail: " + p.Mail.Kind, Template: "mail.html", Data: p, Status: status}
}

func (s *server) staffMail(r *http.Request) (adminui.Answer, error) {
	page, err := s.mailPage(r)
	return page.answer(http.StatusOK), err
}

// errSeenTo says that a mail waits no longer.
func errSeenTo(id int64) error {
	return &web.Error{Status: http.StatusConflict, Code: "seen-to", Err: fmt.Errorf("mail %d does not wait", id)}
}

// sendAgain makes a mail due, and says so in the log of what the staff did.
func (s *server) sendAgain(r *http.Request, m staffMail) (done bool, err error) {
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if done, err = requeue(r.Context(), tx, m.ID); err != nil || !done {
			return err
		}
		return recordMail(r, tx, m, "Sent again: "+m.Kind)
	})
	if done {
		s.wakeSender()
	}
	return done, err
}

// recordMail notes an act in the log of what the staff did. A person's note stays out of it: the mail's row has it.
func recordMail(r *http.Request, tx pgx.Tx, m staffMail, text string) error {
	who := adminui.Who(r)
	who.Request += ":" + strconv.FormatInt(m.ID, 10) // one request may be about many
	return adminui.RecordAs(r.Context(), tx, who, adminui.Act{Action: adminui.MailsAct, Kind: "mail", Key: m.Key,
		Text: text, Before: map[string]any{"state": m.State}})
}

func (s *server) staffSend(r *http.Request) (adminui.Answer, error) {
	page, err := s.mailPage(r)
	if err != nil {
		return nil, err
	}
	if _, err := adminui.ReadForm(r); err != nil {
		return nil, err
	}
	done, err := s.sendAgain(r, page.Mail)
	if err == nil && !done {
		err = errSeenTo(page.Mail.ID)
	}
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: page.Mail.path(), Text: "It is sent again."}, nil
}

// sendMost is how many mails one command sends again.
const sendMost = 500

func (s *server) staffSendMany(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	ids := form.Values.Values["id"]
	if len(ids) == 0 || len(ids) > sendMost {
		return nil, web.BadRequest("id")
	}
	sent := 0
	for _, text := range ids {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, web.BadRequest("id")
		}
		m, found, err := findStaffMail(r.Context(), s.pool, number)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		done, err := s.sendAgain(r, m)
		if err != nil {
			return nil, err
		}
		if done {
			sent++
		}
	}
	return adminui.Done{To: "/mails", Text: fmt.Sprintf("%d of %d mails are sent again.", sent, len(ids))}, nil
}

// staffDrop notes that a mail need not be sent, and why.
func (s *server) staffDrop(r *http.Request) (adminui.Answer, error) {
	page, err := s.mailPage(r)
	if err != nil {
		return nil, err
	}
	note, wrong, err := page.Drop.ReadNote(r)
	if err != nil {
		return nil, err
	}
	if wrong != nil {
		page.Drop = *wrong
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		done, err := dropMail(r.Context(), tx, page.Mail.ID, adminui.Who(r).Name, note)
		if err == nil && !done {
			err = errSeenTo(page.Mail.ID)
		}
		if err != nil {
			return err
		}
		return recordMail(r, tx, page.Mail, "Dropped: "+page.Mail.Kind)
	})
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/work", Text: "Dropped."}, nil
}

// work is the mails that wait for a person, with up to shown of them.
func (s *server) work(ctx context.Context, shown int) ([]adminui.WorkKind, error) {
	k := adminui.WorkKind{Name: "parked-mails", Title: "Mails that could not be sent", To: "/mails",
		Runbook: mailsRunbook}
	count, oldest, err := countParkedMails(ctx, s.pool)
	k.Count, k.Oldest = count, oldest
	if err != nil || min(int64(shown), count) == 0 {
		return []adminui.WorkKind{k}, err
	}
	list, err := listStaffMails(ctx, s.pool, stateParked, 0, shown)
	for _, m := range list {
		item := adminui.WorkItem{Key: strconv.FormatInt(m.ID, 10), Title: m.Kind,
			Reason: strings.TrimSpace(m.Reason + " " + m.Reply),
			Since:  m.DoneAt, To: m.path()}
		if m.CanSend {
			item.Commands = []adminui.Command{{Text: "Send again", To: m.path("send")}}
		}
		k.Items = append(k.Items, item)
	}
	return []adminui.WorkKind{k}, err
}

// trail is the mails that some keys stand for: their own, or an address.
func (s *server) trail(ctx context.Context, keys []string) (t adminui.Trail, err error) {
	var hashes []string
	for _, key := range keys {
		if strings.Contains(key, "@") {
			hashes = append(hashes, s.hash(key))
		}
	}
	mails, err := mailsOf(ctx, s.pool, keys, hashes)
	for _, m := range mails {
		t.Hops = append(t.Hops, adminui.Hop{At: m.QueuedAt, Step: "mail", Text: "Mail " + m.Kind + " was accepted.",
			About:   m.Key,
			Message: m.Key, Attempt: m.Attempts, State: m.State, Tone: tone(m.State), To: m.path()})
		if !m.DoneAt.IsZero() {
			t.Hops = append(t.Hops, adminui.Hop{At: m.DoneAt, Step: "mail-" + m.State,
				Text:  "Mail " + m.Kind + ": " + m.State + ".",
				About: m.Key, Message: m.Key, Attempt: m.Attempts, State: m.Reply, Tone: tone(m.State), To: m.path()})
		}
		t.Keys = append(t.Keys, m.Key, "mail.sent:"+m.Key)
	}
	return t, err
}
