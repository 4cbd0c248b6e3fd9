package bench

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// visitor is a browser that prepares a measurement.
type visitor struct {
	base   *url.URL
	client http.Client
}

func (s *shop) visitor() (*visitor, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make a cookie jar: %w", err)
	}
	v := &visitor{&url.URL{Scheme: "http", Host: s.addr}, http.Client{Jar: jar, Timeout: 30 * time.Second}}
	_, err = v.do(http.MethodGet, "/user/token", nil) // sets the token's cookie
	return v, err
}

// post sends a form, pairs of name and value, and wants one text in the answer.
func (v *visitor) post(path, want string, pairs ...string) (map[string]any, error) {
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	body, err := v.do(http.MethodPost, path, form)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(string(body), want) {
		return nil, fmt.Errorf("%s answers %s", path, body)
	}
	var answer map[string]any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s answers %s: %w", path, body, err)
	}
	return answer, nil
}

func (v *visitor) do(method, path string, form url.Values) ([]byte, error) {
	//nolint:noctx // the client has a timeout
	r, err := http.NewRequest(method, v.base.String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make a request to %s: %w", path, err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-CSRFToken", v.cookie("csrftoken"))
	}
	answer, err := v.client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", path, err)
	}
	defer answer.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s: %s", path, answer.Status, body)
	}
	return body, nil
}

func (v *visitor) cookie(name string) string {
	for _, c := range v.client.Jar.Cookies(v.base) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// cookies is the header that this browser sends.
func (v *visitor) cookies() string {
	var all []string
	for _, c := range v.client.Jar.Cookies(v.base) {
		all = append(all, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(all, "; ")
}

// password is that of every member of a run.
const password = "Nine green bottles 42!"

// register makes the browser's visitor a member.
func (v *visitor) register(name string) error {
	_, err := v.post("/user/create-account", `"create_account":"true"`, "firstname", "Ann", "lastname", "Lee",
		"username", name,
		"email_address", name+"@mail.example.com", "password", password, "confirm_password", password, "newsletter",
		"false", "remember_me",
		"false")
	return err
}
