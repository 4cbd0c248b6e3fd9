package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// stackTimeout bounds the change of one stack; a database takes a quarter of an hour.
const stackTimeout = 45 * time.Minute

const (
	// changeSetTimeout bounds the wait for the changes of a change set.
	changeSetTimeout = 5 * time.Minute
	// lookFirstPause is the pause before AWS is asked for a state the second time; it is short for
	// the sake of emulators. It doubles up to lookMaxPause, or up to stackEvery for stacks, which
	// take minutes.
	lookFirstPause, lookMaxPause, stackEvery = 200 * time.Millisecond, 5 * time.Second, 10 * time.Second
)

// stack is the current state of a stack, with its parameters and outputs.
type stack struct {
	status     types.StackStatus
	parameters map[string]string
	outputs    map[string]string
}

// find returns a part's stack, or false if there is none.
func (c *cloud) find(ctx context.Context, name string) (stack, bool, error) {
	got, err := c.stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{
		StackName: aws.String(stackName(c.shop, name))})
	if hasErrorCode(err, "ValidationError") || err == nil && len(got.Stacks) == 0 {
		return stack{}, false, nil
	}
	if err != nil {
		return stack{}, false, fmt.Errorf("look for stack %s: %w", stackName(c.shop, name), err)
	}
	s := stack{status: got.Stacks[0].StackStatus, parameters: map[string]string{}, outputs: map[string]string{}}
	for _, p := range got.Stacks[0].Parameters {
		s.parameters[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
	}
	for _, o := range got.Stacks[0].Outputs {
		s.outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	there := s.status != types.StackStatusReviewInProgress && s.status != types.StackStatusDeleteComplete
	return s, there, nil
}

// hasErrorCode reports whether err is an answer of AWS with this code.
func hasErrorCode(err error, code string) bool {
	refusal, ok := errors.AsType[smithy.APIError](err)
	return ok && refusal.ErrorCode() == code
}

// createChangeSet makes a change set for a part, and returns its name and its changes. If nothing
// changes it withdraws the change set and returns "".
func (c *cloud) createChangeSet(ctx context.Context, p part, given map[string]string) (string, []types.Change, error) {
	body, err := p.body()
	if err != nil {
		return "", nil, err
	}
	old, there, err := c.find(ctx, p.name)
	if err != nil {
		return "", nil, err
	}
	parameters, err := c.parameters(ctx, p, body, old, given)
	if err != nil {
		return "", nil, err
	}

	kind := types.ChangeSetTypeCreate
	if there {
		kind = types.ChangeSetTypeUpdate
	}
	name := aws.String(stackName(c.shop, p.name))
	set := aws.String(fmt.Sprintf("shop-%d", time.Now().UnixNano()))
	_, err = c.stacks.CreateChangeSet(ctx, &cloudformation.CreateChangeSetInput{
		StackName:     name,
		ChangeSetName: set,
		ChangeSetType: kind,
		TemplateBody:  &body,
		Parameters:    parameters,
		Capabilities:  []types.Capability{types.CapabilityCapabilityNamedIam},
		Tags:          []types.Tag{{Key: aws.String("shop"), Value: &c.shop}},
	})
	if err != nil {
		return "", nil, fmt.Errorf("make a change set of stack %s: %w", *name, err)
	}

	waiter := cloudformation.NewChangeSetCreateCompleteWaiter(c.stacks, quickly)
	found := &cloudformation.DescribeChangeSetInput{StackName: name, ChangeSetName: set}
	waited := waiter.Wait(ctx, found, changeSetTimeout)
	got, err := c.stacks.DescribeChangeSet(ctx, found)
	if err != nil {
		return "", nil, fmt.Errorf("read the changes of stack %s: %w", *name, err)
	}

	reason := aws.ToString(got.StatusReason)
	switch {
	case strings.Contains(reason, "didn't contain changes"), strings.Contains(reason, "No updates are to be performed"),
		got.Status == types.ChangeSetStatusCreateComplete && len(got.Changes) == 0 && there:
		return "", nil, c.withdraw(ctx, p, *set)
	case waited != nil || got.Status != types.ChangeSetStatusCreateComplete:
		return "", nil, fmt.Errorf("make a change set of stack %s: %s %s", *name, got.Status, reason)
	}

	return *set, got.Changes, nil
}

// quickly begins with a short delay instead of AWS's, so that emulators do not have to be waited
// for.
func quickly(o *cloudformation.ChangeSetCreateCompleteWaiterOptions) {
	o.MinDelay, o.MaxDelay = lookFirstPause, lookMaxPause
}

// withdraw deletes a change set, and the empty stack that the change set of a new stack leaves.
func (c *cloud) withdraw(ctx context.Context, p part, set string) error {
	name := aws.String(stackName(c.shop, p.name))
	if _, err := c.stacks.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: name,
		ChangeSetName: &set}); err != nil {
		return fmt.Errorf("withdraw the changes of stack %s: %w", *name, err)
	}
	if _, there, err := c.find(ctx, p.name); there || err != nil {
		return err
	}
	if _, err := c.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: name}); err != nil {
		return fmt.Errorf("withdraw stack %s: %w", *name, err)
	}
	return nil
}

// parameters are the parameters of a template, each with the given value, otherwise the stack's old
// value, otherwise the default.
func (c *cloud) parameters(ctx context.Context, p part, body string, old stack,
	given map[string]string) ([]types.Parameter, error) {
	summary, err := c.stacks.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{TemplateBody: &body})
	if err != nil {
		return nil, fmt.Errorf("read the template of %s: %w", p.name, err)
	}
	all := map[string]string{"Shop": atAWS(c.shop), "ShopName": c.shop}
	maps.Copy(all, given)
	maps.Copy(all, p.set)

	var list []types.Parameter
	var missing []string
	for _, d := range summary.Parameters {
		key := aws.ToString(d.ParameterKey)
		value, found := all[key]
		_, had := old.parameters[key]
		switch {
		case found:
			list = append(list, types.Parameter{ParameterKey: &key, ParameterValue: &value})
		case had:
			list = append(list, types.Parameter{ParameterKey: &key, UsePreviousValue: aws.Bool(true)})
		case d.DefaultValue == nil:
			missing = append(missing, key)
		}
	}

	if len(missing) > 0 {
		return nil, fmt.Errorf("stack %s needs %s: give it with -set", stackName(c.shop, p.name),
			strings.Join(missing, ", "))
	}
	return list, nil
}

// apply changes a part's stack to what it should be, waits until that is done, and returns its
// outputs. A stack that needs no changes stays as it is, even if its last change failed and was
// rolled back.
func (c *cloud) apply(ctx context.Context, p part, given map[string]string) (map[string]string, error) {
	name := stackName(c.shop, p.name)
	began := time.Now()
	s, err := c.clear(ctx, p.name)
	if err != nil {
		return nil, err
	}
	set, changes, err := c.createChangeSet(ctx, p, given)
	if err != nil {
		return nil, err
	}
	if set != "" {
		if err := c.execute(ctx, name, set); err != nil {
			return nil, err
		}
		if s, err = c.waitFor(ctx, p.name); err != nil {
			return nil, err
		}
	}
	took := time.Since(began).Round(100 * time.Millisecond)
	return s.outputs, c.say("%-34s %3d changes  %s", name, len(changes), took)
}

// execute starts the changes of a change set. A request that the client repeats because the first
// answer was lost is refused as under way, which is no error.
func (c *cloud) execute(ctx context.Context, name, set string) error {
	_, err := c.stacks.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{
		StackName:          &name,
		ChangeSetName:      &set,
		ClientRequestToken: &set,
	})
	if hasErrorCode(err, "InvalidChangeSetStatus") {
		got, derr := c.stacks.DescribeChangeSet(ctx, &cloudformation.DescribeChangeSetInput{StackName: &name,
			ChangeSetName: &set})
		if derr == nil && (got.ExecutionStatus == types.ExecutionStatusExecuteInProgress ||
			got.ExecutionStatus == types.ExecutionStatusExecuteComplete) {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("change stack %s: %w", name, err)
	}
	return nil
}

// clear waits for a stack that a canceled command left changing, and deletes one whose creation
// failed: it is empty, and AWS changes neither. It returns the stack as it was.
func (c *cloud) clear(ctx context.Context, name string) (stack, error) {
	s, _, err := c.waitUnchanged(ctx, name)
	if err != nil || s.status != types.StackStatusRollbackComplete {
		return s, err
	}
	return s, c.remove(ctx, name)
}

// remove deletes a part's stack, and waits until it is gone.
func (c *cloud) remove(ctx context.Context, name string) error {
	stack := aws.String(stackName(c.shop, name))
	if _, err := c.stacks.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: stack}); err != nil {
		return fmt.Errorf("delete stack %s: %w", *stack, err)
	}
	_, err := c.waitFor(ctx, name)
	return err
}

// waitFor waits until a stack no longer changes, and fails if its change failed or was rolled back.
func (c *cloud) waitFor(ctx context.Context, name string) (stack, error) {
	s, there, err := c.waitUnchanged(ctx, name)
	if err != nil || !there {
		return s, err
	}
	if state := string(s.status); strings.HasSuffix(state, "ROLLBACK_COMPLETE") || strings.HasSuffix(state, "_FAILED") {
		return s, fmt.Errorf("stack %s is %s: %s", stackName(c.shop, name), state, c.why(ctx, name))
	}
	return s, nil
}

// waitUnchanged waits until a stack no longer changes, whatever its state is then.
func (c *cloud) waitUnchanged(ctx context.Context, name string) (stack, bool, error) {
	limit := time.Now().Add(stackTimeout)
	for pause := lookFirstPause; ; pause = min(2*pause, stackEvery) {
		s, there, err := c.find(ctx, name)
		if err != nil || !there || !strings.HasSuffix(string(s.status), "_IN_PROGRESS") {
			return s, there, err
		}
		if time.Now().After(limit) {
			return s, there, fmt.Errorf("stack %s is still %s after %s",
				stackName(c.shop, name), s.status, stackTimeout)
		}
		if !wait.Sleep(ctx, pause) {
			return s, there, ctx.Err()
		}
	}
}

// why returns the first failure in a stack's last change.
func (c *cloud) why(ctx context.Context, name string) string {
	got, err := c.stacks.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{
		StackName: aws.String(stackName(c.shop, name))})
	if err != nil {
		return "its events cannot be read"
	}
	return firstFault(got.StackEvents, stackName(c.shop, name))
}

// firstFault reads a stack's events, newest first, back to where its last change began.
func firstFault(events []types.StackEvent, stack string) string {
	why := "no event says why"
	for _, e := range events {
		switch status := string(e.ResourceStatus); {
		case strings.HasSuffix(status, "_FAILED"):
			why = aws.ToString(e.LogicalResourceId) + ": " + aws.ToString(e.ResourceStatusReason)
		case aws.ToString(e.LogicalResourceId) == stack && (status == "CREATE_IN_PROGRESS" ||
			status == "UPDATE_IN_PROGRESS" || status == "DELETE_IN_PROGRESS"):
			return why
		}
	}
	return why
}
