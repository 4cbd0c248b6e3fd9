package edge

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/bus"
	"github.com/startupwebapp/startupwebapp/pkg/msg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// userOutbox sends messages as user does.
func userOutbox(t *testing.T, e *env) (send func(m msg.Message), empty func() bool) {
	t.Helper()
	pool := testenv.Pool(t, "user", bus.Tables())
	outbox := bus.NewOutbox(e.broker.Bus("user"), pool)
	testenv.Run(t, outbox.Run)
	send = func(m msg.Message) {
		t.Helper()
		testenv.Enqueue(t, outbox, m)
	}
	return send, func() bool {
		return testenv.DB{TB: t, Conn: pool}.Number(`SELECT count(*) FROM outbox WHERE 'edge-user' = ANY(pending)`) == 0
	}
}

func TestCredentialsMessageEndsOlderSessions(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	send, empty := userOutbox(t, e)
	old, renewed, later := e.browser(), e.browser(), e.browser()
	renewed.login()
	hash := ""
	e.user.on("GET /user/email-unsubscribe-lookup", func(_ http.ResponseWriter, r seen) { hash = r.id.Session })
	renewed.Get("/user/email-unsubscribe-lookup")
	old.login()
	var at time.Time
	if err := e.pool.QueryRow(t.Context(), `SELECT clock_timestamp()`).Scan(&at); err != nil {
		t.Fatal(err)
	}

	renewed.Post("/user/change-my-password") // ends old at once
	if old.member() {
		t.Error("a session outlives the password change")
	}
	later.login()
	send(msg.Message{Key: "credentials:1", Subject: msg.UserCredentialsChanged,
		Payload: msg.CredentialsChanged{MemberID: ann.ID, KeepSession: hash, At: at}})
	testenv.Eventually(t, 30*time.Second, "the message handled", empty)
	if !renewed.member() || !later.member() {
		t.Errorf("the message about the change ended newer sessions: renewed %v, later %v", renewed.member(), later.member())
	}

	// The message does the same if edge could not act on user's answer.
	send(msg.Message{Key: "credentials:2", Subject: msg.UserCredentialsChanged,
		Payload: msg.CredentialsChanged{MemberID: ann.ID, At: time.Now().Add(time.Second)}})
	testenv.Eventually(t, 30*time.Second, "both sessions ended", func() bool { return !renewed.member() && !later.member() })
}

// A login with the right password opens no session if the password changed before edge opened it.
func TestLoginOvertakenByAPasswordChange(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	send, empty := userOutbox(t, e)
	checked := time.Now()
	e.user.on("POST /user/login", changes(`{"login":"true","user-api-version":"0.0.1"}`, func(seen) web.SessionChange {
		return web.SessionChange{Action: web.SessionOpen, At: checked, Member: ann,
			Overtaken: []byte(`{"login":"false","user-api-version":"0.0.1"}`)}
	}))
	early, late := e.browser(), e.browser()
	early.Post("/user/login")
	if !early.member() {
		t.Fatal("not logged in")
	}

	send(msg.Message{Key: "credentials:1", Subject: msg.UserCredentialsChanged,
		Payload: msg.CredentialsChanged{MemberID: ann.ID, At: checked.Add(time.Microsecond)}})
	testenv.Eventually(t, 20*time.Second, "the message handled", empty)
	a := late.Post("/user/login")
	a.Has(http.StatusOK, `{"login":"false"`)
	if early.member() || late.member() || a.Cookie(sessionCookie) != nil {
		t.Error("a session opened with the former password outlives the change")
	}

	checked = checked.Add(time.Second)
	late.Post("/user/login")
	if !late.member() {
		t.Error("no login after the change")
	}
}

func TestProfileAndErasureMessages(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	send, empty := userOutbox(t, e)
	b := e.browser()
	b.login()
	changed := msg.Member{ID: ann.ID, Username: ann.Username, FirstName: "Anna", LastName: "Lee", Email: "anna@mail.example.com",
		Code: ann.Code, Version: 3}
	send(msg.Message{Key: "profile:3", Subject: msg.UserProfileChanged, Payload: changed})
	testenv.Eventually(t, 30*time.Second, "the new name",
		func() bool { return strings.Contains(b.Get("/user/logged-in").Body, `"first_name":"Anna"`) })
	changed.Version, changed.FirstName = 2, "Old"
	send(msg.Message{Key: "profile:2", Subject: msg.UserProfileChanged, Payload: changed})
	testenv.Eventually(t, 30*time.Second, "the late message handled", empty)
	b.Get("/user/logged-in").Has(http.StatusOK, `"first_name":"Anna"`)
	send(msg.Message{Key: "erased:1", Subject: msg.UserErased, Payload: msg.Erased{MemberID: ann.ID}})
	testenv.Eventually(t, 30*time.Second, "the session gone", func() bool { return !b.member() })
	if n := e.Number(`SELECT count(*) FROM session`); n != 0 {
		t.Errorf("%d sessions of an erased member", n)
	}
}

func TestExpiredSessionsAreRefusedAndDeleted(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	b := e.browser()
	b.login("remember_me", "true")
	e.Exec(`UPDATE session SET expires_at = now() - interval '1 second'`)
	e.server.sessions.evictAll()
	if b.member() {
		t.Error("an expired session counts")
	}
	for _, task := range e.server.housekeeping() {
		if _, err := task.Do(t.Context(), e.pool); err != nil {
			t.Errorf("%s: %v", task.Name, err)
		}
	}
	if n := e.Number(`SELECT count(*) FROM session`); n != 0 {
		t.Errorf("%d expired sessions are kept", n)
	}
}
