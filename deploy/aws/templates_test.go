package aws

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// image is one manifest in a registry: an index with tags, an image of a platform, or a bill of
// materials.
type image struct {
	tags   []string
	pushed int // day on which it was pushed
	index  int // position of the index that names this platform, otherwise -1
}

// rule is one rule of a lifecycle policy of AWS's registry.
type rule struct {
	Selection struct {
		TagStatus, CountType string
		TagPatternList       []string
		CountNumber          int
	}
}

// takes reports whether a rule selects an image: each of its patterns must match a tag.
func (r rule) takes(img image) bool {
	switch r.Selection.TagStatus {
	case "any":
		return true
	case "untagged":
		return len(img.tags) == 0
	}
	return !slices.ContainsFunc(r.Selection.TagPatternList, func(pattern string) bool {
		return !slices.ContainsFunc(img.tags, func(tag string) bool {
			matches, err := path.Match(pattern, tag)
			return err == nil && matches
		})
	})
}

// expire applies a policy as AWS does within a day: each rule expires the oldest of the images that
// it selects, but none that an earlier rule selects, and no platform whose index exists.
func expire(rules []rule, all []image, today int) []image {
	gone := map[int]bool{}
	for i, r := range rules {
		n := 0
		for j, img := range slices.Backward(all) {
			if !r.takes(img) || slices.ContainsFunc(rules[:i], func(earlier rule) bool { return earlier.takes(img) }) {
				continue
			}
			n++
			old := n > r.Selection.CountNumber
			if r.Selection.CountType == "sinceImagePushed" {
				old = today-img.pushed > r.Selection.CountNumber
			}
			gone[j] = old && (img.index < 0 || gone[img.index])
		}
	}

	var left []image
	at := map[int]int{}
	for j, img := range all {
		if !gone[j] {
			at[j] = len(left)
			if img.index >= 0 {
				img.index = at[img.index]
			}
			left = append(left, img)
		}
	}

	return left
}

// The running image and nine rollbacks stay in the registry, however many images are pushed that
// never run.
func TestTenDeploymentsStay(t *testing.T) {
	t.Parallel()
	body, err := part{template: "platform"}.body()
	if err != nil {
		t.Fatal(err)
	}

	_, text, _ := strings.Cut(body, "Policy: ")
	text, _, _ = strings.Cut(text, "\n\n")
	var policy struct{ Rules []rule }
	if err := json.Unmarshal([]byte(strings.Trim(text, "|'\n ")), &policy); err != nil {
		t.Fatal(err)
	}

	var registry []image
	var whole []string
	for day := 1; day <= 200; day++ {
		tag := fmt.Sprintf("%012x", day*7919)
		index := image{tags: []string{tag}, pushed: day, index: -1}
		if day%10 == 1 { // nine in ten images are never deployed
			index.tags = append(index.tags, "deployed-"+tag)
			whole = append(whole, tag)
		}
		of := len(registry)
		registry = append(registry, index, image{pushed: day, index: of}, image{pushed: day, index: of},
			image{tags: []string{fmt.Sprintf("sha256-%064x.sbom", day)}, pushed: day, index: -1})
		registry = expire(policy.Rules, registry, day)
		for _, tag := range append(whole[max(len(whole)-10, 0):], tag) {
			if !slices.ContainsFunc(registry, func(i image) bool { return slices.Contains(i.tags, tag) }) {
				t.Fatalf("day %d: the image of %s is gone; whole were %v", day, tag, whole)
			}
		}
	}

	if len(registry) > 4*20 {
		t.Errorf("%d manifests stay", len(registry))
	}
}

// CloudWatch may not use AWS's own key for topics: an alarm for a topic with that key would be
// lost.
func TestAlarmsCanBePublished(t *testing.T) {
	t.Parallel()
	files, err := templates.ReadDir("templates")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := templates.ReadFile("templates/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "KmsMasterKeyId: alias/aws/sns") {
			t.Errorf("%s encrypts a topic with alias/aws/sns", f.Name())
		}
	}
}

// Services can reach https and mail servers anywhere.
func TestServicesReachWhatTheyAreTold(t *testing.T) {
	t.Parallel()
	body, err := part{template: "network"}.body()
	if err != nil {
		t.Fatal(err)
	}
	_, group, _ := strings.Cut(body, "\n  TaskGroup:\n")
	group, _, _ = strings.Cut(group, "\n  TasksTogether:\n")
	for _, port := range []int{443, 465, 587, 993} {
		if !strings.Contains(group, fmt.Sprintf("FromPort: %d, ToPort: %d, CidrIp: 0.0.0.0/0", port, port)) {
			t.Errorf("services do not reach port %d", port)
		}
	}
}
