package e2e

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/adminui"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// TestKilledWhileAccountsAreMerged: the shop is killed at any moment while staff merge two accounts
// and a payment of the closed one arrives. Afterwards one account has the orders of both, each
// once, and no one is logged in to a closed account.
func TestKilledWhileAccountsAreMerged(t *testing.T) {
	t.Parallel()
	shop := shoptest.Start(t, shoptest.Options{Env: quickSweep})
	const people = 6
	var pairs [people][2]int // the account that stays, and the other
	var others [people]*shoptest.Browser
	var sessions [people]string
	buy := func(b *shoptest.Browser, name string) {
		session := b.Checkout("6", "1", "")
		shop.Pay(session, payAs(name+"@mail.example.com"))
		b.Want(b.Success(session), "success", pageOfSuccess)
	}
	id := func(name string) int { return shop.Count("user", `SELECT id FROM account WHERE username = $1`, name) }
	for i := range people {
		one, other := shop.Browser(), shop.Browser()
		stays, closes := register(one, fmt.Sprintf("stays%d_", i)), register(other, fmt.Sprintf("closes%d_", i))
		buy(one, stays)
		buy(other, closes)
		sessions[i] = other.Checkout("6", "2", "")
		pairs[i], others[i] = [2]int{id(stays), id(closes)}, other
	}
	shop.Quiet(time.Minute)

	var actions []func()
	staff := shop.Staff("user")
	for i, pair := range pairs {
		actions = append(actions, func() { mergeAccounts(shop, staff, pair) },
			func() { _ = shop.TryPay(sessions[i], payAs(fmt.Sprintf("late%d@mail.example.com", i))) })
	}
	meanwhile(shop, 1500*time.Millisecond, actions...)
	staff = shop.Staff("user")
	for i, pair := range pairs {
		if mergeAccounts(shop, staff, pair) {
			t.Logf("pair %d was merged before the kill", i)
		}
		_ = shop.TryPay(sessions[i], payAs(fmt.Sprintf("late%d@mail.example.com", i)))
	}
	shop.Check(time.Minute)
	for i, pair := range pairs {
		shop.Eventually(time.Minute, "the orders are one's, and counted", func() bool {
			orders := shop.Count("order", `SELECT count(*) FROM orders WHERE member_id = $1`, pair[0])
			return orders == 3 && orders == shop.Count("user", `SELECT orders FROM account WHERE id = $1`, pair[0]) &&
				orders == shop.Count("user", `SELECT count(*) FROM bought WHERE member_id = $1`, pair[0])
		})
		if n := shop.Count("order", `SELECT count(*) FROM orders WHERE member_id = $1`, pair[1]); n != 0 {
			t.Errorf("%d orders are left", n)
		}
		if others[i].Get("/user/logged-in").At("logged_in") == true {
			t.Error("someone is logged in to a closed account")
		}
	}
}

// mergeAccounts merges two accounts, as staff who have just looked at them, while the shop may be
// down. closed says that an earlier try succeeded.
func mergeAccounts(shop *shoptest.Shop, staff *testenv.Client, pair [2]int) (closed bool) {
	versions := [2]int64{}
	for i, id := range pair {
		if err := shop.Database("user").QueryRow(context.Background(), `SELECT version FROM account WHERE id = $1`,
			id).Scan(&versions[i]); err != nil {
			return false
		}
	}
	form := []string{"version", fmt.Sprint(versions[0]), "other_version", fmt.Sprint(versions[1])}
	r := staff.Request(http.MethodPost, fmt.Sprintf("/staff/customers/member-%d/accounts/%d", pair[0], pair[1]), form...)
	body := []byte(testenv.Form(form...).Encode())
	if err := adminui.Sign(r, staff.Staff.Key, staff.Staff.Service, body, staff.Staff.Identity); err != nil {
		return false
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	a, err := client.Do(r)
	if err != nil {
		return false
	}
	defer a.Body.Close() //nolint:errcheck // nothing is read
	return a.StatusCode == http.StatusUnprocessableEntity
}
