package order

import (
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// Each setting refuses values that cannot work.
func TestConfigRefusesInvalidSettings(t *testing.T) {
	good := map[string]string{"PUBLIC_URL": "https://shop.example", "SHOP_SECRET": "kVq3Zt9xW7uB2mRf5Yh8Nc4Lp6Ga1Jd0",
		"SHOP_ENV": "production", "STRIPE_SECRET_KEY": "rk_live_1", "STRIPE_API_BASE": ""}
	for setting, wrong := range map[string][]string{
		"":                  {""},
		"STRIPE_SECRET_KEY": {"", "sk_test_1", "rk_test_1", "whsec_1"},
		"STRIPE_API_BASE":   {"api.stripe.com", "/v1", "ftp://api.stripe.com"},
		"PUBLIC_URL":        {"shop.example", "/", "https://bücher.example"},
	} {
		for _, value := range wrong {
			t.Run(setting+"="+value, func(t *testing.T) {
				for name, v := range good {
					t.Setenv(name, v)
				}
				if setting != "" {
					t.Setenv(setting, value)
				}
				_, err := boot.Load[Config]()
				if (err == nil) != (setting == "") || err != nil && !strings.Contains(err.Error(), setting) {
					t.Error(err)
				}
			})
		}
	}
}
