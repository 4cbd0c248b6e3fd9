package allinone

import (
	"fmt"
	"io"
	"strings"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// PrintKeys prints each service's keys as lines of .env, derived from SHOP_SECRET, and returns the
// exit code. A deployment that gave all services the secret can switch to keys with it: what the
// secret signed stays valid.
func PrintKeys(out, stderr io.Writer) int {
	cfg, err := boot.Load[boot.Keys]()
	if err == nil && cfg.ShopSecret == "" {
		err = fmt.Errorf("SHOP_SECRET is not set")
	}
	if err != nil {
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return 2
	}
	var lines strings.Builder
	for _, service := range boot.KeyedServices() {
		fmt.Fprintf(&lines, "%s_KEYS=%s\n", strings.ToUpper(service), boot.KeysFor(service, cfg.ShopSecret).ShopKeys)
	}
	fmt.Fprintf(&lines, "STAFF_KEY=%s\n", boot.StaffPublic(cfg.ShopSecret))
	if _, err := io.WriteString(out, lines.String()); err != nil {
		fmt.Fprintf(stderr, "shop: %v\n", err)
		return 1
	}
	return 0
}
