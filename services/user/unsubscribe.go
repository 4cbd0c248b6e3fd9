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

// The contract's codes for unsubscribe calls. Its token-altered and token-invalid cannot occur: a
// token is random throughout and looked up as it is, so an altered one is unknown.
const (
	tokenRequired       = "token-required"
	tokenUnknown        = "member-not-found"
	alreadyUnsubscribed = "email-address-already-unsubscribed"
)

// subscriber is the person that an unsubscribe token belongs to.
type subscriber struct {
	ID           int64
	Email        string
	Unsubscribed bool
	Spent        bool // the token is a former one that has unsubscribed the person

	member bool // otherwise a prospect
}

// readToken reads the token of a link; a member's wins. Old pages send an empty token if they have
// none: it counts as sent, and belongs to no one.
func readToken(v web.Values) (token string, member, sent bool) {
	token, sent = v.Lookup("token")
	if token != "" {
		return token, true, true
	}
	token, prospect := v.Lookup("pr_token")
	return token, false, sent || prospect
}

// refusal is the contract's code for a token that has nothing to unsubscribe, or "". A former token
// that was used counts as unknown while it has nothing to do: the answer to it contained a new one.
func (who subscriber) refusal(found bool) string {
	switch {
	case !found || who.Spent && who.Unsubscribed:
		return tokenUnknown
	case who.Unsubscribed:
		return alreadyUnsubscribed
	}
	return ""
}

// unsubscribeError sends the refusal of all three calls.
func unsubscribeError(w http.ResponseWriter, endpoint, code string) error {
	return refuse(w, endpoint, "error", errorCode{code})
}

// emailUnsubscribeLookup shows, masked, the address that a link belongs to.
func (s *server) emailUnsubscribeLookup(w http.ResponseWriter, r *http.Request) error {
	const endpoint = "email_unsubscribe_lookup"
	query, err := web.Query(r)
	if err != nil { // a link that was garbled on its way has no token of ours
		return unsubscribeError(w, endpoint, tokenUnknown)
	}
	token, member, sent := readToken(query)
	if !sent {
		return unsubscribeError(w, endpoint, tokenRequired)
	}
	who, found, err := findSubscriber(r.Context(), s.pool, token, member)
	if err != nil {
		return err
	}
	if code := who.refusal(found); code != "" {
		return unsubscribeError(w, endpoint, code)
	}
	return answer(w, struct {
		Outcome string `json:"email_unsubscribe_lookup"`
		Email   string `json:"email_address"`
		versioned
	}{Outcome: "success", Email: maskEmail(who.Email)})
}

// emailUnsubscribeConfirm unsubscribes and replaces the token; the new one is for sending the
// reasons.
func (s *server) emailUnsubscribeConfirm(w http.ResponseWriter, r *http.Request) error {
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
		if outcome = who.refusal(found); outcome != "" {
			return errUnchanged
		}
		done, err := unsubscribe(ctx, tx, who, "unsubscribe link", fresh)
		if err != nil {
			return err
		}
		if !done { // a parallel call was faster
			outcome = tokenUnknown
			return errUnchanged
		}
		return upsertFormerToken(ctx, tx, who, token, true)
	})

	if errors.Is(err, errUnchanged) {
		return unsubscribeError(w, endpoint, outcome)
	}
	if err != nil {
		return err
	}

	return answer(w, struct {
		Outcome string `json:"email_unsubscribe_confirm"`
		Email   string `json:"email_address"`
		Token   string `json:"token"`
		versioned
	}{Outcome: "success", Email: maskEmail(who.Email), Token: fresh})
}

// internalUnsubscribe serves the button of a mail program (RFC 8058), called through edge. It needs
// nothing but the token, and may be repeated. It replaces no token, since there is no page that
// would get the new one.
func (s *server) internalUnsubscribe(w http.ResponseWriter, r *http.Request) error {
	query, err := web.Query(r)
	if err != nil {
		return err
	}

	token, member, _ := readToken(query)
	ctx := r.Context()
	err = s.outbox.Tx(ctx, func(tx pgx.Tx) error {
		who, found, err := findSubscriber(ctx, tx, token, member)
		if err != nil {
			return err
		}
		if !found {
			return web.NotFound()
		}
		_, err = unsubscribe(ctx, tx, who, "button of a mail program", "")
		return err
	})

	if err != nil {
		return err
	}
	return web.JSON(w, http.StatusOK, struct {
		Unsubscribed bool `json:"unsubscribed"`
	}{true})
}

// unsubscribe stores that a person wants no mail, under whatever spelling of the address they are
// known, and tells the other services. done is false if the token's owner was unsubscribed already.
// A fresh token, if given, replaces the owner's.
func unsubscribe(ctx context.Context, tx pgx.Tx, who subscriber, source, fresh string) (done bool, err error) {
	done, proved, err := unsubscribeOwner(ctx, tx, who, source, fresh)
	if err != nil || !done || !proved {
		return done, err
	}
	return true, unsubscribeOthers(ctx, tx, who, source)
}

// unsubscribeOwner unsubscribes the token's owner alone. proved says that the owner speaks for the
// address: a prospect does, whom the token reached there, but a member only after proving it.
func unsubscribeOwner(ctx context.Context, tx pgx.Tx, who subscriber, source,
	fresh string) (done, proved bool, err error) {
	var event msg.Message
	c := consent{What: "marketing-mail", Source: source}
	if who.member {
		a, found, err := lockAccount(ctx, tx, who.ID)
		if err != nil || !found || a.Unsubscribed {
			return false, false, err
		}
		old := a.UnsubscribeToken
		if a, _, err = unsubscribeMember(ctx, tx, who.ID, fresh); err != nil {
			return false, false, err
		}
		if err := replacedToken(ctx, tx, who, old, a.UnsubscribeToken); err != nil {
			return false, false, err
		}
		proved = a.EmailVerified
		c.MemberID, event = a.ID, a.event(msg.UserPreferencesChanged)
	} else {
		p, open, err := lockOpenProspect(ctx, tx, who.ID)
		if err != nil || !open {
			return false, false, err
		}
		old := p.UnsubscribeToken
		if p, _, err = unsubscribeProspect(ctx, tx, who.ID, fresh); err != nil {
			return false, false, err
		}
		if err := replacedToken(ctx, tx, who, old, p.UnsubscribeToken); err != nil {
			return false, false, err
		}
		proved = true
		c.ProspectID, event = p.ID, p.event()
	}

	if err := insertConsents(ctx, tx, c); err != nil {
		return false, false, err
	}
	return true, proved, bus.Enqueue(ctx, tx, event)
}

// unsubscribeOthers does so for all other records of the address, and for those that were merged
// into this one: they are one person's, and "no" wins. Their tokens stay.
func unsubscribeOthers(ctx context.Context, tx pgx.Tx, who subscriber, source string) error {
	member, prospect := who.ID, int64(0)
	if !who.member {
		member, prospect = 0, who.ID
	}
	accounts, err := unsubscribeMembers(ctx, tx, who.Email, member)
	if err != nil {
		return err
	}
	prospects, err := refuseProspects(ctx, tx, who.Email, prospect)
	if err != nil {
		return err
	}

	record := customer{Kind: kindProspect, ID: who.ID}
	if who.member {
		record.Kind = kindMember
	}
	merged, err := refuseMergedProspects(ctx, tx, record)
	if err != nil {
		return err
	}
	prospects = append(prospects, merged...)

	events := prospectEvents(prospects)
	var consents []consent
	for _, a := range accounts {
		consents = append(consents, consent{MemberID: a.ID, What: "marketing-mail", Source: source})
		events = append(events, a.event(msg.UserPreferencesChanged))
	}
	for _, p := range prospects {
		consents = append(consents, consent{ProspectID: p.ID, What: "marketing-mail", Source: source})
	}

	if err := insertConsents(ctx, tx, consents...); err != nil {
		return err
	}
	return bus.Enqueue(ctx, tx, events...)
}

// emailUnsubscribeWhy stores the reasons; the token only has to exist.
func (s *server) emailUnsubscribeWhy(w http.ResponseWriter, r *http.Request) error {
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
	if !found || who.Spent && who.Unsubscribed {
		return unsubscribeError(w, endpoint, tokenUnknown)
	}

	why, err := readReasons(form)
	if err != nil {
		return err
	}
	if err := insertReasons(r.Context(), s.pool, who, why); err != nil {
		return err
	}
	return answerOutcome(w, endpoint, "success")
}
