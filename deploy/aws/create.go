package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"github.com/startupwebapp/startupwebapp/deploy/nats"
)

// shopRequest describes the shop that a person asks for.
type shopRequest struct {
	layout  string
	tag     string
	bastion bool
	set     map[string]string // parameters of templates
}

// create makes a shop, or changes one into what is asked for. It is safe to repeat, and continues
// where it stopped.
func (c *cloud) create(ctx context.Context, w shopRequest) error {
	known, err := c.makeGround(ctx, w)
	if err != nil {
		return err
	}
	if err := c.ensureGitHubTrust(ctx); err != nil {
		return err
	}
	if err := c.tell(ctx, w.layout, known); err != nil {
		return err
	}

	if w.bastion { // before the first service, so that a backup can be restored into the empty database
		if _, err := c.apply(ctx, bastion, known); err != nil {
			return err
		}
	}

	if w.tag == "" {
		return c.say("No image is named (-tag), so no service is started: push to %s, then deploy.", known["Registry"])
	}
	if err := c.bring(ctx, w.layout, known, deployment{Tag: w.tag}); err != nil {
		return err
	}

	for _, p := range around(false) {
		if _, err := c.apply(ctx, p, known); err != nil {
			return err
		}
	}

	return nil
}

// makeGround makes the stacks that services need, and returns their outputs together with what was
// asked for.
func (c *cloud) makeGround(ctx context.Context, w shopRequest) (map[string]string, error) {
	known := maps.Clone(w.set)
	for _, p := range ground(w.layout) {
		outputs, err := c.apply(ctx, p, known)
		if err != nil {
			return nil, err
		}
		maps.Copy(known, outputs)
	}
	return c.known(ctx, w)
}

// ensureGitHubTrust makes the account trust GitHub's OIDC tokens if workflows deploy the shop. The
// provider of the tokens exists once for each account: another shop may have made it, or a person
// by hand.
func (c *cloud) ensureGitHubTrust(ctx context.Context) error {
	platform, _, err := c.find(ctx, "platform")
	if err != nil || platform.parameters["Repository"] == "" {
		return err
	}
	_, err = c.apply(ctx, part{name: account, template: account}, nil)
	if err == nil || !strings.Contains(err.Error(), "already exists") {
		return err
	}
	if err := c.remove(ctx, account); err != nil {
		return err
	}
	return c.say("%-34s exists already, made by someone else", "GitHub's provider of tokens")
}

// known returns the outputs of all stacks of a shop, the parameters that its settings are made of,
// and what is asked for.
func (c *cloud) known(ctx context.Context, w shopRequest) (map[string]string, error) {
	all := map[string]string{"NatsConf": nats.Config}
	for _, p := range slices.Concat(ground(w.layout), around(true)) {
		s, there, err := c.find(ctx, p.name)
		if err != nil {
			return nil, err
		}
		if !there {
			continue
		}
		for _, name := range []string{"Host", "AdminHost", "Layout"} {
			if value := s.parameters[name]; value != "" {
				all[name] = value
			}
		}
		maps.Copy(all, s.outputs)
	}
	maps.Copy(all, w.set)
	return all, nil
}

// deployTag changes the services to the images of a tag, one after another.
func (c *cloud) deployTag(ctx context.Context, layout, tag string, known map[string]string) error {
	for _, service := range programs(layout) {
		p := servicePart(service, known["Registry"], tag)
		p.set["SettingsArn"] = known[strings.ToUpper(service[:1])+service[1:]+"SettingsArn"]
		if _, err := c.apply(ctx, p, known); err != nil {
			return err
		}
	}
	return nil
}

// plan prints what create would change, and changes nothing. It cannot list the changes of parts
// that depend on a part that does not exist yet.
func (c *cloud) plan(ctx context.Context, w shopRequest) error {
	known, err := c.known(ctx, w)
	if err != nil {
		return err
	}

	parts := ground(w.layout)
	for _, service := range programs(w.layout) {
		if w.tag != "" {
			p := servicePart(service, known["Registry"], w.tag)
			p.set["SettingsArn"] = known[strings.ToUpper(service[:1])+service[1:]+"SettingsArn"]
			parts = append(parts, p)
		}
	}

	if w.set["Repository"] != "" {
		parts = append(parts, part{name: account, template: account})
	}
	for _, p := range append(parts, around(w.bastion)...) {
		_, there, err := c.find(ctx, p.name)
		if err != nil {
			return err
		}
		set, changes, err := c.createChangeSet(ctx, p, known)
		if err != nil && !there { // it needs the outputs of stacks that do not exist yet
			if err := c.say("%-34s new, with all that its template names", stackName(c.shop, p.name)); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		if err := c.tellChanges(p, changes); err != nil {
			return err
		}
		if set != "" {
			if err := c.withdraw(ctx, p, set); err != nil {
				return err
			}
		}
	}

	return nil
}

func (c *cloud) tellChanges(p part, changes []types.Change) error {
	name := stackName(c.shop, p.name)
	if len(changes) == 0 {
		return c.say("%-34s stays as it is", name)
	}
	for _, change := range changes {
		r := change.ResourceChange
		if r == nil {
			continue
		}
		replaced := ""
		if r.Replacement == types.ReplacementTrue {
			replaced = "  (a new one takes its place)"
		}
		if err := c.say("%-34s %-7s %-24s %s%s", name, r.Action, aws.ToString(r.LogicalResourceId),
			aws.ToString(r.ResourceType), replaced); err != nil {
			return err
		}
	}
	return nil
}

// destroy deletes a shop with its pictures, last part first. The last snapshot of its database
// stays. While the database is protected, nothing is deleted.
func (c *cloud) destroy(ctx context.Context) error {
	names, err := c.parts(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return c.say("There is no shop %s here.", c.shop)
	}
	if s, there, err := c.find(ctx, "data"); err != nil || there && s.parameters["Protected"] == "yes" {
		return errors.Join(err, fmt.Errorf(
			"the database is protected: shop aws create %s -set Protected=no first", c.shop))
	}

	for _, name := range names {
		if name == "media" {
			if err := c.empty(ctx); err != nil {
				return err
			}
		}
		if err := c.remove(ctx, name); err != nil {
			return err
		}
		if err := c.say("%-34s gone", stackName(c.shop, name)); err != nil {
			return err
		}
	}

	return c.deleteHistory(ctx)
}

// parts are the existing stacks of a shop, in an order in which they can be deleted.
func (c *cloud) parts(ctx context.Context) ([]string, error) {
	order := []string{"bastion", "monitoring", "shop"}
	for _, s := range slices.Backward(services) {
		order = append(order, s)
	}
	order = append(order, "media", "nats", "platform", "data", "network") // pictures when no service writes any
	var there []string
	for _, name := range order {
		_, found, err := c.find(ctx, name)
		if err != nil {
			return nil, err
		}
		if found {
			there = append(there, name)
		}
	}
	return there, nil
}

// layout is the layout that the shop was made with.
func (c *cloud) layout(ctx context.Context) (string, error) {
	s, there, err := c.find(ctx, "platform")
	if err == nil && !there {
		err = fmt.Errorf("there is no shop %s here", c.shop)
	}
	return s.parameters["Layout"], err
}

// chosenLayout is the layout that is asked for, otherwise the one that the shop has. It cannot be
// changed, because the services of the old layout would stay.
func (c *cloud) chosenLayout(ctx context.Context, wanted string) (string, error) {
	s, there, err := c.find(ctx, "platform")
	has := s.parameters["Layout"]
	switch {
	case err != nil:
		return "", err
	case there && has != "" && wanted != "" && wanted != has:
		return "", fmt.Errorf(
			"%s has the layout %s: back it up, destroy it, create it with the other layout, and restore", c.shop, has)
	case there && has != "":
		return has, nil
	case wanted == "":
		return layoutOne, nil
	}
	return wanted, nil
}

// status prints the state of each part, and the images that run.
func (c *cloud) status(ctx context.Context) error {
	names, err := c.parts(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		s, _, err := c.find(ctx, name)
		if err != nil {
			return err
		}
		if err := c.say("%-34s %-24s %s", stackName(c.shop, name), s.status, s.parameters["Image"]); err != nil {
			return err
		}
	}
	return c.say("%d stacks", len(names))
}

// outputs prints the addresses of a shop's parts, for scripts.
func (c *cloud) outputs(ctx context.Context) error {
	layout, err := c.layout(ctx)
	if err != nil {
		return err
	}
	known, err := c.known(ctx, shopRequest{layout: layout})
	if err != nil {
		return err
	}
	delete(known, "NatsConf")
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if err := c.say("%s=%s", name, known[name]); err != nil {
			return err
		}
	}
	return nil
}

// resources lists everything that AWS made for a shop.
func (c *cloud) resources(ctx context.Context) error {
	names, err := c.parts(ctx)
	if err != nil {
		return err
	}
	n := 0
	for _, name := range names {
		pages := cloudformation.NewListStackResourcesPaginator(c.stacks, &cloudformation.ListStackResourcesInput{
			StackName: aws.String(stackName(c.shop, name))})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("list the resources of %s: %w", name, err)
			}
			for _, r := range page.StackResourceSummaries {
				n++
				if err := c.say("%-34s %-44s %s", stackName(c.shop, name), aws.ToString(r.ResourceType),
					aws.ToString(r.PhysicalResourceId)); err != nil {
					return err
				}
			}
		}
	}
	return c.say("%d resources", n)
}
