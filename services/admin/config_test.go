package admin

import "testing"

// The back office needs a host name without a path, and https in production unless it is localhost.
func TestAddressOfTheBackOffice(t *testing.T) {
	t.Parallel()
	for address, production := range map[string]bool{"https://admin.shop.example": true, "http://localhost:8086": true,
		"http://admin.shop.example": false} {
		t.Run(address, func(t *testing.T) {
			c := Config{URL: address, UserURL: "http://u", OrderURL: "http://o", EventsURL: "http://e", MailerURL: "http://m",
				WebhookURL: "http://w", EdgeURL: "http://edge", PublicURL: "http://shop"}
			c.ShopEnv, c.LogLevel = "development", "info"
			if err := c.Validate(); err != nil {
				t.Errorf("%s: %v", address, err)
			}
			c.ShopEnv = "production"
			if err := c.Validate(); (err == nil) != production {
				t.Errorf("%s in production: %v", address, err)
			}
			c.ShopEnv, c.URL = "development", "http://127.0.0.1:8086"
			if err := c.Validate(); err == nil {
				t.Error("an address without a name is taken")
			}
			c.URL = address + "/path"
			if err := c.Validate(); err == nil {
				t.Errorf("%s is taken", c.URL)
			}
		})
	}
}
