package limits_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/startupwebapp/startupwebapp/services/edge/limits"
)

const docs = "../../../docs/limits.md"

const introduction = `# Limits

What the shop limits against guessing and flooding. Generated from the table in ` + "`services/edge/limits/table.go`" + `:
` + "`go test ./services/edge/limits -run Docs -args -update`" + `. Why logins are limited as they are: [ADR 16](adr/0016-limits-on-guessing.md).

A request is counted when it comes and taken back when its owner's answer tells, in the header ` + "`X-Shop-Outcome`" + `, that there was
nothing to count. *wrong* is a secret that was tried and is wrong, *reveals* an answer that says of an account or address that it
exists, *done* something that was stored, made or sent, *asked* a question to Stripe. *all* counts whatever was answered. What comes
beyond a limit gets 429 with Retry-After; where *mail left out* stands it is answered as always, without its mail. Several counters of
one route all apply. A client address is an address of IPv4 or a /64 of IPv6; behind no proxy, on the machine itself, limits by
address alone are 20 times as wide. Keys of counters are keyed hashes and end with their window.

Client events (` + "`/clientevent/…`" + `) are answered at once and always in the same way. Each edge keeps 3000 of one client address in a minute and drops
the others.

| route | counter | by | limit | counts | against |
| --- | --- | --- | --- | --- | --- |
`

func render() string {
	var b strings.Builder
	b.WriteString(introduction)

	for _, r := range limits.Table {
		for i, rule := range r.Rules {
			route := "`" + r.Route + "`"
			if i > 0 {
				route = ""
			}
			counts := "all"
			if len(rule.Keep) > 0 {
				var names []string
				for _, o := range rule.Keep {
					names = append(names, string(o))
				}
				counts = strings.Join(names, ", ")
			}
			limit := fmt.Sprintf("%d in %s", rule.Limit, span(rule.Window))
			if rule.Free > 0 {
				limit += fmt.Sprintf("; after %d each waits %s longer", rule.Free, span(rule.Step))
			}
			if rule.NoMail {
				limit += "; mail left out"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", route, rule.Name, rule.By.Text, limit, counts, rule.Why)
		}
	}

	return b.String()
}

func span(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return fmt.Sprintf("%d h", d/time.Hour)
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}

func TestDocsMatchTheTable(t *testing.T) {
	if flag.Lookup("update").Value.String() == "true" { // testenv's flag for generated files
		if err := os.WriteFile(docs, []byte(render()), 0o644); err != nil { //nolint:gosec // a page for everybody
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != render() {
		t.Error("docs/limits.md is not what the table says: go test ./services/edge/limits -run Docs -args -update")
	}
}

func TestIntroductionNamesTheLimitOfEvents(t *testing.T) {
	if !strings.Contains(introduction, fmt.Sprintf("keeps %d of one client address in a minute", limits.EventLimit)) ||
		limits.EventWindow != time.Minute {
		t.Error("the introduction of docs/limits.md names another limit of events")
	}
}

// The names of counters are unique, and every row of the table can work.
func TestTableIsConsistent(t *testing.T) {
	names := map[string]bool{}
	for _, r := range limits.Table {
		method, path, ok := strings.Cut(r.Route, " ")
		if !ok || method != "GET" && method != "POST" || !strings.HasPrefix(path, "/user/") && !strings.HasPrefix(path, "/order/") ||
			!limits.Limited(r.Route) {
			t.Errorf("route %q", r.Route)
		}
		for _, rule := range r.Rules {
			if names[rule.Name] && rule.Name != "password" || // one counter for several routes
				rule.Name == "" || strings.ContainsAny(rule.Name, ". ") || rule.By.Text == "" || rule.Why == "" || rule.Limit < 1 {
				t.Errorf("rule %+v", rule)
			}
			names[rule.Name] = true
			if rule.Free == 0 && (rule.Window < time.Minute || rule.Window > time.Hour) {
				t.Errorf("%s: the broker keeps its counters for two hours", rule.Name)
			}
			if rule.Free > 0 && (rule.Step <= 0 || rule.Limit <= rule.Free || len(rule.Keep) == 0) {
				t.Errorf("%s: pauses that cannot grow", rule.Name)
			}
		}
	}
}
