package user

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// putChatMessage stores a message to staff and tells them by mail, without its text. The message
// belongs to the member who is logged in, otherwise to the member who has proved the address,
// otherwise to a prospect.
func (s *server) putChatMessage(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "put_chat_message"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "name", "email_address", "message")
	if err != nil {
		return err
	}

	c := chatMessage{Name: v[0], Email: normalEmail(v[1]), Message: form.Text("message")}
	var f fields
	f.add("name", checkName(c.Name, maxFirstName))
	f.add("email_address", checkEmail(c.Email))
	f.add("message", checkMessage(c.Message))
	if !f.ok() {
		return refuse(w, endpoint, "validation_error", f.object())
	}

	if err := s.storeChatMessage(r, c); err != nil {
		return err
	}
	web.TellOutcome(w, web.OutcomeDone)
	return answerOutcome(w, endpoint, "true")
}

func (s *server) storeChatMessage(r *http.Request, c chatMessage) error {
	ctx := r.Context()
	return s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		var messages []msg.Message
		member, known, err := chatMember(ctx, tx, web.Who(r).MemberID, c.Email)
		if err != nil {
			return err
		}

		c.MemberID, c.ProspectID = member, 0
		if !known {
			p, made, err := findOrMakeProspect(ctx, tx,
				newProspect{Email: c.Email, FirstName: c.Name, Note: "From a chat message.", Source: sourceChat})
			if err != nil {
				return err
			}
			c.ProspectID = p.ID
			if made {
				messages = append(messages, p.event())
			}
		}

		id, err := insertChatMessage(ctx, tx, c)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, append(messages, chatAlert(id), chatWritten(id))...)
	})
}

// pythonabotNotifyMe puts an address on the waiting list.
func (s *server) pythonabotNotifyMe(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "pythonabot_notify_me"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	v, err := required(form, "email_address", "how_excited")
	if err != nil {
		return err
	}

	email, excited := normalEmail(v[0]), v[1]
	check := func(address problems) fields {
		var f fields
		f.add("email_address", address)
		f.add("how_excited", checkExcited(excited))
		return f
	}
	if f := check(checkEmail(email)); !f.ok() {
		return refuse(w, endpoint, "validation_error", f.object())
	}

	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		p, made, err := insertProspect(ctx, tx,
			newProspect{
				Email:      email,
				HowExcited: int(excited[0] - '0'),
				Note:       "From the PythonABot waiting list.",
				Source:     sourceWaiting,
			})
		if err != nil {
			return err
		}
		if !made {
			return errUnchanged
		}
		return bus.Enqueue(ctx, tx, p.event())
	})

	if errors.Is(err, errUnchanged) {
		web.TellOutcome(w, web.OutcomeReveals)
		f := check(problems{{"duplicate", "This address is on our list already."}})
		return refuse(w, endpoint, "duplicate_prospect", f.object())
	}
	if err != nil {
		return err
	}

	web.TellOutcome(w, web.OutcomeDone)
	return answerOutcome(w, endpoint, "success")
}

// chatWritten makes open pages of the back office show the message.
func chatWritten(id int64) msg.Message {
	return msg.Message{
		Key:     fmt.Sprintf("%s:%d", msg.UserChatWritten, id),
		Subject: msg.UserChatWritten,
		Payload: msg.ChatWritten{ID: id, At: time.Now().UTC()},
	}
}

// chatAlert tells staff by mail that a message came in and when, but not what it says.
func chatAlert(id int64) msg.Message {
	now := time.Now().UTC()
	return msg.Message{
		Key:     chatKey(id),
		Subject: msg.MailSubject(msg.MailChatAlert),
		Payload: msg.SendMail{
			Kind:      msg.MailChatAlert,
			CreatedAt: now,
			Deadline:  now.Add(noticeMailTTL),
		},
	}
}
