package user

import (
	"context"
	"errors"
	"net/http"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// reasons are a person's reasons to unsubscribe.
type reasons struct {
	NoLongerWant, NeverSignedUp, Inappropriate, Spam bool
	Other                                            string
}

func (r reasons) any() bool {
	return r.NoLongerWant || r.NeverSignedUp || r.Inappropriate || r.Spam || r.Other != ""
}

func readReasons(form web.Values) (reasons, error) {
	v, err := required(form, "no_longer_want_to_receive", "never_signed_up", "inappropriate", "spam", "other")
	if err != nil {
		return reasons{}, err
	}
	if utf8.RuneCountInString(v[4]) > maxText {
		return reasons{}, web.BadRequest("other")
	}
	return reasons{isTrue(v[0]), isTrue(v[1]), isTrue(v[2]), isTrue(v[3]), v[4]}, nil
}

// updateCommunicationPreferences sets the two switches of the account page.
func (s *server) updateCommunicationPreferences(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "update_communication_preferences"
	who := web.Who(r)
	if !who.Member() {
		return answerOutcome(w, endpoint, notAuthenticated)
	}

	form, err := web.Form(w, r)
	if err != nil {
		return err
	}

	news, sentNews := form.Lookup("newsletter")
	unsubscribe, sentUnsubscribe := form.Lookup("email_unsubscribe")
	if !sentNews || !sentUnsubscribe {
		return refuse(w, endpoint, "errors", web.Object{{Key: "data_missing", Value: "Please set both switches."}})
	}
	if isTrue(news) && isTrue(unsubscribe) {
		return refuse(w, endpoint, "errors", web.Object{{Key: "invalid_data",
			Value: "You cannot get the newsletter and be unsubscribed from all mails."}})
	}

	why, err := readReasons(form)
	if err != nil {
		return err
	}
	found, err := s.changePreferences(r, who.MemberID, isTrue(news), isTrue(unsubscribe), why)
	if err != nil {
		return err
	}

	if !found { // erased since the session began
		return answerOutcome(w, endpoint, notAuthenticated)
	}
	return answerOutcome(w, endpoint, "success")
}

func (s *server) changePreferences(r *http.Request, id int64, news, unsubscribe bool,
	why reasons) (found bool, err error) {
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		var a account
		a, found, err = lockAccount(ctx, tx, id)
		if err != nil {
			return err
		}
		if !found {
			return errUnchanged
		}

		if why.any() {
			if err := insertReasons(ctx, tx, subscriber{member: true, ID: id}, why); err != nil {
				return err
			}
		}

		var consents []consent
		if a.Newsletter != news {
			consents = append(consents, consent{MemberID: id, What: "newsletter", Given: news, Source: "account page"})
		}
		if a.Unsubscribed != unsubscribe {
			consents = append(consents, consent{
				MemberID: id,
				What:     "marketing-mail",
				Given:    !unsubscribe,
				Source:   "account page",
			})
			if err := upsertFormerToken(ctx, tx, subscriber{member: true, ID: id}, a.UnsubscribeToken,
				false); err != nil {
				return err
			}
			a.UnsubscribeToken = unsubscribeToken()
		}

		if len(consents) == 0 {
			return nil
		}
		if err := insertConsents(ctx, tx, consents...); err != nil {
			return err
		}

		asked, refused := news && !a.Newsletter, unsubscribe && !a.Unsubscribed
		a.Newsletter, a.Unsubscribed = news, unsubscribe
		if a, _, err = updatePreferences(ctx, tx, a); err != nil {
			return err
		}
		if err := bus.Enqueue(ctx, tx, a.event(msg.UserPreferencesChanged)); err != nil {
			return err
		}
		return choiceForAddress(ctx, tx, a, asked, refused)
	})

	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return found, err
}

// choiceForAddress makes the choice of a member who has proved the address count for all its
// spellings: "no" for all records, "yes" for those that refused without an account.
func choiceForAddress(ctx context.Context, tx pgx.Tx, a account, asked, refused bool) error {
	switch {
	case !a.EmailVerified:
		return nil
	case refused:
		return unsubscribeOthers(ctx, tx, subscriber{member: true, ID: a.ID, Email: a.Email}, "account page")
	case asked:
		lifted, err := liftRefusals(ctx, tx, a.Email)
		if err != nil {
			return err
		}
		return bus.Enqueue(ctx, tx, prospectEvents(lifted)...)
	}
	return nil
}
