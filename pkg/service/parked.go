package service

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/erasure"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// parkedPages are the pages about parked messages, which every service has alike, below
// /parked/<name>.
type parkedPages struct {
	*Core
	name      string
	consumers []bus.Consumer
}

const parkedRunbook = "parked-messages"

func (p parkedPages) path(parts ...string) string {
	return "/parked/" + strings.Join(append([]string{p.name}, parts...), "/")
}

func (p parkedPages) routes() []adminui.Route {
	return []adminui.Route{
		{Method: "GET", Path: p.path(), Action: adminui.WorkView, Handle: p.list},
		{Method: "GET", Path: p.path("{id}"), Action: adminui.WorkView, Handle: p.show},
		{Method: "POST", Path: p.path("replay"), Action: adminui.WorkAct, Handle: p.replayMany},
		{Method: "POST", Path: p.path("{id}", "replay"), Action: adminui.WorkAct, Handle: p.replay},
		{Method: "POST", Path: p.path("{id}", "drop"), Action: adminui.WorkAct, Handle: p.drop},
	}
}

// kind is the parked messages as an entry of the work list, with up to shown of them.
func (p parkedPages) kind(ctx context.Context, shown int) (adminui.WorkKind, error) {
	k := adminui.WorkKind{
		Name:    "parked-messages",
		Title:   "Parked messages of " + p.name,
		To:      p.path(),
		Runbook: parkedRunbook,
	}
	count, err := bus.CountParked(ctx, p.Pool)
	k.Count, k.Oldest = count.Count, count.Oldest
	if err != nil || min(int64(shown), count.Count) == 0 {
		return k, err
	}
	list, err := bus.ListParked(ctx, p.Pool, bus.ParkedList{Rows: shown})
	for _, m := range list {
		item := adminui.WorkItem{
			Key:    web.ID(m.ID),
			Title:  adminui.InWords(m.Subject),
			Name:   name(m),
			Reason: m.Reason,
			Since:  m.At,
		}
		item.To = p.path(item.Key)
		if !m.Forged() {
			item.Commands = []adminui.Command{{Text: "Replay", To: p.path(item.Key, "replay")}}
		}
		k.Items = append(k.Items, item)
	}
	return k, err
}

func (p parkedPages) columns(file bool) []adminui.Column[bus.Parked] {
	columns := []adminui.Column[bus.Parked]{
		{Title: "Message", Value: func(m bus.Parked) any {
			return adminui.Link{Text: adminui.InWords(m.Subject), To: p.path(web.ID(m.ID)), Sub: name(m)}
		}},
		{Title: "Reason", Value: func(m bus.Parked) any { return m.Reason }},
		{Title: "Key", Minor: true, Value: func(m bus.Parked) any { return m.Key }},
		{Title: "Tries", Minor: true, Value: func(m bus.Parked) any { return m.Attempts }},
		{Title: "Parked", Value: func(m bus.Parked) any { return m.At }},
	}
	if file { // in which a cell has no second line
		columns = append(columns,
			adminui.Column[bus.Parked]{Title: "Subject", Value: func(m bus.Parked) any { return m.Subject }},
			adminui.Column[bus.Parked]{Title: "Consumer", Value: func(m bus.Parked) any { return m.Consumer }})
	}
	return columns
}

// list shows what waits, the oldest first, or what was seen to.
func (p parkedPages) list(r *http.Request) (adminui.Answer, error) {
	ask, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"consumer", "subject", "seen-to"}})
	if err != nil {
		return nil, err
	}
	after, _, err := adminui.ReadCursor[int64](ask)
	if err != nil {
		return nil, err
	}

	resolved := ask.Chosen["seen-to"] != ""
	list, err := bus.ListParked(r.Context(), p.Pool, bus.ParkedList{
		Consumer: ask.Chosen["consumer"],
		Subject:  ask.Chosen["subject"],
		After:    after,
		Resolved: resolved,
		Rows:     ask.Rows + 1,
	})
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(ask, "parked-messages-of-"+p.name, p.columns(ask.File), list,
		func(m bus.Parked) any { return m.ID })
	table.Tabs = []adminui.Tab{{Title: "Waiting", To: ask.With("seen-to", ""), Count: -1, Active: !resolved},
		{Title: "Seen to", To: ask.With("seen-to", "yes"), Count: -1, Active: resolved}}
	table.Empty = "No messages are waiting."
	if !resolved && adminui.Who(r).May(adminui.WorkAct) {
		table.Bulk = []adminui.Command{{Text: "Replay", To: p.path("replay")}}
	}
	return adminui.Page{
		Title: "Parked messages of " + p.name,
		Data: struct {
			Messages []bus.Parked `json:"messages"`
			Next     string       `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
		Live:  adminui.LiveWork,
	}, nil
}

// parkedPage is one message.
type parkedPage struct {
	Message bus.Parked `json:"message"`
	What    string     `json:"what"`
	Name    string     `json:"-"` // its subject at the broker
	Payload string     `json:"payload"`
	Waits   bool       `json:"waits"`
	Problem string     `json:"problem,omitempty"`

	Facts                    []adminui.Detail `json:"-"`
	Replay, ReplayKind, Drop adminui.Form     `json:"-"`
	Runbook                  string           `json:"runbook"`
}

func (p parkedPages) page(m bus.Parked) parkedPage {
	id := web.ID(m.ID)
	page := parkedPage{
		Message: m,
		What:    adminui.InWords(m.Subject),
		Name:    name(m),
		Payload: adminui.Readable(m.Payload),
		Waits:   m.Resolution == "",
		Runbook: adminui.Runbook(parkedRunbook),
	}
	page.Facts = []adminui.Detail{{Label: "Subject", Value: m.Subject}, {Label: "Key", Value: m.Key},
		{Label: "Consumer", Value: m.Consumer}, {Label: "Tries", Value: m.Attempts}, {Label: "Parked", Value: m.At}}
	if !page.Waits {
		page.Facts = append(page.Facts, adminui.Detail{Label: "Seen to", Value: m.ResolvedAt},
			adminui.Detail{Label: "By", Value: m.ResolvedBy}, adminui.Detail{Label: "How", Value: m.Resolution},
			adminui.Detail{Label: "Note", Value: m.Note})
	}
	page.Replay = adminui.Form{ID: "replay", Action: p.path(id, "replay"), Submit: "Replay it"}
	page.ReplayKind = adminui.Form{
		ID:     "replay-kind",
		Action: p.path("replay"),
		Submit: "Replay all of this kind",
		Fields: []adminui.Field{{Name: "consumer", Kind: "hidden", Value: m.Consumer},
			{Name: "subject", Kind: "hidden", Value: m.Subject}},
	}
	page.Drop = adminui.Form{
		ID:     "drop",
		Action: p.path(id, "drop"),
		Submit: "Drop it",
		Tone:   "bad",
		Fields: []adminui.Field{adminui.NoteField("Why nothing has to be done")},
	}
	return page
}

func (p parkedPages) find(r *http.Request) (bus.Parked, error) {
	id, err := adminui.ParamID(r, "id")
	if err != nil {
		return bus.Parked{}, err
	}
	return web.OrNotFound(bus.FindParked(r.Context(), p.Pool, id))
}

// name is what the broker calls a message and who takes it.
func name(m bus.Parked) string { return m.Subject + " at " + m.Consumer }

// entry is a message in a line: in words, and what the broker calls it.
func entry(m bus.Parked) string { return adminui.InWords(m.Subject) + " (" + name(m) + ")" }

func (p parkedPages) show(r *http.Request) (adminui.Answer, error) {
	m, err := p.find(r)
	if err != nil {
		return nil, err
	}
	return adminui.Page{Title: adminui.InWords(m.Subject), Template: "parked.html", Data: p.page(m)}, nil
}

// replay gives a message to its consumer again. One that fails again is shown with the new reason.
func (p parkedPages) replay(r *http.Request) (adminui.Answer, error) {
	m, err := p.find(r)
	if err != nil {
		return nil, err
	}
	err = p.replayOne(r, m)
	if again, ok := errors.AsType[*bus.ReplayError](err); ok {
		m.Reason, m.Attempts = again.Reason, m.Attempts+1
		page := p.page(m)
		page.Problem = "It failed again. Nothing was changed."
		return adminui.Page{
			Title:    adminui.InWords(m.Subject),
			Template: "parked.html",
			Data:     page,
			Status:   http.StatusUnprocessableEntity,
		}, nil
	}
	if err != nil {
		return nil, p.refusal(err)
	}
	return adminui.Done{To: "/work", Text: "Replayed " + adminui.InWords(m.Subject) + "."}, nil
}

// refusal is the answer for an error of bus.
func (p parkedPages) refusal(err error) error {
	switch {
	case errors.Is(err, bus.ErrNotParked):
		return adminui.SeenTo("The message is no longer waiting: it was replayed or dropped.")
	case errors.Is(err, bus.ErrForged):
		return adminui.Refuse("forged", "No service published this message here, so it cannot be replayed. Drop it.")
	}
	return err
}

func (p parkedPages) replayOne(r *http.Request, m bus.Parked) error {
	c, ok := p.consumer(m.Consumer)
	if !ok {
		return adminui.Refuse("consumer-gone", "This version of the shop no longer has the consumer "+m.Consumer+
			", so the message cannot be replayed. Drop it.")
	}
	c.Outbox = p.Outbox
	return c.Replay(r.Context(), m.ID, adminui.Who(r).Name, func(tx pgx.Tx, now bus.Parked) error {
		if now.Resolution == "" {
			return p.record(r, tx, m, adminui.Act{
				Text:   "Tried to replay " + entry(m) + ": it failed again",
				Before: parkedValues{Reason: m.Reason, Tries: m.Attempts},
				After:  parkedValues{Reason: now.Reason, Tries: now.Attempts},
			})
		}
		return p.record(r, tx, m, adminui.Act{
			Text:  "Replayed " + entry(m),
			After: parkedValues{Reason: m.Reason, Tries: m.Attempts},
		})
	})
}

func (p parkedPages) consumer(name string) (bus.Consumer, bool) {
	i := slices.IndexFunc(p.consumers, func(c bus.Consumer) bool { return c.Name == name })
	if i < 0 {
		return bus.Consumer{}, false
	}
	return p.consumers[i], true
}

// parkedValues are what the log of acts holds of a message. Customer are the addresses in it, where
// a note may be about them: an erasure finds the note by them.
type parkedValues struct {
	Reason   string `json:"reason"`
	Tries    int    `json:"tries"`
	Note     string `json:"note,omitempty"`
	Customer string `json:"customer,omitempty"`
}

// dropped are the values of a message that was dropped, with the note. One that says whom to erase
// names people who may be erased here already, so nothing of it is brought back, nor what was said
// of them.
func dropped(m bus.Parked, note string) (v parkedValues, whose []string) {
	v = parkedValues{Reason: m.Reason, Tries: m.Attempts}
	if m.Subject != msg.UserErased {
		whose = erasure.AddressesIn(m.Payload)
		v.Note, v.Customer = note, strings.Join(whose, ", ")
	}
	return v, whose
}

// record notes an act in the log of what the staff did. The payload stays out of it.
func (p parkedPages) record(r *http.Request, tx pgx.Tx, m bus.Parked, a adminui.Act) error {
	// One request may see to many messages: each has an entry of its own.
	who := adminui.Who(r)
	who.Request += ":" + web.ID(m.ID)
	a.Action, a.Kind, a.Key = adminui.WorkAct, "message", m.Consumer+" "+m.Key
	return adminui.RecordAs(r.Context(), tx, who, a)
}

const (
	// maxReplayed is how many messages one command replays, and replayTimeout how long it goes on;
	// what is left stays parked.
	maxReplayed   = 500
	replayTimeout = 15 * time.Second
)

// replayMany replays the chosen messages, or all of a kind, each in a transaction of its own.
func (p parkedPages) replayMany(r *http.Request) (adminui.Answer, error) {
	list, err := p.chosen(r)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), replayTimeout)
	defer cancel()
	r = r.WithContext(ctx)
	var done, failed int
	for _, m := range list {
		switch err := p.replayOne(r, m); {
		case err == nil:
			done++
		case pg.IsUnavailable(err) && ctx.Err() == nil:
			return nil, err
		case errors.Is(err, bus.ErrNotParked): // another person was faster
		default:
			failed++
		}
	}
	text := fmt.Sprintf("Replayed %d of %d messages.", done, len(list))
	if failed > 0 {
		text += fmt.Sprintf(" %d failed again and stay parked.", failed)
	}
	return adminui.Done{To: p.path(), Text: text}, nil
}

// chosen are the messages of a command: all of a kind, or those that were chosen in the list, which
// all have to be there.
func (p parkedPages) chosen(r *http.Request) ([]bus.Parked, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	kind := bus.ParkedList{Consumer: form.Get("consumer"), Subject: form.Get("subject"), Rows: maxReplayed}
	if kind.Consumer != "" && kind.Subject != "" {
		list, err := bus.ListParked(r.Context(), p.Pool, kind)
		if err == nil && len(list) == 0 {
			err = adminui.SeenTo("No message of this kind is waiting any longer.")
		}
		return list, err
	}

	ids, err := adminui.Chosen(r, maxReplayed)
	if err != nil {
		return nil, err
	}

	list := make([]bus.Parked, len(ids))
	for i, text := range ids {
		found := false
		id, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			if list[i], found, err = bus.FindParked(r.Context(), p.Pool, id); err != nil {
				return nil, err
			}
		}
		if !found {
			return nil, adminui.Refuse("unknown-message",
				"Some of what you chose are not waiting messages. Nothing was replayed.")
		}
	}

	return list, nil
}

// drop notes that nothing has to be done for a message, and why.
func (p parkedPages) drop(r *http.Request) (adminui.Answer, error) {
	m, err := p.find(r)
	if err != nil {
		return nil, err
	}
	page := p.page(m)
	note, wrong, err := page.Drop.ReadNote(r)
	if err != nil {
		return nil, err
	}
	if wrong != nil {
		page.Drop = *wrong
		return adminui.Page{
			Title:    adminui.InWords(m.Subject),
			Template: "parked.html",
			Data:     page,
			Status:   http.StatusUnprocessableEntity,
		}, nil
	}
	c := bus.Consumer{Name: m.Consumer, Pool: p.Pool, Outbox: p.Outbox} // it may be one that this version no longer has
	err = c.Drop(r.Context(), m.ID, adminui.Who(r).Name, note, func(tx pgx.Tx, m bus.Parked) error {
		values, whose := dropped(m, note)
		return p.record(r, tx, m, adminui.Act{Text: "Dropped " + entry(m), After: values, Whose: whose})
	})
	if err != nil {
		return nil, p.refusal(err)
	}
	return adminui.Done{To: "/work", Text: "Dropped " + adminui.InWords(m.Subject) + "."}, nil
}
