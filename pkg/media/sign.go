package media

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// login holds the credentials for a bucket's server.
type login struct{ key, secret, token string }

func (l login) get(context.Context, *http.Client) (login, error) { return l, nil }

// rights provide the credentials.
type rights interface {
	get(ctx context.Context, client *http.Client) (login, error)
}

// taskRights are the credentials that AWS gives a task, valid for some hours, at an address that it
// sets.
type taskRights struct {
	mu  sync.Mutex
	own login
	end time.Time
}

// renewBefore is how long before their end rights are asked for again.
const renewBefore = 5 * time.Minute

func (t *taskRights) get(ctx context.Context, client *http.Client) (login, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if time.Until(t.end) > renewBefore {
		return t.own, nil
	}

	at := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if relative := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); relative != "" {
		at = "http://169.254.170.2" + relative
	}
	if at == "" {
		return login{}, errors.New("MEDIA_URL has no key, and this process is not an AWS task with rights of its own")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return login{}, fmt.Errorf("ask for the task's rights: %w", err)
	}

	r.Header.Set("Authorization", os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN"))
	w, err := client.Do(r)
	if err != nil {
		return login{}, fmt.Errorf("ask for the task's rights: %w", err)
	}
	defer w.Body.Close() //nolint:errcheck // it was read
	var got struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		Token           string
		Expiration      time.Time
	}

	err = json.NewDecoder(w.Body).Decode(&got)
	if err != nil || w.StatusCode != http.StatusOK || got.AccessKeyID == "" {
		return login{}, errors.Join(fmt.Errorf("the task was given no rights: %s", w.Status), err)
	}
	t.own, t.end = login{got.AccessKeyID, got.SecretAccessKey, got.Token}, got.Expiration
	return t.own, nil
}

// sign adds a signature with the credentials to a request, as AWS requires it (Signature Version
// 4). All headers that are set are signed.
func sign(r *http.Request, who login, region string, body []byte, now time.Time) {
	sum := sha256.Sum256(body)
	moment := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", moment)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	if who.token != "" {
		r.Header.Set("X-Amz-Security-Token", who.token)
	}
	lines := []string{"host:" + r.URL.Host}

	names := []string{"host"}
	for name := range r.Header {
		names = append(names, strings.ToLower(name))
		lines = append(lines, strings.ToLower(name)+":"+strings.TrimSpace(r.Header.Get(name)))
	}
	slices.Sort(names)
	slices.SortFunc(lines, func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return strings.Compare(a, b)
	})

	signed := strings.Join(names, ";")
	request := sha256.Sum256([]byte(strings.Join([]string{r.Method, r.URL.EscapedPath(), "", strings.Join(lines, "\n"),
		"", signed, hex.EncodeToString(sum[:])}, "\n")))
	scope := moment[:8] + "/" + region + "/s3/aws4_request"
	key := []byte("AWS4" + who.secret)
	for _, part := range strings.Split(scope, "/") {
		key = mac(key, part)
	}
	text := strings.Join([]string{"AWS4-HMAC-SHA256", moment, scope, hex.EncodeToString(request[:])}, "\n")
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s,SignedHeaders=%s,Signature=%x",
		who.key, scope, signed, mac(key, text)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) //nolint:errcheck // never fails
	return h.Sum(nil)
}

// escape writes a path as signatures want it: all but letters, digits, -._~ and / in hexadecimal
// digits.
func escape(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
