package user

import (
	"strings"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// together runs fn n times at once and returns what came back.
func together(n int, fn func(i int) reply) []reply {
	replies := make([]reply, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			replies[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return replies
}

// tally counts answers by their text, versions and descriptions aside; anything but 200 fails.
func tally(t *testing.T, replies []reply) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, r := range replies {
		if r.status != 200 {
			t.Errorf("answered %d %s", r.status, r.body)
		}
		counts[elide(r.body)]++
	}
	return counts
}

func TestRegisteringOneNameAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.is(w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "5"), `{"pythonabot_notify_me":"success"}`)
	counts := tally(t, together(20, func(int) reply {
		return w.post(web.Identity{}, "/user/create-account", form("ann_lee", "ann@mail.example.com")...)
	}))
	unavailable := `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":[{"type":"unavailable","description":"…"}],"email-address":true,"password":true}}`
	if counts[`{"create_account":"true"}`] != 1 || counts[unavailable] != 19 {
		t.Errorf("answers %v", counts)
	}
	if n := w.count(`SELECT count(*) FROM account`); n != 1 || len(w.mails(msg.MailWelcome)) != 1 || len(said[msg.Member](w, msg.UserRegistered)) != 1 {
		t.Errorf("%d accounts, %d mails", n, len(w.mails(msg.MailWelcome)))
	}
}

func TestRegisteringOneAddressAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.receive(placed(t, "A1", "ann@mail.example.com", "code1", false))
	counts := tally(t, together(20, func(i int) reply {
		address := []string{"ann@mail.example.com", "Ann@mail.example.com", "ANN@MAIL.EXAMPLE.COM"}[i%3]
		return w.post(web.Identity{}, "/user/create-account", form("ann_lee"+strings.Repeat("x", i), address)...)
	}))
	full := `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":true,"email-address":[{"type":"not_valid","description":"…"}],"password":true}}`
	if counts[`{"create_account":"true"}`] != maxUnproved || counts[full] != 20-maxUnproved || w.count(`SELECT count(DISTINCT mb_cd) FROM account`) != maxUnproved {
		t.Errorf("answers %v", counts)
	}
}

func TestRedeemingAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	verify := w.lastMail(msg.MailWelcome).Data["code"]
	counts := tally(t, together(20, func(int) reply {
		return w.post(member(id), "/user/verify-email-address-response", "email_verification_code", verify)
	}))
	if counts[`{"verify_email_address_response":"success"}`] != 1 || counts[`{"verify_email_address_response":"code-doesnt-match"}`] != 19 {
		t.Errorf("verification: %v", counts)
	}
	tally(t, together(20, func(int) reply {
		return w.post(web.Identity{}, "/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com")
	}))
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for more := true; more; {
				var err error
				if more, err = w.answerRequest(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if mails := w.mails(msg.MailReset); len(mails) != resetsFree || w.count(`SELECT count(*) FROM code WHERE kind = 'reset' AND superseded IS NULL`) != 1 {
		t.Fatalf("%d reset mails", len(mails))
	}
	counts = map[string]int{}
	for _, mail := range w.mails(msg.MailReset) {
		for answer, n := range tally(t, together(2, func(int) reply { return w.setNew("ann_lee", mail.Data["code"], nextPassword) })) {
			counts[answer] += n
		}
	}
	if counts[`{"set_new_password":"success"}`] != 1 || counts[`{"set_new_password":"code-doesnt-match"}`] != 2*resetsFree-1 {
		t.Errorf("reset: %v", counts)
	}
	counts = tally(t, together(20, func(i int) reply {
		return w.post(member(id), "/user/change-my-password", "current_password", nextPassword, "new_password", goodPassword+strings.Repeat("x", i), "confirm_new_password", goodPassword+strings.Repeat("x", i))
	}))
	if counts[`{"change_my_password":"success"}`] != 1 || len(w.mails(msg.MailPasswordChanged)) != 1 {
		t.Errorf("change: %v", counts)
	}
}

func TestLoggingInAtOnceWhileThePasswordIsRehashed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	w.exec(`UPDATE account SET password = $2 WHERE id = $1`, id, djangoHash)
	counts := tally(t, together(20, func(int) reply {
		return w.post(web.Identity{}, "/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "")
	}))
	if counts[`{"login":"true"}`] != 20 {
		t.Errorf("answers %v", counts)
	}
}

func TestEverythingElseAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.register("ann_lee", "ann@mail.example.com")
	w.exec(`INSERT INTO terms_version (version, note) VALUES (2, 'two')`)
	token := w.account(id).UnsubscribeToken
	for what, c := range map[string]struct {
		fn   func(i int) reply
		want string
		n    int
	}{
		"waiting list": {func(int) reply {
			return w.post(web.Identity{}, "/user/pythonabot-notify-me", "email_address", "x@mail.example.com", "how_excited", "1")
		}, `{"pythonabot_notify_me":"success"}`, 1},
		"chat": {func(int) reply {
			return w.post(web.Identity{}, "/user/put-chat-message", "name", "X", "email_address", "y@mail.example.com", "message", "x")
		}, `{"put_chat_message":"true"}`, 20},
		"terms":        {func(int) reply { return w.post(member(id), "/user/terms-of-use-agree", "version", "2") }, `{"terms_of_use_agree":"success","version":"2"}`, 1},
		"verification": {func(int) reply { return w.get(member(id), "/user/verify-email-address") }, `{"verify_email_address":"verification_email_sent"}`, 20},
		"profile": {func(i int) reply {
			return w.post(member(id), "/user/update-my-information", "firstname", "A", "lastname", "B", "email_address", strings.Repeat("a", i+1)+"@mail.example.com")
		}, `{"update_my_information":"success"}`, 20},
	} {
		if counts := tally(t, together(20, c.fn)); counts[c.want] != c.n {
			t.Errorf("%s: %v", what, counts)
		}
	}
	done := 0
	for _, r := range together(20, func(int) reply { return w.post(web.Identity{}, "/user/email-unsubscribe-confirm", "token", token) }) {
		if strings.Contains(r.body, `"success"`) {
			done++
		}
	}
	if done != 1 {
		t.Errorf("unsubscribed %d times", done)
	}
	if n := w.count(`SELECT count(*) FROM prospect WHERE email LIKE 'y@%'`); n != 1 || w.count(`SELECT count(*) FROM code WHERE used IS NULL AND superseded IS NULL`) != 1 {
		t.Errorf("%d prospects of one address", n)
	}
}
