package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// steer does to sessions what user's answer asks for, before the shopper sees the answer. Whatever
// cannot be done makes the answer say so: nobody is told of a login that is none.
func (e *server) steer(r *http.Request, v *visit, res *http.Response, header string) error {
	var change web.SessionChange
	if err := json.Unmarshal([]byte(header), &change); err != nil {
		return fmt.Errorf("read a session change: %w", err)
	}
	if change.At.IsZero() {
		change.At = time.Now()
	}
	// What user has done is done: a client that leaves must not keep a session from being ended.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), 5*time.Second)
	defer cancel()
	switch {
	case change.Open && r.URL.Path == "/user/create-account":
		if err := e.open(ctx, v, res, change, "register"); err != nil {
			web.Note(r, "session_error", err.Error())
			return replaceJSON(res, web.Object{{Key: "create_account", Value: "created_but_login_failed"}, apiVersion})
		}
		e.bindAnonymous(res.Header, v, change.Member.ID)
		return nil
	case change.Open:
		err := e.open(ctx, v, res, change, "login")
		if errors.Is(err, errOvertaken) {
			return replaceJSON(res, web.Object{{Key: "login", Value: "false"}, apiVersion})
		}
		if err != nil {
			return web.Unavailable(err)
		}
		e.setCookie(res.Header, cartCookie, "", -1)
		e.bindAnonymous(res.Header, v, change.Member.ID)
		return nil
	case change.Renew:
		if err := e.renew(ctx, v, res, change.At); err != nil {
			web.Note(r, "session_error", err.Error())
			return replaceJSON(res, web.Object{{Key: "change_my_password", Value: "changed_password_but_login_failed"}, apiVersion})
		}
	case change.EndAll:
		e.endAll(ctx, r, v, res, change.Member.ID)
		e.remember(res.Header, v, change.Member.Username) // the code of the mail proved whose it is
	case change.Update:
		if err := updateSessions(ctx, e.pool, change.Member); err != nil {
			web.Note(r, "session_error", err.Error()) // user's message about the change does it later
		}
		e.revoke(change.Member.ID)
	}
	return nil
}

// errOvertaken is a login whose password changed, or whose member was erased, before edge heard of it.
var errOvertaken = errors.New("the login was overtaken by a change of the password or an erasure")

// open starts a session and hands the visitor's cart over. The session comes first, since nobody
// has its token yet: should the cart stay where it is, nothing has happened.
func (e *server) open(ctx context.Context, v *visit, res *http.Response, change web.SessionChange, mode string) error {
	token, h := newToken()
	opened, ended, err := openSession(ctx, e.pool, login{
		hash: h[:], member: change.Member, remember: change.Remember, at: change.At, device: device(v.agent), place: place(v.client),
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
	if change.Merge && v.cart != "" {
		if err := e.handCartOver(ctx, v, change.Member, mode); err != nil {
			// A session whose token nobody knows harms nobody, should this fail too; it expires.
			return errors.Join(err, endSession(ctx, e.pool, h[:]))
		}
	}
	if v.session != nil { // whoever the browser was before, it is no more
		if err := endSession(ctx, e.pool, v.session.TokenHash); err != nil {
			return err
		}
		e.revoke(v.session.MemberID)
	}
	e.hand(res.Header, token, h, change.Remember)
	e.remember(res.Header, v, change.Member.Username)
	return nil
}

func (e *server) handCartOver(ctx context.Context, v *visit, m web.SessionMember, mode string) error {
	id := web.Identity{
		MemberID: m.ID, Username: m.Username, FirstName: m.FirstName, LastName: m.LastName, Email: m.Email, Code: m.Code,
		Cart: v.cart, Client: v.client.String(),
	}
	var merged struct{}
	if err := e.ask(ctx, http.MethodPost, e.settings.order, "/internal/cart-merge", url.Values{"mode": {mode}}, id, &merged); err != nil {
		return fmt.Errorf("hand a cart over: %w", err)
	}
	return nil
}

// hand gives the browser a session and the CSRF token that goes with it.
func (e *server) hand(header http.Header, token string, h hash, remember bool) {
	life := time.Duration(0)
	if remember {
		life = sessionLife
	}
	e.setCookie(header, sessionCookie, token, life)
	s := session{TokenHash: h[:]}
	e.setCookie(header, csrfCookie, e.newCSRF(s.hexHash()), csrfLife)
}

// renew gives the asking session a new token and ends the member's others.
func (e *server) renew(ctx context.Context, v *visit, res *http.Response, at time.Time) error {
	if v.session == nil {
		return fmt.Errorf("renew a session: the request has none")
	}
	token, h := newToken()
	renewed, err := renewSession(ctx, e.pool, v.session.TokenHash, h[:], v.session.MemberID, at)
	e.revoke(v.session.MemberID)
	if err != nil {
		return err
	}
	if !renewed {
		e.leave(res.Header)
		return fmt.Errorf("renew a session of member %d: it has ended meanwhile", v.session.MemberID)
	}
	e.hand(res.Header, token, h, v.session.Remember)
	e.remember(res.Header, v, v.session.Username)
	return nil
}

// endAll ends every session of a member. Should the database be away, user's message about the
// changed password ends them later.
func (e *server) endAll(ctx context.Context, r *http.Request, v *visit, res *http.Response, memberID int64) {
	if err := endSessions(ctx, e.pool, memberID); err != nil {
		web.Note(r, "session_error", err.Error())
	}
	e.revoke(memberID)
	if v.session != nil && v.session.MemberID == memberID {
		e.leave(res.Header)
	}
}

// leave makes the browser a visitor's: no session, and a token that is good for a visitor.
func (e *server) leave(h http.Header) {
	e.setCookie(h, sessionCookie, "", -1)
	e.setCookie(h, csrfCookie, e.newCSRF((&visit{}).binding()), csrfLife)
}
