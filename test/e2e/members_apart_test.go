package e2e

import (
	"net/http"
	"strings"
	"testing"
)

// A member of one shop is a stranger in another, whatever the cookie is called there. A CSRF token
// of one shop is not valid in the other.
func membersStayAtHome(t *testing.T, a, b *neighbor) {
	member, visitor := a.Browser(), a.Browser()
	visitor.Get("/user/token")
	member.Get("/user/token")
	member.Want(member.Post("/user/create-account", "firstname", "Ann", "lastname", "Lee", "username", "ann_lee", "email_address",
		"ann@mail.example.com", "password", password, "confirm_password", password, "newsletter", "false", "remember_me", "false"),
		"true", "create_account")

	session, token := member.Cookie("sessionid_"+a.name), visitor.Cookie("csrftoken")
	if session == "" || token == "" {
		t.Fatalf("session %q, token %q", session, token)
	}

	// The session, then the token.
	for shop, home := range map[*neighbor]bool{a: true, b: false} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, shop.URL+"/user/logged-in", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sessionid", "sessionid_" + shop.name} {
			r.AddCookie(&http.Cookie{Name: name, Value: session})
		}
		if answer, err := shop.Browser().Do(r); err != nil || answer.At("logged_in") != home {
			t.Errorf("a session of %s at %s: %v %s, want %t", a.name, shop.name, err, answer.Body, home)
		}

		r, err = http.NewRequestWithContext(t.Context(), http.MethodPost, shop.URL+"/order/cart-add-product-sku",
			strings.NewReader("sku_id=6&quantity=1"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", shop.URL)
		r.Header.Set("X-CSRFToken", token)
		r.AddCookie(&http.Cookie{Name: "csrftoken", Value: token})
		if answer, err := shop.Browser().Do(r); err != nil || (answer.Status == http.StatusOK) != home ||
			!home && answer.Status != http.StatusForbidden {
			t.Errorf("a token of %s at %s: %v %d %s", a.name, shop.name, err, answer.Status, answer.Body)
		}
	}
}
