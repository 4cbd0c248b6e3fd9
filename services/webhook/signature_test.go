package webhook

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	stripe "github.com/stripe/stripe-go/v76/webhook"
)

var now = time.Unix(1_790_000_000, 0)

// sign makes the header as Stripe's own library does, so that the two implementations check each other.
func sign(at time.Time, body, secret string) string {
	return fmt.Sprintf("t=%d,v1=%x", at.Unix(), stripe.ComputeSignature(at, []byte(body), secret))
}

func TestVerify(t *testing.T) {
	t.Parallel()
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
		"301 s old":                          {sign(now.Add(-301*time.Second), body, "s"), "s", errTimestamp},
		"an hour ahead":                      {sign(now.Add(time.Hour), body, "s"), "s", nil},
		"another secret":                     {good, "whsec_other", errSignature},
		"another body":                       {sign(now, body+" ", "s"), "s", errSignature},
		"another time under the mac":         {fmt.Sprintf("t=%d,v1=%s", now.Unix()+1, mac), "whsec_new", errSignature},
		"missing":                            {"", "s", errHeader},
		"no time":                            {"v1=" + mac, "s", errHeader},
		"no v1":                              {"t=1790000000", "s", errHeader},
		"only another scheme":                {"t=1790000000,v0=" + mac, "s", errHeader},
		"short v1":                           {"t=1790000000,v1=abcd", "s", errHeader},
		"a time that is no number":           {"t=now,v1=" + mac, "s", errHeader},
		"a time with a sign":                 {"t=+1790000000,v1=" + mac, "whsec_new", errHeader},
		"a negative time":                    {"t=-1790000000,v1=" + mac, "whsec_new", errHeader},
		"a time beyond int64":                {"t=99999999999999999999,v1=" + mac, "s", errHeader},
		"the largest time there is":          {"t=9223372036854775807,v1=" + mac, "s", errTimestamp},
		"garbage":                            {"garbage", "s", errHeader},
		"only commas":                        {",,,,", "s", errHeader},
		"an empty time":                      {"t=,v1=" + mac, "s", errHeader},
		"the v1 of an empty secret":          {sign(now, body, ""), "s", errSignature},
		"upper case hex is hex all the same": {fmt.Sprintf("t=%d,v1=%s", now.Unix(), strings.ToUpper(mac)), "whsec_new", nil},
	} {
		var secrets [][]byte
		for s := range strings.FieldsSeq(c.secrets) {
			secrets = append(secrets, []byte(s))
		}
		if err := verify(secrets, c.header, []byte(body), now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func FuzzParseSignature(f *testing.F) {
	f.Add(sign(now, "{}", "s"))
	f.Add("t=1,v1=,v1=zz,v0=a=b")
	f.Add(",=,t=,")
	f.Fuzz(func(t *testing.T, header string) {
		s, err := parseSignature(header)
		if err != nil {
			return
		}
		if len(s.macs) == 0 || fmt.Sprint(s.at.Unix()) != strings.TrimLeft(s.timestamp[:len(s.timestamp)-1], "0")+s.timestamp[len(s.timestamp)-1:] {
			t.Errorf("%q became %+v", header, s)
		}
		if verify([][]byte{[]byte("s")}, header, []byte("x"), s.at) == nil {
			t.Errorf("%q is a signature of x under a secret that nobody used", header)
		}
	})
}
