package user

import (
	"context"
	"errors"
	"net/http"

	"github.com/jackc/pgx/v5"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// The contract's codes of unsubscribe calls. Its token-altered and token-invalid cannot arise: a
// token is random through and through and found as it is stored, so an altered one is unknown.
const (
	tokenRequired       = "token-required"
	tokenUnknown        = "member-not-found"
	alreadyUnsubscribed = "email-address-already-unsubscribed"
)

// subscriber is whoever an unsubscribe token belongs to.
type subscriber struct {
	member       bool // else a prospect
	id           int64
	email        string
	unsubscribed bool
}

// readToken reads the token of a link; a member's wins. Old pages send an empty one for a token that
// they have not got.
func readToken(v web.Values) (token string, member, sent bool) {
	if token = v.Get("token"); token != "" {
		return token, true, true
	}
	token = v.Get("pr_token")
	return token, false, token != ""
}

// unsubscribeError is the refusal of all three calls.
func unsubscribeError(w http.ResponseWriter, endpoint, code string) error {
	return answer(w, endpoint, "error", refusal(web.Object{{Key: "error", Value: code}}))
}

// emailUnsubscribeLookup shows, masked, whose link it is.
func (s *service) emailUnsubscribeLookup(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "email_unsubscribe_lookup"
	query, err := web.Query(r)
	if err != nil { // a link that was garbled on its way holds no token of ours
		return unsubscribeError(w, endpoint, tokenUnknown)
	}
	token, member, sent := readToken(query)
	if !sent {
		return unsubscribeError(w, endpoint, tokenRequired)
	}
	who, found, err := findSubscriber(r.Context(), s.pool, token, member)
	switch {
	case err != nil:
		return err
	case !found:
		return unsubscribeError(w, endpoint, tokenUnknown)
	case who.unsubscribed:
		return unsubscribeError(w, endpoint, alreadyUnsubscribed)
	}
	return answer(w, endpoint, "success", web.Field{Key: "email_address", Value: maskEmail(who.email)})
}

// emailUnsubscribeConfirm unsubscribes and replaces the token; the new one is for the reasons.
func (s *service) emailUnsubscribeConfirm(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "email_unsubscribe_confirm"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	token, member, sent := readToken(form)
	if !sent {
		return unsubscribeError(w, endpoint, tokenRequired)
	}
	ctx := r.Context()
	var who subscriber
	outcome, fresh := "", unsubscribeToken()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		outcome = ""
		var found bool
		if who, found, err = findSubscriber(ctx, tx, token, member); err != nil {
			return err
		}
		switch {
		case !found:
			outcome = tokenUnknown
		case who.unsubscribed:
			outcome = alreadyUnsubscribed
		}
		if outcome != "" {
			return errUnchanged
		}
		done, err := unsubscribe(ctx, tx, who, token, fresh)
		if err != nil {
			return err
		}
		if !done { // a parallel call replaced the token
			outcome = tokenUnknown
			return errUnchanged
		}
		return nil
	})
	if errors.Is(err, errUnchanged) {
		return unsubscribeError(w, endpoint, outcome)
	}
	if err != nil {
		return err
	}
	return answer(w, endpoint, "success", web.Field{Key: "email_address", Value: maskEmail(who.email)}, web.Field{Key: "token", Value: fresh})
}

// unsubscribe stores that somebody wants no mail, and tells the other services.
func unsubscribe(ctx context.Context, tx pgx.Tx, who subscriber, token, fresh string) (done bool, err error) {
	var event msg.Message
	c := consent{What: "marketing-mail", Source: "unsubscribe link"}
	if who.member {
		a, found, err := unsubscribeMember(ctx, tx, who.id, token, fresh)
		if err != nil || !found {
			return false, err
		}
		c.MemberID, event = a.ID, a.event(msg.UserPreferencesChanged)
	} else {
		p, found, err := unsubscribeProspect(ctx, tx, who.id, token, fresh)
		if err != nil || !found {
			return false, err
		}
		c.ProspectID, event = p.ID, p.event()
	}
	if err := keepConsents(ctx, tx, c); err != nil {
		return false, err
	}
	return true, bus.Enqueue(ctx, tx, event)
}

// emailUnsubscribeWhy keeps the reasons; the token only has to exist.
func (s *service) emailUnsubscribeWhy(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "email_unsubscribe_why"
	form, err := web.Form(w, r)
	if err != nil {
		return err
	}
	token, member, sent := readToken(form)
	if !sent {
		return unsubscribeError(w, endpoint, tokenRequired)
	}
	who, found, err := findSubscriber(r.Context(), s.pool, token, member)
	if err != nil {
		return err
	}
	if !found {
		return unsubscribeError(w, endpoint, tokenUnknown)
	}
	why, err := readReasons(form)
	if err != nil {
		return err
	}
	if err := insertReasons(r.Context(), s.pool, who, why); err != nil {
		return err
	}
	return answer(w, endpoint, "success")
}
