package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// sessionChangeTimeout bounds the session change of one answer.
const sessionChangeTimeout = 5 * time.Second

// applySessionChange changes sessions as user's answer asks, before the shopper sees the answer. If
// a step fails it replaces the answer, so that no shopper sees "logged in" without a session.
func (s *server) applySessionChange(res *http.Response, req *request, header string) error {
	if header == "" {
		return nil
	}
	var change web.SessionChange
	if err := json.Unmarshal([]byte(header), &change); err != nil {
		return fmt.Errorf("read a session change: %w", err)
	}
	if change.At.IsZero() {
		change.At = time.Now()
	}

	// User has acted already: a client that disconnects must not keep a session from being ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(res.Request.Context()), sessionChangeTimeout)
	defer cancel()
	var err error
	switch change.Action {
	case web.SessionOpen:
		err = s.open(ctx, req, res.Header, change)
	case web.SessionRenew:
		err = s.renew(ctx, req, res.Header, change.At)
	case web.SessionEndAll:
		s.endAll(ctx, res.Request, res.Header, change.Member)
	case web.SessionUpdate:
		s.update(ctx, res.Request, change.Member)
	default:
		err = fmt.Errorf("session action %q is not known", change.Action)
	}
	if err != nil {
		return sessionFailed(res, change, err)
	}

	return nil
}

// sessionFailed replaces user's answer by the one that user provides for a failed session change.
func sessionFailed(res *http.Response, change web.SessionChange, err error) error {
	instead := change.Failed
	if errors.Is(err, errOvertaken) && change.Overtaken != nil {
		instead = change.Overtaken
	}
	if instead == nil {
		return web.Unavailable(err)
	}
	web.Note(res.Request, "session_error", err.Error())
	return replaceBody(res, "application/json", instead)
}

// errOvertaken is about a login whose password changed, or whose member was erased, before edge got
// the answer.
var errOvertaken = errors.New("the login was overtaken by a change of the password or an erasure")

// open starts a session and moves the visitor's cart to the member. The session comes first, since
// no one knows its token yet: if moving the cart fails, nothing has happened.
func (s *server) open(ctx context.Context, req *request, answer http.Header, change web.SessionChange) error {
	token, h := newToken()
	opened, ended, err := openSession(ctx, s.pool, login{
		hash: h[:], member: change.Member, remember: change.Remember, at: change.At, device: device(req.agent),
		place: place(req.client),
	})
	if err != nil {
		return err
	}
	if ended > 0 {
		s.revoke(change.Member.ID)
	}
	if !opened {
		return errOvertaken
	}
	if req.cart != "" {
		if err := s.mergeCart(ctx, req, change.Member); err != nil {
			// A session whose token was never sent does no harm if this fails, too; it expires.
			return errors.Join(err, endSession(ctx, s.pool, h[:]))
		}
	}
	if req.session != nil { // the browser's former session, of any person
		if err := endSession(ctx, s.pool, req.session.TokenHash); err != nil {
			return err
		}
		s.revoke(req.session.MemberID)
	}

	s.setSession(answer, token, h, change.Remember)
	s.remember(answer, req, change.Member.Username)
	s.bindAnonymous(answer, req, change.Member.ID)
	if !change.KeepCart {
		s.setCookie(answer, cartCookie, "", -1)
	}

	return nil
}

// mergeCart makes order move the visitor's cart to a member.
func (s *server) mergeCart(ctx context.Context, req *request, m web.SessionMember) error {
	id := web.Identity{
		MemberID:  m.ID,
		Username:  m.Username,
		FirstName: m.FirstName,
		LastName:  m.LastName,
		Email:     m.Email,
		Code:      m.Code,
		Cart:      req.cart,
		Client:    req.client.String(),
	}
	var merged struct{}
	if err := s.ask(ctx, s.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/cart-merge", ID: id},
		&merged); err != nil {
		return fmt.Errorf("merge a visitor's cart: %w", err)
	}
	return nil
}

// renew gives the current session a new token and ends the member's others.
func (s *server) renew(ctx context.Context, req *request, answer http.Header, at time.Time) error {
	if req.session == nil {
		return fmt.Errorf("renew a session: the request has none")
	}
	token, h := newToken()
	renewed, err := renewSession(ctx, s.pool, req.session.TokenHash, h[:], req.session.MemberID, at)
	s.revoke(req.session.MemberID)
	if err != nil {
		return err
	}
	if !renewed {
		s.clearSession(answer)
		return fmt.Errorf("renew a session of member %d: it has ended in the meantime", req.session.MemberID)
	}
	s.setSession(answer, token, h, req.session.Remember)
	s.remember(answer, req, req.session.Username)
	return nil
}

// endAll ends all sessions of a member who has proved to be the owner by a mailed code. If the
// database is unavailable, user's message about the changed password ends them later.
func (s *server) endAll(ctx context.Context, r *http.Request, answer http.Header, m web.SessionMember) {
	req := requestOf(r)
	if err := endSessions(ctx, s.pool, m.ID); err != nil {
		web.Note(r, "session_error", err.Error())
	}
	s.revoke(m.ID)
	if req.session != nil && req.session.MemberID == m.ID {
		s.clearSession(answer)
	}
	s.remember(answer, req, m.Username)
}

// update writes a member's changed name or address into the sessions. If the database is
// unavailable, user's message about the change does it later.
func (s *server) update(ctx context.Context, r *http.Request, m web.SessionMember) {
	if err := updateSessions(ctx, s.pool, m); err != nil {
		web.Note(r, "session_error", err.Error())
	}
	s.revoke(m.ID)
}

// setSession gives the browser a session and the CSRF token that goes with it.
func (s *server) setSession(answer http.Header, token string, h hash, remember bool) {
	ttl := time.Duration(0)
	if remember {
		ttl = sessionTTL
	}
	s.setCookie(answer, sessionCookie, token, ttl)
	sess := session{TokenHash: h[:]}
	s.setCookie(answer, csrfCookie, s.newCSRF(sess.hexHash()), csrfTTL)
}

// clearSession makes the browser a visitor's: no session, and a visitor's token.
func (s *server) clearSession(answer http.Header) {
	s.setCookie(answer, sessionCookie, "", -1)
	s.setCookie(answer, csrfCookie, s.newCSRF(visitorBinding), csrfTTL)
}
