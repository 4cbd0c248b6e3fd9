package boot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/web"
)

// healthTimeout is less than what a container engine waits for a health check.
const healthTimeout = 4 * time.Second

// health asks the process of the same environment whether it is ready: a container's health check
// without a second program in its image.
func health(ctx context.Context) error {
	addr := os.Getenv("METRICS_ADDR")
	if addr == "" {
		return errors.New("METRICS_ADDR is not set, so no one answers /readyz")
	}
	addr, err := web.Reachable(addr)
	if err != nil {
		return fmt.Errorf("METRICS_ADDR: %w", err)
	}

	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask for /readyz: %w", err)
	}
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("ask for /readyz: %w", err)
	}
	if err := w.Body.Close(); err != nil {
		return fmt.Errorf("ask for /readyz: %w", err)
	}

	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: /readyz answers %s", w.Status)
	}
	return nil
}
