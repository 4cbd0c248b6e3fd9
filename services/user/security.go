package user

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// Requests that log in, or that could help to log in as another person, say in their log line how
// they ended, for which account and from which network: enough to see an attack, without anybody's
// name or address.

// security logs the outcome of an endpoint that authenticates, or changes what authenticates.
func (s *server) security(h web.Handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		rec := &outcomeRecorder{ResponseWriter: w}
		err := h(rec, r)
		who := web.Who(r)
		name := who.Username
		if name == "" {
			name = typedName(r.PostForm.Get("username"))
		}
		if name != "" {
			web.Note(r, "account", s.accountMark(name))
		}
		web.Note(r, "network", web.LogNetwork(who.Client))
		if outcome := rec.outcome(); outcome != "" {
			web.Note(r, "outcome", outcome)
		}
		return err
	}
}

// accountMark stands for a user name in logs: the same for the same name, from which no one can
// find the name without the shop's secret.
func (s *server) accountMark(username string) string { return web.MAC(s.logKey, username)[:16] }

// outcomeRecorder keeps the beginning of an answer: its first field is the outcome.
type outcomeRecorder struct {
	http.ResponseWriter
	head []byte
}

// maxOutcome is how much of an answer is recorded, in bytes.
const maxOutcome = 4096

// Write implements http.ResponseWriter.
func (r *outcomeRecorder) Write(b []byte) (int, error) {
	r.head = append(r.head, b[:min(len(b), maxOutcome-len(r.head))]...)
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the real writer.
func (r *outcomeRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// outcome is the value of the answer's first field, one of the contract's words, or "".
func (r *outcomeRecorder) outcome() string {
	var fields []string
	in := json.NewDecoder(bytes.NewReader(r.head))
	for range 3 { // the brace, the name, the value
		token, err := in.Token()
		if err != nil {
			return ""
		}
		if text, ok := token.(string); ok {
			fields = append(fields, text)
		}
	}

	if len(fields) != 2 {
		return ""
	}
	switch fields[1] {
	case "true":
		return "success"
	case "false":
		return "failed"
	}
	return fields[1]
}
