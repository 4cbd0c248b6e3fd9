package aws

import (
	"bytes"
	"strings"
	"testing"

	"github.com/startupwebapp/startupwebapp/pkg/boot"
)

// someSettings are the settings that the services take in these tests.
func someSettings(string) []boot.Setting { return []boot.Setting{{Name: "STRIPE_SECRET_KEY"}} }

// Mistakes are refused before any request to AWS: a misspelled shop, the confirmation of another
// shop, an unknown layout.
func TestCommandRefuses(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"plan", "plan Acme", "plan acme more", "plan a__b", "plan acme_", "plan a-b",
		"plan twenty_two_letters_of_a", "plan acme -layout two", "create acme -set Host", "nonsense acme", "set acme order",
		"set acme window FIELD", "run acme", "destroy acme", "destroy acme -confirm acm", "rollback acme -back 2",
		"rollback acme -back 2 -confirm yes", "rollback acme -back 1 -confirm", "rollback acme -back x",
		"run acme order packing", "run acme order payments -raw", "run acme customer export -member 7",
		"run acme user chat",
		"set acme shop STRIPE_SECRT_KEY", "create acme -set Protectd=no", "plan acme -set Resources=x",
		"deploy acme -tag", "cost -layout two",
	} {
		var out, stderr bytes.Buffer
		code := Command(strings.Fields(line), someSettings, &out, &stderr)
		if code != 2 || out.Len() > 0 || !strings.Contains(stderr.String(), Usage) {
			t.Errorf("aws %s: %d %s%s", line, code, &out, &stderr)
		}
	}
}

// A shop's stacks at AWS carry its name, with hyphens for underscores, which their names cannot
// have.
func TestNamesAtAWS(t *testing.T) {
	t.Parallel()
	for shop, want := range map[string]string{
		"acme": "shop-acme-order", "healthtech_experiment": "shop-healthtech-experiment-order", "a_1_b": "shop-a-1-b-order",
	} {
		if err := checkShop(shop); err != nil || stackName(shop, "order") != want {
			t.Errorf("%s: %v, %s", shop, err, stackName(shop, "order"))
		}
	}
	if n := len("shop-" + strings.Repeat("a", longestName) + "-admin"); n > 32 {
		t.Errorf("a target group has a name of %d letters", n)
	}
}

// Each layout costs the sum of its parts.
func TestCost(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"cost"}, {"cost", "-layout", "seven", "-bastion", "-set", "Nat=yes"}} {
		var out, stderr bytes.Buffer
		if code := Command(args, someSettings, &out, &stderr); code != 0 || !strings.Contains(out.String(), "together") {
			t.Errorf("%v: %d %s%s", args, code, &out, &stderr)
		}
	}
}

// Every template is embedded, and each of its parameters is an output of a stack, is set by its
// part, has a default, or is one that a person sets.
func TestTemplatesFitTogether(t *testing.T) {
	t.Parallel()
	said := map[string]bool{"Shop": true, "ShopName": true, "Host": true, "AdminHost": true, "AlarmMail": true, "SettingsArn": true}
	for _, layout := range []string{layoutOne, layoutSeven} {
		known := map[string]bool{}
		parts := ground(layout)
		for _, service := range programs(layout) {
			parts = append(parts, servicePart(service, "registry", "tag"))
		}

		for _, p := range append(parts, around(true)...) {
			body, err := p.body()
			if err != nil {
				t.Fatal(err)
			}
			for name, declared := range section(body, "Parameters") {
				if _, own := p.set[name]; !own && !known[name] && !said[name] && !strings.Contains(declared, "Default:") {
					t.Errorf("%s of layout %s takes %s, which no stack before it puts out", p.name, layout, name)
				}
			}
			for name := range p.set {
				if _, takes := section(body, "Parameters")[name]; !takes {
					t.Errorf("%s is given %s, which its template does not take", p.name, name)
				}
			}
			for name := range section(body, "Outputs") {
				known[name] = true
			}
		}
	}
}

// section returns the entries in a section of a template, by name.
func section(body, name string) map[string]string {
	_, text, _ := strings.Cut(body, "\n"+name+":\n")
	entries := map[string]string{}
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" && line[0] != ' ' {
			break
		}
		if key, value, found := strings.Cut(line, ":"); found && strings.HasPrefix(key, "  ") && len(key) > 2 && key[2] != ' ' && key[2] != '#' {
			entries[key[2:]] = value
		}
	}
	return entries
}
