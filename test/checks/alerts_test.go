package checks

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// rule is one of deploy/monitoring/alerts.yml.
type rule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// ruleTest is one of deploy/monitoring/alerts_test.yml.
type ruleTest struct {
	Series []inputSeries `yaml:"input_series"`
	Alerts []struct {
		Alert string `yaml:"alertname"`
		Want  []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

type inputSeries struct {
	Series string `yaml:"series"`
}

// Every alarm says what is wrong, at which shop, how urgent it is and what to do. Each is tested:
// quiet for a healthy shop, and firing for one shop beside a healthy one.
func TestAlarmsExplainThemselvesAndAreTested(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/monitoring/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	var tests struct {
		Tests []ruleTest `yaml:"tests"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/monitoring/alerts_test.yml")), &tests); err != nil {
		t.Fatal(err)
	}

	// Which alarms are tested quiet, and firing for one of two shops.
	quiet, fires := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		for _, a := range test.Alerts {
			quiet[a.Alert] = quiet[a.Alert] || len(a.Want) == 0
			beside := slices.ContainsFunc(test.Series, func(s inputSeries) bool {
				return strings.Contains(s.Series, `{shop="bolt"`)
			})
			fires[a.Alert] = fires[a.Alert] || beside && len(a.Want) == 1 && a.Want[0].Labels["shop"] == "acme" &&
				strings.HasPrefix(a.Want[0].Annotations["summary"], "acme: ")
		}
	}

	seen := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] {
				t.Errorf("%s stands twice", r.Alert)
			}
			seen[r.Alert] = true
			if s := r.Labels["severity"]; s != "page" && s != "ticket" {
				t.Errorf("%s: severity %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" {
				t.Errorf("%s has no summary", r.Alert)
			}
			if _, err := os.Stat(filepath.Join(root, r.Annotations["runbook"])); r.Annotations["runbook"] == "" || err != nil {
				t.Errorf("%s: runbook %q: %v", r.Alert, r.Annotations["runbook"], err)
			}
			if page := r.Annotations["runbook"]; !strings.Contains(readFile(t, page), "`"+r.Alert+"`") {
				t.Errorf("%s leads to %s, which does not speak of it", r.Alert, page)
			}
			if !quiet[r.Alert] || !fires[r.Alert] {
				t.Errorf("alerts_test.yml does not try %s quiet and firing for acme alone, beside bolt", r.Alert)
			}
		}
	}

	if len(seen) == 0 {
		t.Error("no alarms")
	}
}

// Every panel is limited to the chosen shops. One that is not would show all of them to a person
// who chose one.
func TestDashboardAsksForTheChosenShops(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		Templating struct {
			List []struct{ Name, AllValue string }
		}
		Panels []struct {
			Title   string
			Targets []struct{ Expr, LegendFormat string }
			Type    string
		}
	}
	if err := json.Unmarshal([]byte(readFile(t, "deploy/monitoring/dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	// .* also matches the series of a shop without a name, which have no such label.
	if list := dashboard.Templating.List; len(list) != 1 || list[0].Name != "shop" || list[0].AllValue != ".*" {
		t.Errorf("variables %v, want shop alone, .* for all", list)
	}

	metric := regexp.MustCompile(`\b(?:shop|process)_[a-z_]+`)
	asked := regexp.MustCompile(`\b(?:shop|process)_[a-z_]+\{shop=~"\$shop"`)
	for _, p := range dashboard.Panels {
		for _, target := range p.Targets {
			if names := metric.FindAllString(target.Expr, -1); len(names) != len(asked.FindAllString(target.Expr, -1)) {
				t.Errorf(`panel %q: %s: want {shop=~"$shop"} behind each metric`, p.Title, target.Expr)
			}
			if p.Type == "timeseries" && !strings.HasSuffix(target.LegendFormat, "{{shop}}") {
				t.Errorf("panel %q: a line of %s does not say whose it is", p.Title, target.Expr)
			}
		}
	}

	if len(dashboard.Panels) == 0 {
		t.Error("no panels")
	}
}
