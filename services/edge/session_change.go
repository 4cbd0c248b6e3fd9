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

// sessionChangeTimeout bounds what one answer does to sessions.
const sessionChangeTimeout = 5 * time.Second

// applySessionChange does to sessions what user's answer asks for, before the shopper sees the answer.
// If a step fails the answer says so, so that no shopper sees "logged in" without a session.
func (e *server) applySessionChange(res *http.Response, req *request, header string) error {
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
	// What user has done is done: a client that disconnects must not keep a session from being ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(res.Request.Context()), sessionChangeTimeout)
	defer cancel()
	var err error
	switch change.Action {
	case web.SessionOpen:
		err = e.open(ctx, req, res.Header, change)
	case web.SessionRenew:
		err = e.renew(ctx, req, res.Header, change.At)
	case web.SessionEndAll:
		e.endAll(ctx, res.Request, res.Header, change.Member)
	case web.SessionUpdate:
		e.update(ctx, res.Request, change.Member)
	default:
		err = fmt.Errorf("session action %q is not known", change.Action)
	}
	if err != nil {
		return sessionFailed(res, change, err)
	}
	return nil
}

// sessionFailed gives the answer that user wants given when its session change could not be done.
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

// errOvertaken is a login whose password changed, or whose member was erased, before edge heard of it.
var errOvertaken = errors.New("the login was overtaken by a change of the password or an erasure")

// open starts a session and moves the visitor's cart to the member. The session comes first, since its
// token is not known to anyone yet: should the cart stay where it is, nothing has happened.
func (e *server) open(ctx context.Context, req *request, answer http.Header, change web.SessionChange) error {
	token, h := newToken()
	opened, ended, err := openSession(ctx, e.pool, login{
		hash: h[:], member: change.Member, remember: change.Remember, at: change.At, device: device(req.agent),
		place: place(req.client),
	})
	if err != nil {
		return err
	}
	if ended > 0 {
		e.revoke(change.Member.ID)
	}
	if !opened {
		return errOvertaken
	}
	if req.cart != "" {
		if err := e.mergeCart(ctx, req, change.Member); err != nil {
			// A session whose token was never sent does no harm, should this fail too; it expires.
			return errors.Join(err, endSession(ctx, e.pool, h[:]))
		}
	}
	if req.session != nil { // the browser's former session, of whichever member
		if err := endSession(ctx, e.pool, req.session.TokenHash); err != nil {
			return err
		}
		e.revoke(req.session.MemberID)
	}
	e.setSession(answer, token, h, change.Remember)
	e.remember(answer, req, change.Member.Username)
	e.bindAnonymous(answer, req, change.Member.ID)
	if !change.KeepCart {
		e.setCookie(answer, cartCookie, "", -1)
	}
	return nil
}

// mergeCart has order give the visitor's cart to a member.
func (e *server) mergeCart(ctx context.Context, req *request, m web.SessionMember) error {
	id := web.Identity{
		MemberID: m.ID, Username: m.Username, FirstName: m.FirstName, LastName: m.LastName, Email: m.Email,
		Code: m.Code, Cart: req.cart, Client: req.client.String(),
	}
	var merged struct{}
	if err := e.ask(ctx, e.owners.order, web.Call{Method: http.MethodPost, Path: "/internal/cart-merge", ID: id},
		&merged); err != nil {
		return fmt.Errorf("merge a visitor's cart: %w", err)
	}
	return nil
}

// renew gives the asking session a new token and ends the member's others.
func (e *server) renew(ctx context.Context, req *request, answer http.Header, at time.Time) error {
	if req.session == nil {
		return fmt.Errorf("renew a session: the request has none")
	}
	token, h := newToken()
	renewed, err := renewSession(ctx, e.pool, req.session.TokenHash, h[:], req.session.MemberID, at)
	e.revoke(req.session.MemberID)
	if err != nil {
		return err
	}
	if !renewed {
		e.clearSession(answer)
		return fmt.Errorf("renew a session of member %d: it has ended meanwhile", req.session.MemberID)
	}
	e.setSession(answer, token, h, req.session.Remember)
	e.remember(answer, req, req.session.Username)
	return nil
}

// endAll ends every session of a member, who has proved to be the owner by a code of a mail. Should the
// database be away, user's message about the changed password ends them later.
func (e *server) endAll(ctx context.Context, r *http.Request, answer http.Header, m web.SessionMember) {
	req := requestOf(r)
	if err := endSessions(ctx, e.pool, m.ID); err != nil {
		web.Note(r, "session_error", err.Error())
	}
	e.revoke(m.ID)
	if req.session != nil && req.session.MemberID == m.ID {
		e.clearSession(answer)
	}
	e.remember(answer, req, m.Username)
}

// update writes a member's changed name or address into the sessions. Should the database be away,
// user's message about the change does it later.
func (e *server) update(ctx context.Context, r *http.Request, m web.SessionMember) {
	if err := updateSessions(ctx, e.pool, m); err != nil {
		web.Note(r, "session_error", err.Error())
	}
	e.revoke(m.ID)
}

// setSession gives the browser a session and the CSRF token that goes with it.
func (e *server) setSession(answer http.Header, token string, h hash, remember bool) {
	life := time.Duration(0)
	if remember {
		life = sessionLife
	}
	e.setCookie(answer, sessionCookie, token, life)
	s := session{TokenHash: h[:]}
	e.setCookie(answer, csrfCookie, e.newCSRF(s.hexHash()), csrfLife)
}

// clearSession makes the browser a visitor's: no session, and a token that is good for a visitor.
func (e *server) clearSession(answer http.Header) {
	e.setCookie(answer, sessionCookie, "", -1)
	e.setCookie(answer, csrfCookie, e.newCSRF(visitorBinding), csrfLife)
}
