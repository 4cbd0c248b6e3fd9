package user

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// recordCustomer puts on record what a person of the staff did to a customer. It names nothing of
// the customer's data, since the log keeps what an erasure takes from here.
func recordCustomer(r *http.Request, tx pgx.Tx, c customer, text string) error {
	return adminui.Record(r, tx, adminui.Act{
		Action: adminui.CustomersEdit,
		Kind:   "customer",
		Key:    c.key(),
		Text:   text + " " + c.key(),
	})
}

// act does something to the customer of a page, and puts it on record. If do returns errUnchanged,
// nothing changes.
func (s *server) act(r *http.Request, c customer, text string,
	do func(context.Context, pgx.Tx) ([]msg.Message, error)) error {
	err := s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		messages, err := do(r.Context(), tx)
		if err != nil {
			return err
		}
		if err := bus.Enqueue(r.Context(), tx, messages...); err != nil {
			return err
		}
		return recordCustomer(r, tx, c, text)
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// staffCreateNote stores a note of the staff about a customer.
func (s *server) staffCreateNote(r *http.Request) (adminui.Answer, error) {
	page, form, err := s.readAct(r)
	if err != nil {
		return nil, err
	}
	text := strings.TrimSpace(form.Text("text"))
	if n := utf8.RuneCountInString(text); n == 0 || n > maxText {
		wrong := adminui.FieldErrors{"text": "Write something, in at most 5000 characters."}
		page.Note = page.Note.WithInput(form).WithErrors(wrong)
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	err = s.act(r, page.Customer.customer, "Noted something about",
		func(ctx context.Context, tx pgx.Tx) ([]msg.Message, error) {
			fresh, err := insertNote(ctx, tx, page.Customer.customer, adminui.Who(r).Name, text)
			if err == nil && !fresh {
				err = errUnchanged
			}
			return nil, err
		})
	return adminui.Done{To: page.Customer.path(), Text: "Noted."}, err
}

// readAct reads the customer that a command is about, and its form.
func (s *server) readAct(r *http.Request) (customerPage, adminui.PostedForm, error) {
	form, err := adminui.ReadForm(r)
	if err != nil {
		return customerPage{}, form, err
	}
	page, err := s.customerPage(r)
	return page, form, err
}

// readMemberAct is readAct for commands that concern open accounts only.
func (s *server) readMemberAct(r *http.Request) (customerPage, error) {
	page, _, err := s.readAct(r)
	if err == nil && !page.IsOpen() {
		err = web.NotFound()
	}
	return page, err
}

// staffVerify mails a member another link that proves the address.
func (s *server) staffVerify(r *http.Request) (adminui.Answer, error) {
	page, err := s.readMemberAct(r)
	if err != nil {
		return nil, err
	}
	done := adminui.Done{To: page.Customer.path(), Text: "The link is mailed again."}
	err = s.act(r, page.Customer.customer, "Mailed the link to prove the address again to",
		func(ctx context.Context, tx pgx.Tx) ([]msg.Message, error) {
			a, err := web.OrNotFound(lockAccount(ctx, tx, page.Customer.ID))
			switch {
			case err != nil:
				return nil, err
			case a.EmailVerified:
				done.Text = "The address is proved already."
				return nil, errUnchanged
			}
			id, code, err := issueCode(ctx, tx, s.codeKey, a, codeVerify, verifyTTL)
			return []msg.Message{a.mail(msg.MailVerify, id, verifyMailTTL, map[string]string{"code": code})}, err
		})
	return done, err
}

// staffEndSessions logs a member out everywhere.
func (s *server) staffEndSessions(r *http.Request) (adminui.Answer, error) {
	page, err := s.readMemberAct(r)
	if err != nil {
		return nil, err
	}
	err = s.act(r, page.Customer.customer, "Ended all sessions of",
		func(ctx context.Context, tx pgx.Tx) ([]msg.Message, error) {
			a, err := web.OrNotFound(nextVersion(ctx, tx, page.Customer.ID))
			now := time.Now()
			a.PasswordChanged = &now // older sessions end; the password stays
			return []msg.Message{a.credentialsChanged("")}, err
		})
	return adminui.Done{To: page.Customer.path(), Text: "All sessions will end in a moment."}, err
}

// staffUnsubscribe takes a customer off the newsletters, as their own link does.
func (s *server) staffUnsubscribe(r *http.Request) (adminui.Answer, error) {
	page, _, err := s.readAct(r)
	if err != nil {
		return nil, err
	}
	c := page.Customer
	err = s.act(r, c.customer, "Unsubscribed", func(ctx context.Context, tx pgx.Tx) ([]msg.Message, error) {
		who := subscriber{member: c.Kind == kindMember, ID: c.ID, Email: c.Email}
		done, err := unsubscribe(ctx, tx, who, "staff", "")
		if err != nil {
			return nil, err
		}
		events, err := refuseMerged(ctx, tx, c.customer)
		if err == nil && !done && len(events) == 0 {
			err = errUnchanged
		}
		return events, err
	})
	return adminui.Done{To: c.path(), Text: "Gets no newsletters any more."}, err
}

// refuseMerged marks the records that were merged into a customer's as refusing newsletters.
func refuseMerged(ctx context.Context, tx pgx.Tx, c customer) ([]msg.Message, error) {
	prospects, err := refuseMergedProspects(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	var consents []consent
	for _, p := range prospects {
		consents = append(consents, consent{ProspectID: p.ID, What: "marketing-mail", Source: "staff"})
	}
	return prospectEvents(prospects), insertConsents(ctx, tx, consents...)
}

// staffErase erases a person here and, by message, in all services.
func (s *server) staffErase(r *http.Request) (adminui.Answer, error) {
	page, form, err := s.readAct(r)
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(strings.TrimSpace(form.Get("confirm")), page.Customer.Email) {
		page.Erase = page.Erase.WithErrors(adminui.FieldErrors{
			"confirm": "This is not the customer's address."})
		return page.answer(http.StatusUnprocessableEntity), nil
	}
	c := page.Customer.customer
	err = s.outbox.Tx(r.Context(), func(tx pgx.Tx) error {
		if _, err := eraseIn(r.Context(), tx, c.person()); err != nil {
			return err
		}
		return adminui.Record(r, tx, adminui.Act{
			Action: adminui.CustomersErase,
			Kind:   "customer",
			Key:    c.key(),
			Text:   "Erased " + c.key(),
		})
	})
	if err != nil {
		return nil, err
	}
	return adminui.Done{To: "/customers", Text: "Erased here. The other services are told."}, nil
}

// changedEvent tells the other services the present state of a customer.
func changedEvent(ctx context.Context, tx pgx.Tx, c customer) ([]msg.Message, error) {
	if c.Kind == kindMember {
		a, err := web.OrNotFound(lockAccount(ctx, tx, c.ID))
		return []msg.Message{a.event(msg.UserPreferencesChanged)}, err
	}
	p, err := web.OrNotFound(lockProspectByID(ctx, tx, c.ID))
	return []msg.Message{p.event()}, err
}
