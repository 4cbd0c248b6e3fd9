package webhook

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	stripe "github.com/stripe/stripe-go/v76/webhook"
)

// sign makes the header with Stripe's own library, so that the two implementations check each
// other.
func sign(at time.Time, body, secret string) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), stripe.ComputeSignature(at, []byte(body), secret))
}

// A signature is accepted only if it is by one of the secrets, of this body, and within the
// tolerance.
func TestVerify(t *testing.T) {
	t.Parallel()
	synctest.Test(t, testVerify) // the clock of a bubble stands still
}

func testVerify(t *testing.T) {
	now := time.Now()
	const body = `{"id":"evt_1"}`
	good := sign(now, body, "whsec_new")
	mac := strings.SplitN(good, "v1=", 2)[1]
	wrong := strings.Repeat("ab", 32)
	for name, c := range map[string]struct {
		header, secrets string
		want            error
	}{
		"good":                               {good, "whsec_new", nil},
		"the old secret of two":              {sign(now, body, "whsec_old"), "whsec_new whsec_old", nil},
		"the new secret of two":              {good, "whsec_old whsec_new", nil},
		"second of two v1":                   {fmt.Sprintf("t=%d,v1=%s,v1=%s", now.Unix(), wrong, mac), "whsec_new", nil},
		"first of two v1":                    {fmt.Sprintf("t=%d,v1=%s,v1=%s", now.Unix(), mac, wrong), "whsec_new", nil},
		"v1 before t":                        {fmt.Sprintf("v1=%s,t=%d", mac, now.Unix()), "whsec_new", nil},
		"another scheme beside":              {good + ",v0=" + wrong, "whsec_new", nil},
		"an unreadable v1 beside":            {good + ",v1=zz", "whsec_new", nil},
		"exactly 300 s old":                  {sign(now.Add(-300*time.Second), body, "s"), "s", nil},
		"301 s old":                          {sign(now.Add(-301*time.Second), body, "s"), "s", stripe.ErrTooOld},
		"exactly 300 s ahead":                {sign(now.Add(300*time.Second), body, "s"), "s", nil},
		"301 s ahead":                        {sign(now.Add(301*time.Second), body, "s"), "s", errAhead},
		"an hour ahead":                      {sign(now.Add(time.Hour), body, "s"), "s", errAhead},
		"another secret":                     {good, "whsec_other", stripe.ErrNoValidSignature},
		"another body":                       {sign(now, body+" ", "s"), "s", stripe.ErrNoValidSignature},
		"another time under the mac":         {fmt.Sprintf("t=%d,v1=%s", now.Unix()+1, mac), "whsec_new", stripe.ErrNoValidSignature},
		"missing":                            {"", "s", stripe.ErrNotSigned},
		"no time":                            {"v1=" + mac, "s", stripe.ErrTooOld},
		"no v1":                              {"t=1790000000", "s", stripe.ErrNoValidSignature},
		"only another scheme":                {"t=1790000000,v0=" + mac, "s", stripe.ErrNoValidSignature},
		"short v1":                           {"t=1790000000,v1=abcd", "s", stripe.ErrNoValidSignature},
		"a time that is not a number":        {"t=now,v1=" + mac, "s", stripe.ErrInvalidHeader},
		"a negative time":                    {"t=-1790000000,v1=" + mac, "whsec_new", stripe.ErrTooOld},
		"a time beyond int64":                {"t=99999999999999999999,v1=" + mac, "s", stripe.ErrInvalidHeader},
		"the largest time there is":          {"t=9223372036854775807,v1=" + mac, "s", stripe.ErrTooOld},
		"garbage":                            {"garbage", "s", stripe.ErrInvalidHeader},
		"only commas":                        {",,,,", "s", stripe.ErrInvalidHeader},
		"an empty time":                      {"t=,v1=" + mac, "s", stripe.ErrInvalidHeader},
		"the v1 of an empty secret":          {sign(now, body, ""), "s", stripe.ErrNoValidSignature},
		"upper case hex is hex all the same": {fmt.Sprintf("t=%d,v1=%s", now.Unix(), strings.ToUpper(mac)), "whsec_new", nil},
	} {
		if err := verify(strings.Fields(c.secrets), c.header, []byte(body)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}
