package mailer

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/random"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// mailPage is one mail.
type mailPage struct {
	Mail    staffMail        `json:"mail"`
	Waits   bool             `json:"waits"`
	CanSend bool             `json:"can_send"`
	Shown   *shownMail       `json:"content,omitempty"`
	Facts   []adminui.Detail `json:"-"`
	Send    adminui.Form     `json:"-"`
	Drop    adminui.Form     `json:"-"`
	Lift    adminui.Form     `json:"-"`
	Runbook string           `json:"runbook"`
}

// mailFromPath is the mail that the path names, with its receivers.
func (s *server) mailFromPath(r *http.Request) (staffMail, error) {
	number, err := adminui.ParamID(r, "id")
	if err != nil {
		return staffMail{}, err
	}
	m, err := web.OrNotFound(findStaffMail(r.Context(), s.pool, number))
	return s.withReceivers(m)[0], err
}

func (s *server) mailPage(r *http.Request) (mailPage, error) {
	m, err := s.mailFromPath(r)
	if err != nil {
		return mailPage{}, err
	}
	page := mailPage{Mail: m, Waits: m.waits(), CanSend: m.CanSend(), Runbook: adminui.Runbook(mailsRunbook)}
	if m.Kept {
		shown, err := s.showMail(r.Context(), m.ID)
		if err != nil {
			return mailPage{}, err
		}
		page.Shown = &shown
	}
	page.Facts = mailFacts(m)
	page.Send = adminui.Form{ID: "send", Action: m.Path("send"), Submit: "Send it again"}
	if m.State == stateSent {
		page.Send.Fields = []adminui.Field{{Name: "once", Kind: "hidden", Value: newOnce()}}
	}
	page.Lift = adminui.Form{ID: "lift", Action: m.Path("lift"), Submit: "Send newsletters again"}
	page.Drop = adminui.Form{ID: "drop", Action: m.Path("drop"), Submit: "Drop it", Tone: "bad",
		Fields: []adminui.Field{adminui.NoteField("Why it need not be sent")}}
	return page, nil
}

func mailFacts(m staffMail) []adminui.Detail {
	facts := []adminui.Detail{{Label: "State", Value: m.Badge()}, {Label: "To", Value: m.receivers()},
		{Label: "Made", Value: m.At}, {Label: "Ended", Value: m.DoneAt}, {Label: "Tries", Value: m.Attempts},
		{Label: "Reason", Value: m.Reason}, {Label: "Server's words", Value: m.Reply}, {Label: "Key", Value: m.Key}}
	if m.Bounced != "" {
		facts = append(facts, adminui.Detail{Label: "Came back", Value: "After it was sent, with status " + m.Bounced})
	}
	if m.OrderIdentifier != "" {
		facts = append(facts, adminui.Detail{Label: "Order",
			Value: adminui.Link{Text: m.OrderIdentifier, To: "/orders/" + m.OrderIdentifier}})
	}
	if m.MemberID != 0 {
		number := web.ID(m.MemberID)
		facts = append(facts, adminui.Detail{Label: "Customer",
			Value: adminui.Link{Text: "Member " + number, To: "/customers/member-" + number}})
	}
	if m.AgainOf != 0 {
		first := staffMail{ID: m.AgainOf}
		facts = append(facts, adminui.Detail{Label: "Copy of", Value: adminui.Link{Text: "the first one",
			To: first.Path()}})
	}
	if m.Maybe && m.State != stateSent {
		facts = append(facts, adminui.Detail{Label: "Careful", Value: "The server may have taken it."})
	}
	if !m.SeenAt.IsZero() {
		facts = append(facts, adminui.Detail{Label: "Seen to", Value: m.SeenAt},
			adminui.Detail{Label: "By", Value: m.SeenBy}, adminui.Detail{Label: "Note", Value: m.Note})
	}

	return facts
}

func (p mailPage) answer(status int) adminui.Page {
	return adminui.Page{Title: p.Mail.Title(), Template: "mail.html", Data: p, Status: status, Live: "mail staff"}
}

func (s *server) staffMail(r *http.Request) (adminui.Answer, error) {
	page, err := s.mailPage(r)
	return page.answer(http.StatusOK), err
}

// errSeenTo says that a mail no longer waits.
var errSeenTo = adminui.SeenTo("The mail is no longer waiting: it was sent, dropped, or is on its way. Look at it " +
	"again.")

// onceLength is the length of the code that tells one click from the next.
const onceLength = 20

// newOnce makes a code for one form: however often the form is posted, it takes effect once.
func newOnce() string { return random.Code(onceLength) }

// isOnce reports whether newOnce could have made a text.
func isOnce(text string) bool {
	return len(text) == onceLength && strings.Trim(text, random.Letters) == ""
}

// sendAgain makes an unsent mail due, and records that in the log of acts.
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

// sendCopy sends a sent mail once more. once is the form's code: a repetition finds the earlier
// copy.
func (s *server) sendCopy(r *http.Request, m staffMail, once string) (id int64, err error) {
	if !isOnce(once) {
		return 0, web.BadRequest("once")
	}
	first, _, _ := strings.Cut(m.Key, ":again:")
	key := first + ":again:" + once
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		var fresh bool
		if id, fresh, err = copySent(r.Context(), tx, m.ID, key, s.messageID(m.Kind, key)); err != nil {
			return err
		}
		if !fresh {
			if id, err = mailIDByKey(r.Context(), tx, key); err == nil && id == 0 {
				err = errSeenTo
			}
			return err
		}
		return recordMail(r, tx, m, "Sent a copy: "+m.Kind)
	})
	if err == nil {
		s.wakeSender()
	}
	return id, err
}

// recordMail records an act in the log of acts. A person's note stays out of it: the mail's row has
// it.
func recordMail(r *http.Request, tx pgx.Tx, m staffMail, text string) error {
	who := adminui.Who(r)
	who.Request += ":" + web.ID(m.ID) // one request may be about many mails
	return adminui.RecordAs(r.Context(), tx, who, adminui.Act{Action: adminui.MailsAct, Kind: "mail", Key: m.Key,
		Text: text, Before: map[string]any{"state": m.State}})
}

// staffSend sends a waiting mail as it is, or a sent mail as a copy.
func (s *server) staffSend(r *http.Request) (adminui.Answer, error) {
	m, err := s.mailFromPath(r)
	if err != nil {
		return nil, err
	}
	form, err := adminui.ReadForm(r)
	if err != nil {
		return nil, err
	}
	to := m
	if m.State == stateSent {
		to.ID, err = s.sendCopy(r, m, form.Get("once"))
	} else {
		var done bool
		if done, err = s.sendAgain(r, m); err == nil && !done {
			err = errSeenTo
		}
	}
	if err != nil {
		return nil, err
	}
	if form.Get("from") == "order" && m.OrderIdentifier != "" {
		return adminui.Done{To: "/orders/" + linkCode(m.OrderIdentifier), Text: "The mail is on its way again."}, nil
	}
	return adminui.Done{To: to.Path(), Text: "It is on its way again."}, nil
}

// maxResends is how many mails one command sends again.
const maxResends = 500

// staffSendMany sends the chosen waiting mails.
func (s *server) staffSendMany(r *http.Request) (adminui.Answer, error) {
	mails, err := s.chosenMails(r)
	if err != nil {
		return nil, err
	}
	sent := 0
	for _, m := range mails {
		done, err := s.sendAgain(r, m)
		if err != nil {
			return nil, err
		}
		if done {
			sent++
		}
	}
	if sent == 0 {
		return nil, errSeenTo
	}
	return adminui.Done{To: "/mails?state=" + stateParked,
		Text: fmt.Sprintf("%d of %d mails are on their way again.", sent, len(mails))}, nil
}

// chosenMails are the mails that were chosen in the list. All of them must exist.
func (s *server) chosenMails(r *http.Request) ([]staffMail, error) {
	ids, err := adminui.Chosen(r, maxResends)
	if err != nil {
		return nil, err
	}
	mails := make([]staffMail, len(ids))
	for i, text := range ids {
		found := false
		number, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			if mails[i], found, err = findStaffMail(r.Context(), s.pool, number); err != nil {
				return nil, err
			}
		}
		if !found {
			return nil, adminui.Refuse("unknown-mail", "Some of what you chose are not mails. Nothing was sent.")
		}
	}
	return mails, nil
}

// staffLift lets newsletters go to the addresses of a mail again that a server or a report called
// gone.
func (s *server) staffLift(r *http.Request) (adminui.Answer, error) {
	m, err := s.mailFromPath(r)
	if err != nil {
		return nil, err
	}
	if _, err := adminui.ReadForm(r); err != nil {
		return nil, err
	}
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		lifted, err := liftBounces(r.Context(), tx, m.ID)
		if err == nil && !lifted {
			err = &web.Error{Status: http.StatusConflict, Code: "reachable",
				Err: fmt.Errorf("newsletters go to the receivers of mail %d", m.ID)}
		}
		if err != nil {
			return err
		}
		return recordMail(r, tx, m, "Has newsletters sent again to the receivers of: "+m.Kind)
	})
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: m.Path(), Text: "Newsletters will be sent there again."}, nil
}

// staffDrop marks a mail as one that need not be sent, with the reason.
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
		done, err := markDropped(r.Context(), tx, page.Mail.ID, adminui.Who(r).Name, note)
		if err == nil && !done {
			err = errSeenTo
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
