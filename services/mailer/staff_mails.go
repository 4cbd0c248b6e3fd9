package mailer

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

const mailsRunbook = "parked-messages"

// staffMail is a mail of the ledger as staff see it.
type staffMail struct {
	ID      int64  `json:"id"`
	Key     string `json:"key"`
	Kind    string `json:"kind"`
	State   string `json:"state"`
	Subject string `json:"subject,omitempty"`
	// To are the receivers, for as long as the content is kept; the ledger itself has only their
	// hashes.
	To       []string  `db:"-" json:"to,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Reply    string    `json:"smtp_reply,omitempty"`
	Attempts int       `json:"attempts"`
	Maybe    bool      `json:"maybe_sent"`
	Kept     bool      `json:"content_kept"`
	At       time.Time `json:"at"`
	QueuedAt time.Time `json:"queued_at"`
	DoneAt   time.Time `json:"done_at,omitzero"`
	SeenAt   time.Time `json:"seen_at,omitzero"`
	SeenBy   string    `json:"seen_by,omitempty"`
	Note     string    `json:"note,omitempty"`

	OrderIdentifier string `json:"order,omitempty"`
	MemberID        int64  `json:"member,omitempty"`
	// AgainOf is the mail that this one is a copy of.
	AgainOf    int64  `json:"again_of,omitempty"`
	Newsletter int64  `json:"-"`
	Payload    []byte `json:"-"`
	// Bounced is the status (RFC 3463) of a report that the mail came back after it was sent.
	// Unreachable says that no newsletter goes to one of its addresses, because of this mail or
	// another.
	Bounced     string `json:"bounced,omitempty"`
	Unreachable bool   `json:"unreachable,omitempty"`
}

// waits reports whether the mail waits for staff.
func (m staffMail) waits() bool {
	return m.SeenAt.IsZero() && (m.State == stateParked || m.State == stateSuppressed)
}

// CanSend reports whether staff may send it: an unsent mail, or a copy of a sent one. A newsletter
// goes to a person once.
func (m staffMail) CanSend() bool {
	return m.Kept && (m.State == stateParked || m.State == stateSuppressed || m.State == stateSent && m.Newsletter == 0)
}

// Title is the title of its kind.
func (m staffMail) Title() string { return kindTitle(m.Kind) }

// Badge is the state as a badge.
func (m staffMail) Badge() adminui.Badge {
	if m.Bounced != "" {
		return adminui.Badge{Text: "bounced", Tone: "bad"}
	}
	return adminui.Badge{Text: m.State, Tone: tone(m.State)}
}

// Answer is the mail server's answer, or the reason why it was not asked.
func (m staffMail) Answer() string {
	if m.Reason != "" && m.Reply != "" {
		return m.Reason + ": " + m.Reply
	}
	return m.Reason + m.Reply
}

// Path is the path of its page.
func (m staffMail) Path(parts ...string) string {
	return strings.Join(append([]string{"/mails", web.ID(m.ID)}, parts...), "/")
}

// receivers are the receivers in one line.
func (m staffMail) receivers() string { return strings.Join(m.To, ", ") }

// withReceivers reads the receivers of mails from their content.
func (s *server) withReceivers(mails ...staffMail) []staffMail {
	for i := range mails {
		m := &mails[i]
		var command struct {
			To []string `json:"to"`
		}
		if !m.Kept || json.Unmarshal(m.Payload, &command) != nil {
			continue
		}
		for _, address := range command.To {
			m.To = append(m.To, clean(address))
		}
		if len(command.To) == 0 {
			m.To = []string{s.staffAddress.Address}
		}
	}
	return mails
}

// tone is the color of a state.
func tone(state string) string {
	return map[string]string{stateSent: "good", stateParked: "bad", stateSuppressed: "warn"}[state]
}

var staffMailColumns = []adminui.Column[staffMail]{
	{Title: "Mail", Value: func(m staffMail) any { return adminui.Link{Text: m.Title(), To: m.Path()} }},
	{Title: "To", Value: func(m staffMail) any { return m.receivers() }},
	{Title: "State", Value: func(m staffMail) any { return m.Badge() }},
	{Title: "Subject", Minor: true, Value: func(m staffMail) any { return m.Subject }},
	{Title: "Server's answer", Minor: true, Value: func(m staffMail) any { return m.Answer() }},
	{Title: "Time", Value: func(m staffMail) any { return m.At }},
}

// mailView is a tab of the list.
type mailView struct {
	name, title string
	states      []string
}

var mailViews = []mailView{
	{"", "All", nil}, {stateParked, "Parked", []string{stateParked}},
	{stateSuppressed, "Suppressed", []string{stateSuppressed}},
	{stateQueued, "Waiting", []string{stateQueued, "paused"}}, {stateSent, "Sent", []string{stateSent}},
}

func (s *server) staffMails(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"state", "kind"}})
	if err != nil {
		return nil, err
	}
	before, _, err := adminui.ReadCursor[int64](listing)
	if err != nil {
		return nil, err
	}

	view := slices.IndexFunc(mailViews, func(v mailView) bool { return v.name == listing.Chosen["state"] })
	if view < 0 {
		return nil, web.BadRequest("state")
	}
	if kind := listing.Chosen["kind"]; kind != "" && kindTitle(kind) == kind {
		return nil, web.BadRequest("kind")
	}

	wanted := mailsWanted{
		States: mailViews[view].states,
		Kind:   listing.Chosen["kind"],
		Before: before,
		Rows:   listing.Rows + 1,
	}
	// These two views leave out mails that a person has seen to; the view of all mails has them.
	wanted.Unseen = mailViews[view].name == stateParked || mailViews[view].name == stateSuppressed
	if strings.Contains(listing.Search, "@") {
		wanted.Hash = s.hash(listing.Search)
	} else {
		wanted.Named = listing.Search
	}

	list, err := listStaffMails(r.Context(), s.pool, wanted)
	if err != nil {
		return nil, err
	}
	table := adminui.NewTable(listing, "mails", staffMailColumns, s.withReceivers(list...),
		func(m staffMail) any { return m.ID })
	mailTools(table, listing, adminui.Who(r))

	return adminui.Page{Title: "Mails", Template: "mails.html", Data: struct {
		Mails []staffMail `json:"mails"`
		Next  string      `json:"next,omitempty"`
	}{list[:len(table.Rows)], table.Next}, Table: table, Live: "mail staff"}, nil
}

// mailTools puts tabs, search, filters and commands around the list.
func mailTools(table *adminui.Table, listing adminui.Listing, who adminui.Identity) {
	for _, v := range mailViews {
		table.Tabs = append(table.Tabs, adminui.Tab{Title: v.title, To: listing.With("state", v.name), Count: -1,
			Active: v.name == listing.Chosen["state"]})
	}
	kinds := []adminui.Option{{Value: "", Text: "All"}}
	for _, k := range mailKinds {
		kinds = append(kinds, adminui.Option{Value: k.Kind, Text: kindTitle(k.Kind)})
	}
	table.Choices = []adminui.Choice{{Name: "kind", Label: "Kind", Options: kinds, Value: listing.Chosen["kind"]}}
	table.WithSearch(listing, "E-mail address, order or key")
	table.Empty = "No mails here."
	state := listing.Chosen["state"]
	if (state == stateParked || state == stateSuppressed) && who.May(adminui.MailsAct) {
		table.Bulk = []adminui.Command{{Text: "Send again", To: "/mails/send"}}
	}
}

// mailPanel is the mails of one order or customer: a part of another service's page.
type mailPanel struct {
	Mails []staffMail `json:"mails"`
	// Parked are messages about the order that could not become a mail, and wait for a person or
	// were dropped.
	Parked []parkedMail `json:"parked,omitempty"`
	// Once tells a second copy from a repetition of the same click.
	Once string `json:"-"`
	// All links to the list of all of them.
	All string `json:"-"`
}

// parkedMail is a message that could not become a mail.
type parkedMail struct {
	ID      int64     `json:"id"`
	Title   string    `json:"title"`
	At      time.Time `json:"at"`
	Dropped bool      `json:"dropped"`
}

// Path is the path of the message's page.
func (p parkedMail) Path() string { return fmt.Sprintf("/parked/mailer/%d", p.ID) }

// parkedOf lists the messages about an order that could not become a mail.
func (s *server) parkedOf(ctx context.Context, identifier string) (list []parkedMail, err error) {
	parked, err := bus.ParkedNaming(ctx, s.pool, identifier, panelRows)
	for _, p := range parked {
		kind := strings.TrimPrefix(p.Subject, msg.MailSubject(""))
		list = append(list, parkedMail{ID: p.ID, Title: kindTitle(kind), At: p.At, Dropped: !p.ResolvedAt.IsZero()})
	}
	return list, err
}

// panelRows is how many mails a panel shows.
const panelRows = 20

func (s *server) mailPanel(all string, mails []staffMail, parked ...parkedMail) adminui.Page {
	mails = s.withReceivers(mails[:min(len(mails), panelRows)]...)
	return adminui.Page{Title: "Mails", Template: "panel.html", Live: "mail staff",
		Data: mailPanel{Mails: mails, Parked: parked, Once: newOnce(), All: all}}
}

func (s *server) staffOrderMails(r *http.Request) (adminui.Answer, error) {
	identifier := adminui.Param(r, "identifier")
	mails, err := mailsOf(r.Context(), s.pool, nil, nil, []string{identifier})
	if err != nil {
		return nil, err
	}
	parked, err := s.parkedOf(r.Context(), identifier)
	return s.mailPanel("/mails?q="+linkCode(identifier), mails, parked...), err
}

// staffCustomerMails shows the mails to the address of member-7 or prospect-3.
func (s *server) staffCustomerMails(r *http.Request) (adminui.Answer, error) {
	kind, number, _ := strings.Cut(adminui.Param(r, "customer"), "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if err != nil || kind != "member" && kind != "prospect" {
		return nil, web.NotFound()
	}
	address, found, err := addressOf(r.Context(), s.pool, kind, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return s.mailPanel("", []staffMail{}), nil
	}
	mails, err := mailsOf(r.Context(), s.pool, nil, []string{s.hash(address)}, nil)
	return s.mailPanel("/mails?q="+linkCode(address), mails), err
}

// work is the mails that wait for a person, with up to shown of them.
func (s *server) work(ctx context.Context, shown int) ([]adminui.WorkKind, error) {
	mails, err := s.parkedMails(ctx, shown)
	if err != nil {
		return nil, err
	}
	campaigns, err := s.idleCampaigns(ctx, shown)
	return []adminui.WorkKind{mails, campaigns}, err
}

// maxIdle bounds the count of campaigns that did not start.
const maxIdle = 100

// idleCampaigns are the campaigns whose scheduled start failed.
func (s *server) idleCampaigns(ctx context.Context, shown int) (adminui.WorkKind, error) {
	k := adminui.WorkKind{Name: "idle-campaigns", Title: "Campaigns that did not start", To: "/campaigns",
		Runbook: "campaigns"}
	list, err := problemCampaigns(ctx, s.pool, maxIdle)
	k.Count = int64(len(list))
	for i, c := range list {
		if i == 0 {
			k.Oldest = c.ChangedAt
		}
		if i < shown {
			k.Items = append(k.Items, adminui.WorkItem{Key: web.ID(c.ID), Title: c.Name,
				Reason: c.Problem, Since: c.ChangedAt, To: c.path()})
		}
	}
	return k, err
}

func (s *server) parkedMails(ctx context.Context, shown int) (adminui.WorkKind, error) {
	k := adminui.WorkKind{Name: "parked-mails", Title: "Mails that could not be sent",
		To:      "/mails?state=" + stateParked,
		Runbook: mailsRunbook}
	count, oldest, err := countParkedMails(ctx, s.pool)
	k.Count, k.Oldest = count, oldest
	if err != nil || min(int64(shown), count) == 0 {
		return k, err
	}
	list, err := listWaitingMails(ctx, s.pool, shown)
	for _, m := range list {
		item := adminui.WorkItem{Key: web.ID(m.ID), Title: m.Title(), Reason: m.Answer(),
			Since: m.DoneAt, To: m.Path()}
		if m.CanSend() {
			item.Commands = []adminui.Command{{Text: "Send again", To: m.Path("send")}}
		}
		k.Items = append(k.Items, item)
	}
	return k, err
}

// trail is the mails that some keys stand for: the mail's own key, an order, or an address.
func (s *server) trail(ctx context.Context, keys []string) (t adminui.Trail, err error) {
	var hashes []string
	for _, key := range keys {
		if strings.Contains(key, "@") {
			hashes = append(hashes, s.hash(key))
		}
	}

	mails, err := mailsOf(ctx, s.pool, keys, hashes, keys)
	for _, m := range mails {
		hop := adminui.Hop{
			At:      m.QueuedAt,
			Step:    "mail",
			Text:    "Mail accepted: " + m.Title() + ".",
			About:   m.Key,
			Message: m.Key,
			Attempt: m.Attempts,
			State:   m.State,
			Tone:    tone(m.State),
			To:      m.Path(),
		}
		t.Hops = append(t.Hops, hop)
		if !m.DoneAt.IsZero() {
			hop.At, hop.Step, hop.State = m.DoneAt, "mail-"+m.State, m.Reply
			hop.Text = "Mail " + m.State + ": " + m.Title() + "."
			t.Hops = append(t.Hops, hop)
		}
		t.Keys = append(t.Keys, m.Key, msg.MailSentSubject+":"+m.Key, m.OrderIdentifier)
	}

	return t, err
}
