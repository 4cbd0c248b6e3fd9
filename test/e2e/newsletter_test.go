package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/pkg/pg"
	"github.com/startupwebapp/startupwebapp/pkg/testenv"
	"github.com/startupwebapp/startupwebapp/test/shoptest"
)

// mailPoints are the steps of sending a mail at which the process dies.
var mailPoints = []string{"mailer.claimed", "mailer.sent", "mailer.noted"}

// A campaign reaches each receiver once, although mailer, broker and database are killed again and
// again meanwhile. NEWSLETTER is the number of receivers, KILLS that of kills, SEED repeats their
// times.
func TestNewsletterReachesEachOnce(t *testing.T) {
	t.Parallel()
	receivers, kills := number(t, "NEWSLETTER", 150), number(t, "KILLS", 3)
	seed := number(t, "SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("NEWSLETTER=%d KILLS=%d SEED=%d", receivers, kills, seed)
	dice := rand.New(rand.NewPCG(uint64(seed), 2)) //nolint:gosec // a campaign, no secret
	broker := testenv.NewBroker(t)
	shop := shoptest.Start(t, shoptest.Options{Faults: true, OwnDatabase: true, Env: []string{"NATS_URL=" + broker.URL()}})
	shop.Exec("mailer", `INSERT INTO recipient (kind, id, email, first_name, last_name, code, newsletter, unsubscribed, token, version)
		SELECT 'member', 1000000 + n, 'reader' || n || '@mail' || n % 50 || '.example.com', 'Reader', '', 'MB' || n, true, false,
		  'T' || n, 1
		FROM generate_series(1, $1::int) AS n`, receivers)
	sendCampaign(t, shop, 2)

	killed := map[string]int{}
	for n := range kills {
		// Some mails are sent, and many are not.
		left := receivers - receivers*(n+1)/(kills+1)
		shop.Eventually(10*time.Minute, fmt.Sprint(left, " mails wait"), func() bool { return waiting(shop) <= left })
		switch n % 3 {
		case 0:
			killed["mailer"]++
			shop.Kill()
			shop.AgainUnseen(fmt.Sprintf("FAULT=%s:%d", mailPoints[dice.IntN(len(mailPoints))], 1+dice.IntN(10)))
			if !opens(shop) || shop.Ended(10*time.Second) { // killed at the step
				killed["mailer"]++
				shop.Again("FAULT=")
			}
		case 1:
			if pid := postmaster(t, shop); pid > 0 && syscall.Kill(pid, syscall.SIGKILL) == nil {
				killed["database"]++
			}
		default:
			killed["broker"]++
			broker.Stop()
			ended := shop.Ended(time.Duration(dice.IntN(2000)) * time.Millisecond)
			broker.Start()
			if ended {
				shop.Again("FAULT=")
			}
		}
	}
	shop.Eventually(10*time.Minute, "all mails are out", func() bool { return waiting(shop) == 0 })
	shop.Eventually(time.Minute, "the campaign has ended",
		func() bool {
			return shop.Count("mailer", `SELECT count(*) FROM campaign WHERE state = 'ended' AND receivers = $1`, receivers) == 1
		})
	ids := messageIDs(t, shop)
	for _, id := range ids {
		if status, text := callShop(t, http.MethodGet, shop.Inbox+"/api/seen?message_id="+url.QueryEscape(id), "", ""); status != 200 ||
			!strings.Contains(text, `"count":1`) {
			t.Errorf("%s: %d %s", id, status, text)
		}
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != receivers {
		t.Errorf("%d mails in the ledger, want %d", n, receivers)
	}
	t.Logf("%d receivers, killed %v", receivers, killed)
}

// sendCampaign starts one of the campaigns that a new shop has, as a person of the staff.
func sendCampaign(t *testing.T, shop *shoptest.Shop, id int) {
	t.Helper()
	a := shop.Staff("mailer").Post(fmt.Sprintf("/staff/campaigns/%d/start", id), "version", "1")
	if a.Status != http.StatusSeeOther {
		t.Fatal(a)
	}
}

// waiting is the number of queued mails of newsletters. It is the number of all mails while the
// database is down.
func waiting(shop *shoptest.Shop) int {
	n := 1 << 30
	err := shop.Database("mailer").QueryRow(context.Background(),
		`SELECT count(*) FROM delivery WHERE kind = 'newsletter' AND state <> 'sent'`).Scan(&n)
	if err != nil {
		return 1 << 30
	}
	return n
}

// messageIDs are the ids of the mails of newsletters.
func messageIDs(t *testing.T, shop *shoptest.Shop) []string {
	t.Helper()
	ids, err := pg.List[string](t.Context(), shop.Database("mailer"), "list mails",
		`SELECT message_id FROM delivery WHERE kind = 'newsletter' AND state = 'sent'`)
	if err != nil {
		t.Fatal(err)
	}
	return ids
}
