package checks

import (
	"regexp"
	"strings"
	"testing"
)

// tried names the test, or the script of a make target, that runs each command of docs/run.
var tried = map[string]struct{ file, as string }{
	"shop create":          {"test/e2e/shops_test.go", `"create", name`},
	"shop list":            {"test/e2e/shops_test.go", `"list"`},
	"shop destroy":         {"test/e2e/shops_test.go", `"destroy", name, "-yes"`},
	"shop broker":          {"test/e2e/shops_test.go", `"broker")`},
	"shop order":           {"test/e2e/shops_test.go", `"order", "payments"`},
	"shop run":             {"test/shoptest/shop.go", `"run")`},
	"shop admin":           {"services/admin/commands_test.go", `"person", "add"`},
	"shop vm":              {"allinone/vm_test.go", `"vm"`},
	"shop backup":          {"test/e2e/restore_test.go", `"backup", "-to"`},
	"shop restore":         {"test/e2e/restore_test.go", `"restore", "-from"`},
	"shop aws cost":        {"deploy/aws/aws_test.go", `{"cost"}`},
	"shop aws plan":        {"deploy/ci/rehearse.sh", "shop aws plan"},
	"shop aws create":      {"deploy/ci/rehearse.sh", "shop aws create"},
	"shop aws set":         {"deploy/ci/rehearse.sh", "shop aws set"},
	"shop aws deploy":      {"deploy/ci/rehearse.sh", "shop aws deploy"},
	"shop aws resources":   {"deploy/ci/rehearse.sh", "shop aws resources"},
	"shop aws status":      {"deploy/ci/rehearse.sh", "shop aws status"},
	"shop aws destroy":     {"deploy/ci/rehearse.sh", "shop aws destroy"},
	"shop aws run":         {"deploy/ci/migrate.sh", "shop aws run"},
	"shop aws outputs":     {"deploy/ci/lib.sh", "shop aws outputs"},
	"shop aws history":     {"deploy/ci/rollback.sh", "shop aws history"},
	"shop aws rollback":    {"deploy/ci/rollback.sh", "shop aws rollback"},
	"deploy/ci/deploy.sh":  {".github/workflows/deploy.yml", "deploy/ci/deploy.sh"},
	"deploy/vm/install.sh": {"deploy/vm/rehearse.sh", "install.sh"},
}

// Every command that a page about running a shop names is tried somewhere.
func TestRunPagesAreTried(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`\b(shop (?:aws )?[a-z]+|deploy/(?:ci|vm)/[a-z]+\.sh)\b`)
	code := regexp.MustCompile("(?m)^    .*$|`[^`\n]+`")

	seen := map[string]bool{}
	for path, text := range documents(t) {
		if !strings.Contains(path, "docs/run/") {
			continue
		}
		for _, c := range code.FindAllString(text, -1) {
			c, _, _ = strings.Cut(c, " #")
			for _, m := range command.FindAllString(c, -1) {
				seen[m] = true
				if _, ok := tried[m]; !ok {
					t.Errorf("%s names %q, of which run_test.go does not say where it is tried", path, m)
				}
			}
		}
	}

	for name, at := range tried {
		if !seen[name] {
			t.Errorf("no page names %q: remove it", name)
		}
		if !strings.Contains(readFile(t, at.file), at.as) {
			t.Errorf("%s does not run %q: want %q there", at.file, name, at.as)
		}
	}
}
