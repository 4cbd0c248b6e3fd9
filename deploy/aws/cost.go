package aws

import "fmt"

// priced is the cost of a part for a month of 730 hours in us-east-1, in cents of a dollar. Prices
// are AWS's list prices as of 2026-11, to be compared with https://calculator.aws before relying on
// them; traffic and storage are those of a small shop.
type priced struct {
	what  string
	cents int
}

// costs lists the costs of a layout.
func costs(layout string, nat, bastion bool) []priced {
	tasks := priced{"one task, 0.5 vCPU and 1 GB, arm64", 1442}
	if layout == layoutSeven {
		tasks = priced{"seven tasks, 0.25 vCPU and 0.5 GB each, arm64", 7 * 721}
	}
	list := []priced{
		tasks,
		{"PostgreSQL, db.t4g.micro with 20 GB", 1168 + 230},
		{"load balancer", 1643 + 584},
		{"its two public addresses", 2 * 365},
		{"firewall: a list, two rules", 700},
		{"ten secrets", 10 * 40},
		{"logs, images, pictures, alarms", 300},
	}

	if layout == layoutSeven {
		list = append(list, priced{"NATS: one t4g.small with 20 GB", 1226 + 160 + 50})
	}
	if nat {
		list = append(list, priced{"NAT gateway", 3285 + 365})
	} else if layout == layoutSeven {
		list = append(list, priced{"public addresses of eight tasks and servers", 8 * 365})
	} else {
		list = append(list, priced{"public address of the task", 365})
	}

	if bastion {
		list = append(list, priced{"bastion, t4g.nano", 307 + 64})
	}
	return list
}

func (c *cloud) cost(w shopRequest) error {
	sum := 0
	for _, p := range costs(w.layout, w.set["Nat"] == "yes", w.bastion) {
		sum += p.cents
		if err := c.say("%-48s %8s", p.what, dollars(p.cents)); err != nil {
			return err
		}
	}
	return c.say("%-48s %8s  dollars a month, list prices of us-east-1, to be verified", "together", dollars(sum))
}

func dollars(cents int) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }
