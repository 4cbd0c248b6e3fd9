package mailer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// seenTimeout bounds a request to the mail system.
const seenTimeout = 5 * time.Second

// seenClient follows no redirects: only the configured address can tell what was accepted.
var seenClient = &http.Client{Timeout: seenTimeout,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// countAccepted asks the mail system how many mails with this Message-ID it has accepted.
func (s *server) countAccepted(ctx context.Context, messageID string) (int, error) {
	u, err := url.Parse(s.cfg.MailSeenURL)
	if err != nil {
		return 0, fmt.Errorf("read MAIL_SEEN_URL: %w", err)
	}
	q := u.Query()
	q.Set("message_id", messageID)
	u.RawQuery = q.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return 0, fmt.Errorf("ask for a mail: %w", err)
	}

	answer, err := seenClient.Do(r)
	if err != nil {
		return 0, fmt.Errorf("ask for a mail: %w", err)
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("ask for a mail: answered %d", answer.StatusCode)
	}

	var found struct {
		Count *int `json:"count"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&found); err != nil {
		return 0, fmt.Errorf("ask for a mail: %w", err)
	}
	if found.Count == nil {
		return 0, errors.New("ask for a mail: the answer holds no count")
	}

	return *found.Count, nil
}
