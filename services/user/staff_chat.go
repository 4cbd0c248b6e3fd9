package user

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The states of a thread.
const (
	threadOpen    = "open"    // the customer wrote and waits
	threadWaiting = "waiting" // the staff answered and wait for the customer
	threadDone    = "done"
)

var threadStates = []string{threadOpen, threadWaiting, threadDone}

// thread is all that was written under one address, with the answers of the staff.
type thread struct {
	ID      int64     `json:"id"`
	Name    string    `json:"name"`
	Email   string    `json:"email"`
	State   string    `json:"state"`
	LastAt  time.Time `json:"last_at"`
	Version int64     `json:"version"`
	Last    string    `json:"last"` // the beginning of the newest message
}

func threadPath(id int64, parts ...string) string {
	return strings.Join(append([]string{"/chat", web.ID(id)}, parts...), "/")
}

func (t thread) badge() adminui.Badge {
	return adminui.Badge{Text: t.State, Tone: map[string]string{threadOpen: "warn", threadDone: "good"}[t.State]}
}

var threadColumns = []adminui.Column[thread]{
	{Title: "From", Value: func(t thread) any { return adminui.Link{Text: t.Name, To: threadPath(t.ID)} }},
	{Title: "E-mail", Clip: true, Value: func(t thread) any { return t.Email }},
	{Title: "State", Value: func(t thread) any { return t.badge() }},
	{Title: "Newest message", Minor: true, Value: func(t thread) any { return t.Last }},
	{Title: "Last", Value: func(t thread) any { return t.LastAt }},
}

// threadPlace is a thread's place in the list.
type threadPlace struct {
	At time.Time
	ID int64
}

// staffThreads lists the threads in a state, last changed first.
func (s *server) staffThreads(r *http.Request) (adminui.Answer, error) {
	listing, err := adminui.ReadListing(r, adminui.ListSpec{Filters: []string{"state"}})
	if err != nil {
		return nil, err
	}

	state := listing.Chosen["state"]
	if state == "" {
		state = threadOpen
	}
	if !slices.Contains(threadStates, state) {
		return nil, web.BadRequest("state")
	}

	after, more, err := adminui.ReadCursor[threadPlace](listing)
	if err != nil {
		return nil, err
	}
	list, err := listThreads(r.Context(), s.pool, state, listing.Search, after, more, listing.Rows+1)
	if err != nil {
		return nil, err
	}

	table := adminui.NewTable(listing, "chat", threadColumns, list,
		func(t thread) any { return threadPlace{t.LastAt, t.ID} })
	for _, name := range threadStates {
		table.Tabs = append(table.Tabs, adminui.Tab{
			Title:  strings.ToUpper(name[:1]) + name[1:],
			Count:  -1,
			To:     listing.With("state", name),
			Active: name == state,
		})
	}
	table.WithSearch(listing, "E-mail address")
	table.Empty = "No chats here."

	if err := s.fileOf(r, listing, table, "chats"); err != nil {
		return nil, err
	}
	return adminui.Page{
		Title:    "Chat",
		Template: "threads.html",
		Data: struct {
			Threads []thread `json:"threads"`
			Next    string   `json:"next,omitempty"`
		}{list[:len(table.Rows)], table.Next},
		Table: table,
		Live:  "user staff",
	}, nil
}

// homeTiles are what the home page counts of user.
func (s *server) homeTiles(r *http.Request) ([]adminui.Tile, error) {
	if !adminui.Who(r).May(adminui.ChatView) {
		return nil, nil
	}
	open, err := countOpenThreads(r.Context(), s.pool, adminui.MaxCounted)
	return []adminui.Tile{{Title: "Chats to answer", Count: open, To: "/chat", Tone: "warn", Nav: "/chat"}}, err
}

// threadEntry is a message of the customer or an answer of the staff.
type threadEntry struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	By   string    `json:"by,omitempty"` // the person of the staff; "" for the customer
}

// threadPage is one thread.
type threadPage struct {
	Thread    thread         `json:"thread"`
	Entries   []threadEntry  `json:"entries"` // the oldest first
	Customers []customer     `json:"customers"`
	Canned    []cannedAnswer `json:"canned_answers"`

	Badge  adminui.Badge `json:"-"`
	Answer adminui.Form  `json:"-"`
	States []threadMove  `json:"-"`
}

// threadMove is a state that the thread can be given.
type threadMove struct{ State, Text string }

func (s *server) threadFromPath(r *http.Request) (thread, error) {
	id, err := adminui.ParamID(r, "thread")
	if err != nil {
		return thread{}, err
	}
	return web.OrNotFound(findThread(r.Context(), s.pool, id))
}

func (s *server) threadPage(r *http.Request) (p threadPage, err error) {
	if p.Thread, err = s.threadFromPath(r); err != nil {
		return p, err
	}

	ctx, id := r.Context(), p.Thread.ID
	if p.Entries, err = entriesOf(ctx, s.pool, id); err != nil {
		return p, err
	}
	if p.Customers, err = customersOf(ctx, s.pool, p.Thread.Email); err != nil {
		return p, err
	}
	if p.Canned, err = listCannedAnswers(ctx, s.pool); err != nil {
		return p, err
	}

	p.Badge = p.Thread.badge()
	p.Answer = adminui.Form{
		ID:      "answer",
		Action:  threadPath(id, "answer"),
		Submit:  "Mail the answer",
		Version: p.Thread.Version,
		Fields: []adminui.Field{
			{Name: "text", Label: "Answer", Kind: "multiline", Required: true, MaxLength: maxText,
				Hint: "It goes to " + p.Thread.Email + " with the last message below. " +
					"A reply comes to the staff's mailbox."},
			{Name: "then", Label: "Afterwards", Kind: "choice", Value: threadWaiting, Options: []adminui.Option{
				{Value: threadWaiting, Text: "Wait for the customer"}, {Value: threadDone, Text: "Done"}}}},
	}

	for _, m := range []threadMove{{threadOpen, "Open again"}, {threadWaiting, "Mark as waiting"},
		{threadDone, "Mark as done"}} {
		if m.State != p.Thread.State {
			p.States = append(p.States, m)
		}
	}
	return p, nil
}

func (p threadPage) answer(status int) adminui.Page {
	return adminui.Page{
		Title:    "Chat with " + p.Thread.Name,
		Template: "thread.html",
		Data:     p,
		Status:   status,
		Live:     "user staff",
	}
}

// staffThread shows a thread. The parameter use names a canned answer to start from.
func (s *server) staffThread(r *http.Request) (adminui.Answer, error) {
	q, err := web.Query(r)
	if err != nil {
		return nil, err
	}
	p, err := s.threadPage(r)
	if err != nil {
		return nil, err
	}
	if use := q.Get("use"); use != "" {
		i := slices.IndexFunc(p.Canned, func(c cannedAnswer) bool { return web.ID(c.ID) == use })
		if i < 0 {
			return nil, web.NotFound()
		}
		p.Answer.Fields[0].Value = strings.ReplaceAll(p.Canned[i].Text, "{name}", p.Thread.Name)
	}
	return p.answer(http.StatusOK), nil
}

// staffAnswer stores an answer and has it mailed, in one transaction.
func (s *server) staffAnswer(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	p, err := s.threadPage(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, p.Thread.Version); err != nil {
		return nil, err
	}

	typed := p.Answer.WithInput(form)
	text, then := strings.TrimSpace(form.Text("text")), form.Get("then")
	if then != threadWaiting && then != threadDone {
		return nil, web.BadRequest("then")
	}
	if n := utf8.RuneCountInString(text); n == 0 || n > maxText {
		p.Answer = typed.WithErrors(adminui.FieldErrors{"text": "Write something, in at most 5000 characters."})
		return p.answer(http.StatusUnprocessableEntity), nil
	}

	err = s.moveThread(r, p.Thread, form.Version, then, "Answered", func(ctx context.Context, tx pgx.Tx) error {
		id, err := insertAnswer(ctx, tx, p.Thread.ID, adminui.Who(r).Name, text)
		if err != nil {
			return err
		}
		earlier, err := answersBefore(ctx, tx, p.Thread.ID, id)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, chatAnswer(id, p.Thread.Email, answerText(text, p.Entries), earlier))
	})

	if errors.Is(err, adminui.ErrStale) {
		if p, err = s.threadPage(r); err != nil {
			return nil, err
		}
		p.Answer = typed.Conflict(p.Thread.Version, "Another person, or the customer,", "", nil)
		return p.answer(http.StatusConflict), nil
	}
	return adminui.Done{To: threadPath(p.Thread.ID), Text: "The answer is on its way."}, err
}

// moveThread sets the state of a thread that still has this version, does what also does, and puts
// it on record.
func (s *server) moveThread(r *http.Request, t thread, version int64, state, text string,
	also func(context.Context, pgx.Tx) error) error {
	return s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		moved, err := setThreadState(r.Context(), tx, t.ID, version, state)
		if err == nil && !moved {
			err = adminui.ErrStale
		}
		if err != nil {
			return err
		}
		if err := also(r.Context(), tx); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.ChatAnswer,
			Kind:   "chat",
			Key:    web.ID(t.ID),
			Text:   fmt.Sprintf("%s chat %d", text, t.ID),
			Before: map[string]any{"state": t.State},
			After:  map[string]any{"state": state},
		})
	})
}

// staffUpdateThreadState gives a thread another state.
func (s *server) staffUpdateThreadState(r *http.Request) (adminui.Answer, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	t, err := s.threadFromPath(r)
	if err != nil {
		return nil, err
	}
	if err := form.CheckVersion(1, t.Version); err != nil {
		return nil, err
	}
	if state := form.Get("state"); !slices.Contains(threadStates, state) {
		return nil, web.BadRequest("state")
	}
	err = s.moveThread(r, t, form.Version, form.Get("state"), "Set the state of",
		func(context.Context, pgx.Tx) error { return nil })
	if errors.Is(err, adminui.ErrStale) {
		return nil, &web.Error{Status: http.StatusConflict, Code: "changed", Err: err}
	}
	return adminui.Done{To: threadPath(t.ID), Text: "The chat is " + form.Get("state") + "."}, err
}

// answerText is an answer with the customer's newest message quoted below, as mail programs do.
func answerText(text string, entries []threadEntry) string {
	i := len(entries) - 1
	for ; i >= 0 && entries[i].By != ""; i-- {
	}
	if i < 0 {
		return text
	}
	quoted := "> " + strings.ReplaceAll(entries[i].Text, "\n", "\n> ")
	return fmt.Sprintf("%s\n\nOn %s you wrote:\n%s", text, entries[i].At.UTC().Format("2 January 2006, 15:04 UTC"),
		quoted)
}

// chatAnswer has an answer mailed, as a reply in the thread of the earlier ones.
func chatAnswer(id int64, to, text string, earlier []int64) msg.Message {
	now := time.Now().UTC()
	m := msg.SendMail{
		Kind:      msg.MailChatAnswer,
		To:        []string{to},
		Note:      text,
		CreatedAt: now,
		Deadline:  now.Add(noticeMailTTL),
	}
	for _, before := range earlier {
		m.Earlier = append(m.Earlier, answerKey(before))
	}
	return msg.Message{Key: answerKey(id), Subject: msg.MailSubject(msg.MailChatAnswer), Payload: m}
}

func answerKey(id int64) string { return fmt.Sprintf("%s:%d", msg.MailChatAnswer, id) }
