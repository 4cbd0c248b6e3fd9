package checks

import (
	"os"
	"path/filepath"
	"regexp"
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

// Who is called in the night finds out what it is, how urgent, and what to do; and each alarm was seen to fire and to be quiet.
func TestAlarms(t *testing.T) {
	t.Parallel()
	var file struct {
		Groups []struct {
			Rules []rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal([]byte(readFile(t, "deploy/monitoring/alerts.yml")), &file); err != nil {
		t.Fatal(err)
	}
	tests := readFile(t, "deploy/monitoring/alerts_test.yml")
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
			if tried := regexp.MustCompile(`(?m)alertname: `+r.Alert+`\b`).FindAllString(tests, -1); len(tried) != 2 {
				t.Errorf("alerts_test.yml tries %s %d times, want once quiet, once firing", r.Alert, len(tried))
			}
		}
	}
	if len(seen) == 0 {
		t.Error("no alarms")
	}
}
