package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// password satisfies the rules of passwords.
const password = "Correct-Horse!7"

// payAs are options for Pay. The session's address wins if it has one.
func payAs(email string) []byte { return fmt.Appendf(nil, `{"email":%q}`, email) }

// checkOut opens a payment page for what is in the cart of a visitor.
func checkOut(b *shoptest.Browser, email string) shoptest.Answer {
	return b.Post(pageOfCheckout, "agree_to_terms_of_sale", "true", "anonymous_email_address", email)
}

// register makes a member, who is logged in afterwards, with a username that begins with name.
func register(b *shoptest.Browser, name string) (username string) {
	username = fmt.Sprintf("%s%d", name, time.Now().UnixNano())
	b.Want(b.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", username, "email_address",
		username+"@mail.example.com",
		"password", "Zebra!river42", "confirm_password", "Zebra!river42", "newsletter", "false", "remember_me", "false"), "true",
		"create_account")
	return username
}

// try sends a form and accepts that no one answers.
func try(b *shoptest.Browser, path string, pairs ...string) shoptest.Answer {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	a, err := b.Try("POST", path, form)
	if err != nil {
		return shoptest.Answer{}
	}
	return a
}

// readAll is the body of an answer.
func readAll(t *testing.T, w *http.Response) string {
	t.Helper()
	defer w.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// want checks that an answer has a key, with a value unless it is "".
func want(a shoptest.Answer, err error) func(key, value string) error {
	return func(key, value string) error {
		switch {
		case err != nil:
			return err
		case a.At(key) == nil || value != "" && a.Text(key) != value:
			return fmt.Errorf("answered %d %s", a.Status, a.Body)
		}
		return nil
	}
}

// retryTimeout is how long a shopper tries again while the shop is down.
const retryTimeout = 60 * time.Second

// insist repeats a step until it succeeds.
func insist(do func() error) error {
	deadline := time.Now().Add(retryTimeout)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := do()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) || strings.Contains(err.Error(), "checkout-not-allowed") {
			return errors.Join(errors.New("tried for too long"), err)
		}
		<-tick.C
	}
}

// quickSweep makes the sweep run within a second.
var quickSweep = []string{"SWEEP_EVERY=200ms", "SWEEP_AFTER=300ms"}

// withID is an event under another id.
func withID(t *testing.T, event []byte, id string) []byte { return withField(t, event, "id", id) }

// withField is an event with another value in one of its own fields.
func withField(t *testing.T, event []byte, name string, value any) []byte {
	t.Helper()
	var fields map[string]any
	if err := json.Unmarshal(event, &fields); err != nil {
		t.Fatal(err)
	}
	fields[name] = value
	changed, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return changed
}

// withObject is an event with another value in a field of its object.
func withObject(t *testing.T, event []byte, name string, value any) []byte {
	t.Helper()
	var e struct {
		Data struct {
			Object json.RawMessage `json:"object"`
		} `json:"data"`
	}
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	return withField(t, event, "data", map[string]json.RawMessage{"object": withField(t, e.Data.Object, name, value)})
}
