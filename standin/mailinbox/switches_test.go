package mailinbox

import (
	"context"
	"errors"
	"net"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	gomail "github.com/wneessen/go-mail"

	"github.com/startupwebapp/startupwebapp/pkg/testenv"
)

// replyCode is the code in an error of net/smtp, 0 for another error.
func replyCode(err error) int {
	if te, ok := errors.AsType[*textproto.Error](err); ok {
		return te.Code
	}
	return 0
}

func TestRefuseCountsMails(t *testing.T) {
	t.Parallel()
	for _, at := range []Stage{AtRcpt, AtData} {
		t.Run(string(at), func(t *testing.T) {
			t.Parallel()
			s, _ := start(t, Config{})
			set(t, s, Switches{Refuse: []Refusal{{At: at, Code: 451, Text: "Greylisted", Count: 2}}})
			for range 2 {
				err := sendRaw(s, note("r@shop", "R", ""), "ada@example.com", "bob@example.com")
				if replyCode(err) != 451 || !strings.Contains(err.Error(), "Greylisted") {
					t.Errorf("refused with %v", err)
				}
			}
			if s.Seen("r@shop") != 0 {
				t.Error("a refused mail was kept")
			}
			if err := sendRaw(s, note("r@shop", "R", "")); err != nil {
				t.Errorf("the third: %v", err)
			}
			if diff := cmp.Diff(Switches{}, s.Switches(), cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(Refusal{})); diff != "" {
				t.Errorf("switches left on: %s", diff)
			}
		})
	}
}

func TestRefuseOneRecipientUntilSwitchedOff(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	set(t, s, Switches{Refuse: []Refusal{{At: AtRcpt, Code: 550, Recipient: "Gone@example.com"}}})
	for range 3 {
		if err := sendRaw(s, note("g@shop", "G", ""), "gone@example.com"); replyCode(err) != 550 {
			t.Errorf("gone: %v", err)
		}
		if err := sendRaw(s, note("k@shop", "K", ""), "kept@example.com"); err != nil {
			t.Errorf("kept: %v", err)
		}
	}
	set(t, s, Switches{})
	if err := sendRaw(s, note("g@shop", "G", ""), "gone@example.com"); err != nil {
		t.Errorf("switched off: %v", err)
	}
}

// TestErrorsSeenByGoMail pins the errors on which the mailer's decisions depend.
func TestErrorsSeenByGoMail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name      string
		sw        Switches
		delivered bool
		code      int
		temporary bool
		kept      int
	}{
		{name: "4xx at RCPT", sw: Switches{Refuse: []Refusal{{At: AtRcpt, Code: 450}}}, code: 450, temporary: true},
		{name: "5xx at RCPT", sw: Switches{Refuse: []Refusal{{At: AtRcpt, Code: 550}}}, code: 550},
		{name: "4xx at DATA", sw: Switches{Refuse: []Refusal{{At: AtData, Code: 452}}}, code: 452, temporary: true},
		{name: "5xx at DATA", sw: Switches{Refuse: []Refusal{{At: AtData, Code: 554}}}, code: 554},
		{name: "421 at DATA", sw: Switches{Refuse: []Refusal{{At: AtData, Code: 421}}}, code: 421, temporary: true},
		{name: "reply lost", sw: Switches{LoseReply: &Times{}}, kept: 1},
		{name: "dropped after the reply", sw: Switches{DropAfterReply: &Times{}}, delivered: true, kept: 1},
	}

	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, _ := start(t, Config{StateDir: t.TempDir()})
			set(t, s, tt.sw)
			m := letter(t, "f@shop", "ada@example.com")
			se := sendErr(t, client(t, s), m)
			if se == nil {
				t.Fatal("no error")
			}
			if m.IsDelivered() != tt.delivered || se.ErrorCode() != tt.code || se.IsTemp() != tt.temporary {
				t.Errorf("delivered %t, code %d, temporary %t: %v", m.IsDelivered(), se.ErrorCode(), se.IsTemp(), se)
			}
			if n := s.Seen("f@shop"); n != tt.kept {
				t.Errorf("kept %d times", n)
			}
			set(t, s, Switches{})
			if se := sendErr(t, client(t, s), letter(t, "after@shop", "ada@example.com")); se != nil {
				t.Errorf("afterwards: %v", se)
			}
		})
	}
}

func TestLostRepliesCountDown(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	set(t, s, Switches{LoseReply: &Times{Count: 1, Recipient: "ada@example.com"}, DropAfterReply: &Times{Count: 1}})
	if err := sendRaw(s, note("b@shop", "B", ""), "bob@example.com"); err == nil {
		t.Error("bob's connection was not dropped") // net/smtp fails at QUIT
	}
	if err := sendRaw(s, note("a@shop", "A", ""), "ada@example.com"); err == nil {
		t.Error("ada's reply was not lost")
	}
	if err := sendRaw(s, note("a@shop", "A", ""), "ada@example.com"); err != nil {
		t.Errorf("both used up: %v", err)
	}
	if a, b := s.Seen("a@shop"), s.Seen("b@shop"); a != 2 || b != 1 {
		t.Errorf("kept %d and %d", a, b)
	}
}

func TestStallHoldsOldAndNewConnections(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	old := client(t, s, gomail.WithTimeout(400*time.Millisecond))
	testenv.Eventually(t, 30*time.Second, "connected", func() bool { return old.DialWithContext(t.Context()) == nil })
	set(t, s, Switches{Stall: &Stall{}})
	if err := old.Send(letter(t, "old@shop", "ada@example.com")); err == nil {
		t.Error("an old connection was served")
	}
	fresh := client(t, s, gomail.WithTimeout(400*time.Millisecond))
	if err := fresh.DialWithContext(t.Context()); err == nil {
		t.Error("a new connection was served")
	} else if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s.Switches().Stall == nil {
		t.Error("the stall isn't shown")
	}
	set(t, s, Switches{})
	if se := sendErr(t, client(t, s), letter(t, "now@shop", "ada@example.com")); se != nil {
		t.Error(se)
	}
	if s.Seen("old@shop") != 0 {
		t.Error("a mail was taken whose client had given up")
	}
}

func TestStallEndsByItself(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	const length = 300 * time.Millisecond
	begin := time.Now()
	set(t, s, Switches{Stall: &Stall{Milliseconds: length.Milliseconds()}})
	if se := sendErr(t, client(t, s), letter(t, "slow@shop", "ada@example.com")); se != nil {
		t.Error(se)
	}
	if d := time.Since(begin); d < length {
		t.Errorf("answered after %v", d)
	}
	if s.Switches().Stall != nil {
		t.Error("an ended stall is still shown")
	}
}

func TestDownAndUpOnTheSamePort(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{SMTPAddr: testenv.Port(t)})
	open := client(t, s)
	if err := open.DialWithContext(t.Context()); err != nil {
		t.Fatal(err)
	}

	for range 3 {
		set(t, s, Switches{Down: true})
		if conn, err := net.Dial("tcp", s.SMTPAddr()); err == nil {
			t.Error("the port is open")
			conn.Close()
		}
		if err := open.Send(letter(t, "cut@shop", "ada@example.com")); err == nil {
			t.Error("an open connection was served")
		}
		set(t, s, Switches{})
		if err := open.DialWithContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	if err := open.Send(letter(t, "up@shop", "ada@example.com")); err != nil {
		t.Error(err)
	}
	if s.Seen("cut@shop") != 0 || s.Seen("up@shop") != 1 {
		t.Error("wrong mails kept")
	}
}

func TestDownAlsoEndsStalledConnections(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	set(t, s, Switches{Stall: &Stall{}})
	conn, err := net.Dial("tcp", s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	set(t, s, Switches{Stall: &Stall{}, Down: true})
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 64); err == nil; {
		_, err = conn.Read(buf)
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		t.Error("the connection is still open")
	}
}

func TestPortTakenWhileDown(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{SMTPAddr: testenv.Port(t)})
	set(t, s, Switches{Down: true})
	thief, err := net.Listen("tcp", s.SMTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.SetSwitches(Switches{}); err == nil {
		t.Error("no word of the taken port")
	}
	if err := thief.Close(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(30 * time.Second)
	for err = sendRaw(s, note("p@shop", "P", "")); err != nil && time.Now().Before(deadline); {
		err = sendRaw(s, note("p@shop", "P", ""))
	}
	if err != nil {
		t.Error(err)
	}
}

func TestStopWhileStalledOrDown(t *testing.T) {
	t.Parallel()
	for _, sw := range []Switches{{Stall: &Stall{}}, {Down: true}} {
		s, stop := start(t, Config{})
		conn, err := net.Dial("tcp", s.SMTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		set(t, s, sw)
		stop()
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongSwitchesChangeNothing(t *testing.T) {
	t.Parallel()
	s, _ := start(t, Config{})
	set(t, s, Switches{LoseReply: &Times{Count: 7}})
	for _, sw := range []Switches{
		{Refuse: []Refusal{{At: "helo", Code: 451}}},
		{Refuse: []Refusal{{At: AtRcpt, Code: 250}}},
		{Refuse: []Refusal{{At: AtRcpt, Code: 451, Text: "two\r\n250 lines"}}},
		{Refuse: []Refusal{{At: AtRcpt, Code: 451, Count: -1}}},
		{Stall: &Stall{Milliseconds: -1}},
		{LoseReply: &Times{Count: -1}},
		{DropAfterReply: &Times{Count: -1}},
	} {
		if err := s.SetSwitches(sw); err == nil {
			t.Errorf("accepted %+v", sw)
		}
	}
	if now := s.Switches(); now.LoseReply == nil || now.LoseReply.Count != 7 {
		t.Errorf("switches are now %+v", now)
	}
}
