package user

import (
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// verifyEmailAddress mails a fresh verification code and voids earlier ones. Old pages ask for it
// with GET, so that edge sends the request to another process if the first one dies: that one mails
// nothing if a code went out a moment ago.
func (s *server) verifyEmailAddress(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "verify_email_address"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	ctx := r.Context()
	err := s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		a, found, err := lockAccount(ctx, tx, who.MemberID)
		if err != nil {
			return err
		}
		if !found {
			return errUnchanged
		}
		if web.SentAgain(r) {
			if out, err := justIssued(ctx, tx, a.ID, codeVerify); err != nil || out {
				return err
			}
		}

		id, code, err := issueCode(ctx, tx, s.codeKey, a, codeVerify, verifyTTL)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, a.mail(msg.MailVerify, id, verifyMailTTL, map[string]string{"code": code}))
	})

	if errors.Is(err, errUnchanged) { // erased since the session began
		return answerOutcome(w, endpoint, notAuthenticated)
	}
	if err != nil {
		return err
	}
	return answerOutcome(w, endpoint, "verification_email_sent")
}

// verifyEmailAddressResponse redeems a code. From then on the address is the member's: chat
// messages move here, orders move by the event.
func (s *server) verifyEmailAddressResponse(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "verify_email_address_response"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	code, err := form.Required("email_verification_code")
	if err != nil {
		return err
	}

	if outcome := readCode(s.codeKey, codeVerify, code, time.Now()); outcome != "" {
		return answerOutcome(w, endpoint, outcome)
	}

	done, err := s.redeemVerification(r, who.MemberID, code)
	if err != nil {
		return err
	}
	if !done {
		return answerOutcome(w, endpoint, codeForeign)
	}
	return answerOutcome(w, endpoint, "success")
}

func (s *server) redeemVerification(r *http.Request, member int64, code string) (done bool, err error) {
	ctx := r.Context()
	var verified msg.Message
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		a, found, err := lockAccount(ctx, tx, member)
		if err != nil {
			return err
		}
		email, err := redeemCode(ctx, tx, member, codeVerify, code)
		if err != nil {
			return err
		}
		if done = found && email == a.Email && email != ""; !done {
			return errUnchanged
		}

		if p := a.atProved(); p.Email != a.Email { // codes that were mailed there must not reset anything any longer
			if err := voidCodes(ctx, tx, member, codeReset); err != nil {
				return err
			}
		}

		if a, _, err = markVerified(ctx, tx, member); err != nil {
			return err
		}
		if err := adoptChatMessages(ctx, tx, a); err != nil {
			return err
		}
		if err := adoptBought(ctx, tx, a); err != nil {
			return err
		}

		verified = a.event(msg.UserEmailVerified)
		messages := []msg.Message{verified}
		// The address may have become the member's after registration, or a prospect may have come
		// since.
		converted, err := convertProspects(ctx, tx, a)
		if err != nil {
			return err
		}
		messages = append(messages, prospectEvents(converted)...)

		if a.Newsletter { // asked for when registering, and by the owner of the address now
			lifted, err := liftRefusals(ctx, tx, a.Email)
			if err != nil {
				return err
			}
			messages = append(messages, prospectEvents(lifted)...)
		}
		return bus.Enqueue(ctx, tx, messages...)
	})

	if errors.Is(err, errUnchanged) {
		return false, nil
	}
	if err == nil {
		s.outbox.Await(ctx, msg.OrderUser, verified.Key) // the account page comes next, with the orders
	}
	return done, err
}
