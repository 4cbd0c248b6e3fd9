package user

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// together runs fn n times at once and returns what came back.
func together(n int, fn func(i int) testenv.Answer) []testenv.Answer {
	answers := make([]testenv.Answer, n)
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			answers[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return answers
}

// tally counts answers by their text, apart from version and descriptions; an answer other than 200
// fails the test.
func tally(t *testing.T, answers []testenv.Answer) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, r := range answers {
		if r.Status != 200 {
			t.Errorf("answered %d %s", r.Status, r.Body)
		}
		body, ok := strings.CutSuffix(r.Body, `,"user-api-version":"0.0.1"}`)
		if !ok {
			t.Errorf("no version at the end: %s", r)
		}
		counts[descriptions.ReplaceAllString(body, `"description":"*"`)+"}"]++
	}
	return counts
}

var descriptions = regexp.MustCompile(`"description":"[^"]*"`)

// Of those who register a user name at once one gets it, with one mail and one message.
func TestRegisteringOneNameAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.is(e.Post("/user/pythonabot-notify-me", "email_address", "ann@mail.example.com", "how_excited", "5"),
		`{"pythonabot_notify_me":"success"}`)
	counts := tally(t, together(20, func(int) testenv.Answer {
		return e.Post("/user/create-account", form("ann_lee", "ann@mail.example.com")...)
	}))
	unavailable := `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":[{"type":"unavailable",` +
		`"description":"*"}],"email-address":true,"password":true}}`
	if counts[`{"create_account":"true"}`] != 1 || counts[unavailable] != 19 {
		t.Errorf("answers %v", counts)
	}
	if n := e.Number(`SELECT count(*) FROM account`); n != 1 || len(e.mails(msg.MailWelcome)) != 1 ||
		len(outboxPayloads[msg.Member](e, msg.UserRegistered)) != 1 {
		t.Errorf("%d accounts, %d mails", n, len(e.mails(msg.MailWelcome)))
	}
}

// However many register an address at once, maxUnproved accounts are made.
func TestRegisteringOneAddressAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	e.receive(placed(t, "A1", "ann@mail.example.com", "code1", false))
	counts := tally(t, together(20, func(i int) testenv.Answer {
		address := []string{"ann@mail.example.com", "Ann@mail.example.com", "ANN@MAIL.EXAMPLE.COM"}[i%3]
		return e.Post("/user/create-account", form("ann_lee"+strings.Repeat("x", i), address)...)
	}))
	full := `{"create_account":"false","errors":{"firstname":true,"lastname":true,"username":true,"email-address":[{"type":"not_valid",` +
		`"description":"*"}],"password":true}}`
	if counts[`{"create_account":"true"}`] != maxUnproved || counts[full] != 20-maxUnproved ||
		e.Number(`SELECT count(DISTINCT mb_cd) FROM account`) != maxUnproved {
		t.Errorf("answers %v", counts)
	}
}

// A code is redeemed once, and a password changed once, by whatever number of requests at once.
func TestRedeemingAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	verify := e.lastMail(msg.MailWelcome).Data["code"]

	counts := tally(t, together(20, func(int) testenv.Answer {
		return e.As(member(id)).Post("/user/verify-email-address-response", "email_verification_code", verify)
	}))
	if counts[`{"verify_email_address_response":"success"}`] != 1 || counts[`{"verify_email_address_response":"code-doesnt-match"}`] != 19 {
		t.Errorf("verification: %v", counts)
	}

	// Resets: few are mailed, and the last code counts once.
	tally(t, together(20, func(int) testenv.Answer {
		return e.Post("/user/reset-password", "username", "ann_lee", "email_address", "ann@mail.example.com")
	}))

	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for more := true; more; {
				var err error
				if more, err = e.answerRequest(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if mails := e.mails(msg.MailReset); len(mails) != resetsFree ||
		e.Number(`SELECT count(*) FROM code WHERE kind = 'reset' AND superseded IS NULL`) != 1 {
		t.Fatalf("%d reset mails", len(mails))
	}

	counts = map[string]int{}
	for _, mail := range e.mails(msg.MailReset) {
		for answer, n := range tally(t, together(2,
			func(int) testenv.Answer { return e.setNew("ann_lee", mail.Data["code"], nextPassword) })) {
			counts[answer] += n
		}
	}
	if counts[`{"set_new_password":"success"}`] != 1 || counts[`{"set_new_password":"code-doesnt-match"}`] != 2*resetsFree-1 {
		t.Errorf("reset: %v", counts)
	}

	// Changes of the password.
	counts = tally(t, together(20, func(i int) testenv.Answer {
		return e.As(member(id)).Post("/user/change-my-password", "current_password", nextPassword, "new_password",
			goodPassword+strings.Repeat("x", i), "confirm_new_password", goodPassword+strings.Repeat("x", i))
	}))
	if counts[`{"change_my_password":"success"}`] != 1 || len(e.mails(msg.MailPasswordChanged)) != 1 {
		t.Errorf("change: %v", counts)
	}
}

// Each of the logins that renew an outdated hash at once succeeds.
func TestLoggingInAtOnceWhileThePasswordIsRehashed(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	e.Exec(`UPDATE account SET password = $2 WHERE id = $1`, id, djangoHash)
	counts := tally(t, together(20, func(int) testenv.Answer {
		return e.Post("/user/login", "username", "ann_lee", "password", djangoPassword, "remember_me", "")
	}))
	if counts[`{"login":"true"}`] != 20 {
		t.Errorf("answers %v", counts)
	}
}

// Other requests that come at once take effect once each, or as often as they should.
func TestOtherRequestsAtOnce(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	id := e.register("ann_lee", "ann@mail.example.com")
	e.Exec(`INSERT INTO terms_version (version, note) VALUES (2, 'two')`)
	token := e.account(id).UnsubscribeToken

	for what, c := range map[string]struct {
		fn   func(i int) testenv.Answer
		want string
		n    int
	}{
		"waiting list": {func(int) testenv.Answer {
			return e.Post("/user/pythonabot-notify-me", "email_address", "x@mail.example.com", "how_excited", "1")
		}, `{"pythonabot_notify_me":"success"}`, 1},
		"chat": {func(int) testenv.Answer {
			return e.Post("/user/put-chat-message", "name", "X", "email_address", "y@mail.example.com", "message", "x")
		}, `{"put_chat_message":"true"}`, 20},
		"terms": {func(int) testenv.Answer { return e.As(member(id)).Post("/user/terms-of-use-agree", "version", "2") },
			`{"terms_of_use_agree":"success","version":"2"}`, 1},
		"verification": {func(int) testenv.Answer { return e.As(member(id)).Get("/user/verify-email-address") },
			`{"verify_email_address":"verification_email_sent"}`, 20},
		"profile": {func(i int) testenv.Answer {
			return e.As(member(id)).Post("/user/update-my-information", "firstname", "A", "lastname", "B", "email_address",
				strings.Repeat("a", i+1)+"@mail.example.com")
		}, `{"update_my_information":"success"}`, 20},
	} {
		if counts := tally(t, together(20, c.fn)); counts[c.want] != c.n {
			t.Errorf("%s: %v", what, counts)
		}
	}

	done := 0
	for _, r := range together(20, func(int) testenv.Answer { return e.Post("/user/email-unsubscribe-confirm", "token", token) }) {
		if strings.Contains(r.Body, `"success"`) {
			done++
		}
	}
	if done != 1 {
		t.Errorf("unsubscribed %d times", done)
	}

	if n := e.Number(`SELECT count(*) FROM prospect WHERE email LIKE 'y@%'`); n != 1 ||
		e.Number(`SELECT count(*) FROM code WHERE used IS NULL AND superseded IS NULL`) != 1 {
		t.Errorf("%d prospects of one address", n)
	}
}
