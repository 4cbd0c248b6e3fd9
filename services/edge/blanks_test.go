package edge

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// User names are compared without surrounding blanks, so blanks do not give a guesser further
// counters.
func TestBlanksAroundANameShareItsLimit(t *testing.T) {
	t.Parallel()
	e := newEnv(t)
	refused := 0
	for i := range 40 {
		b := e.browser()
		b.Header = http.Header{"X-Forwarded-For": {fmt.Sprintf("203.0.113.%d", i+1)}}
		a := b.Post("/user/login", "username", strings.Repeat(" ", i)+"ann_lee\t", "password", "wrong", "remember_me", "false")
		if a.Status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("40 wrong logins of one account were let through")
	}
}
