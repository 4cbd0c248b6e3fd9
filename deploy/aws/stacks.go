package aws

import (
	"embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

//go:embed templates/*.yaml
var templates embed.FS

// part is one stack of a shop.
type part struct {
	name, template string
	set            map[string]string // fixed parameters of this part
}

// services are the seven, in the order in which they are deployed: edge last, when the services
// that it calls are new.
var services = []string{"webhook", "order", "user", "events", "mailer", "admin", "edge"}

// ports are the ports of services inside the shop.
var ports = map[string]string{"edge": "8080", "webhook": "8081", "user": "8082", "order": "8083", "events": "8084",
	"mailer": "8085", "admin": "8086"}

// The layouts: the whole shop in one task, or a task for each service.
const (
	layoutOne   = "one"
	layoutSeven = "seven"
)

// programs are the services that have a stack in a layout, in the order in which they are deployed.
func programs(layout string) []string {
	if layout == layoutSeven {
		return services
	}
	return []string{"shop"}
}

// ground are the parts that must exist before any service runs.
func ground(layout string) []part {
	parts := []part{
		{name: "network", template: "network"}, {name: "data", template: "data"},
		{name: "platform", template: "platform", set: map[string]string{"Layout": layout}},
	}
	if layout == layoutSeven {
		parts = append(parts, part{name: "nats", template: "nats"})
	}
	return parts
}

// servicePart is the stack of one service with the image of a tag.
func servicePart(service, registry, tag string) part {
	set := map[string]string{"Service": service, "Image": registry + "/" + service + ":" + tag, "Door": "none",
		"Port": ports[service]}
	switch service {
	case "shop":
		set["Door"], set["Port"], set["Command"], set["Most"] = "both", "8080", "run", "1"
		set["Cpu"], set["Memory"] = "512", "1024"
	case "edge", "admin":
		set["Door"] = service
	}
	return part{name: service, template: "service", set: set}
}

// bastion is a machine that can be reached through AWS's Session Manager, for access to the
// database.
var bastion = part{name: "bastion", template: "bastion"}

// around are the parts beside the services: storage for pictures, monitoring and the bastion.
func around(withBastion bool) []part {
	parts := []part{{name: "media", template: "media"}, {name: "monitoring", template: "monitoring"}}
	if withBastion {
		parts = append(parts, bastion)
	}
	return parts
}

// shopName matches the names that fit into those of databases and load balancers. There each _ is a
// hyphen, and two hyphens must not be adjacent.
var shopName = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const longestName = 21

func checkShop(name string) error {
	if !shopName.MatchString(name) || len(name) > longestName {
		return fmt.Errorf(
			"%q is not a shop's name at AWS: a small letter, then letters, digits and single _, %d at most",
			name, longestName)
	}
	return nil
}

// atAWS is a shop's name as its stacks carry it.
func atAWS(shop string) string { return strings.ReplaceAll(shop, "_", "-") }

// account is the part that exists once in an account for all its shops: the trust in GitHub's OIDC
// tokens.
const account = "github"

func stackName(shop, part string) string {
	if part == account {
		return "shop-" + account
	}
	return "shop-" + atAWS(shop) + "-" + part
}

// body is the text of a part's template.
func (p part) body() (string, error) {
	text, err := templates.ReadFile("templates/" + p.template + ".yaml")
	if err != nil {
		return "", fmt.Errorf("read the template of %s: %w", p.name, err)
	}
	return string(text), nil
}

// parameter matches the line of a template that declares a parameter.
var parameter = regexp.MustCompile(`(?m)^  ([A-Za-z0-9]+):`)

// isParameter reports whether any template declares this parameter.
func isParameter(name string) bool {
	files, err := templates.ReadDir("templates")
	if err != nil {
		return false // cannot happen: the templates are embedded
	}
	for _, f := range files {
		text, _ := templates.ReadFile("templates/" + f.Name()) //nolint:errcheck // the file is embedded
		_, after, _ := strings.Cut(string(text), "\nParameters:\n")
		declared, _, _ := strings.Cut(after, "\nResources:\n")
		for _, m := range parameter.FindAllStringSubmatch(declared, -1) {
			if m[1] == name {
				return true
			}
		}
	}
	return false
}

// isService reports whether a stack runs a program of the shop.
func isService(name string) bool { return name == "shop" || slices.Contains(services, name) }
