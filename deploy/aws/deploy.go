package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/startupwebapp/startupwebapp/pkg/wait"
)

// deploy changes the services of an existing shop to the images of a tag. Without a tag they get
// new tasks with the same images, which read changed settings.
func (c *cloud) deploy(ctx context.Context, tag string) error {
	layout, err := c.layout(ctx)
	if err != nil {
		return err
	}
	known, err := c.known(ctx, shopRequest{layout: layout})
	if err != nil {
		return err
	}
	if tag == "" {
		return c.renew(ctx, layout)
	}
	return c.bring(ctx, layout, known, deployment{Tag: tag})
}

// renew replaces the running tasks by new ones.
func (c *cloud) renew(ctx context.Context, layout string) error {
	for _, service := range programs(layout) {
		name := stackName(c.shop, service)
		if _, err := c.tasks.UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster:            aws.String("shop-" + atAWS(c.shop)),
			Service:            &name,
			ForceNewDeployment: true,
		}); err != nil {
			return fmt.Errorf("start new tasks of %s: %w", service, err)
		}
	}
	return nil
}

// rollback deploys what ran the given number of deployments ago. Tables stay: older code works with
// migrated tables.
func (c *cloud) rollback(ctx context.Context, back int) error {
	rows, err := c.history(ctx)
	if err != nil {
		return err
	}
	if back < 1 || back >= len(rows) {
		return fmt.Errorf("%d deployments are before the last one: cannot go %d back", max(len(rows)-1, 0), back)
	}
	to := rows[back]
	at := to.At.Format(time.RFC3339)
	if err := c.say("%s goes back to %s, deployed at %s", c.shop, to.Tag, at); err != nil {
		return err
	}
	layout, err := c.layout(ctx)
	if err != nil {
		return err
	}
	known, err := c.known(ctx, shopRequest{layout: layout})
	if err != nil {
		return err
	}
	return c.bring(ctx, layout, known, deployment{Tag: to.Tag, Back: back})
}

// taskTimeout bounds a command that runs as a task.
const taskTimeout = 15 * time.Minute

// run runs a command of the program shop as a task beside the services, prints its output, and
// fails if it failed. The image is that of the tag, or without one, that of the last complete
// deployment.
func (c *cloud) run(ctx context.Context, tag string, command []string) error {
	layout, err := c.layout(ctx)
	if err != nil {
		return err
	}
	known, err := c.known(ctx, shopRequest{layout: layout})
	if err != nil {
		return err
	}
	if tag == "" {
		rows, err := c.history(ctx)
		if err != nil {
			return err
		}
		last := slices.IndexFunc(rows, func(d deployment) bool { return !d.Begun })
		if last < 0 {
			return errors.New("nothing was deployed yet: name an image with -tag")
		}
		tag = rows[last].Tag
	}
	definition, err := c.define(ctx, known, tag)
	if err != nil {
		return err
	}
	return errors.Join(c.start(ctx, known, definition, command), c.undefine(ctx, definition))
}

// start starts a task, and waits for it.
func (c *cloud) start(ctx context.Context, known map[string]string, definition string, command []string) error {
	started, err := c.tasks.RunTask(ctx, &ecs.RunTaskInput{
		Cluster:        aws.String(known["ClusterName"]),
		TaskDefinition: &definition,
		LaunchType:     ecstypes.LaunchTypeFargate,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
			Subnets:        strings.Split(known["TaskSubnets"], ","),
			SecurityGroups: []string{known["TaskGroupId"]},
			AssignPublicIp: ecstypes.AssignPublicIp(known["TaskAddresses"])}},
		Overrides: &ecstypes.TaskOverride{ContainerOverrides: []ecstypes.ContainerOverride{
			{Name: aws.String("shop"), Command: command}}},
	})
	if err == nil && len(started.Tasks) == 0 {
		err = fmt.Errorf("%v", started.Failures)
	}
	if err != nil {
		return fmt.Errorf("start a task: %w", err)
	}
	return c.attend(ctx, known, aws.ToString(started.Tasks[0].TaskArn))
}

// define registers the task definition of commands, and returns its name with the revision.
func (c *cloud) define(ctx context.Context, known map[string]string, tag string) (string, error) {
	got, err := c.tasks.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:                  aws.String(stackName(c.shop, "command")),
		RequiresCompatibilities: []ecstypes.Compatibility{ecstypes.CompatibilityFargate},
		NetworkMode:             ecstypes.NetworkModeAwsvpc,
		RuntimePlatform: &ecstypes.RuntimePlatform{CpuArchitecture: ecstypes.CPUArchitectureArm64,
			OperatingSystemFamily: ecstypes.OSFamilyLinux},
		Cpu:              aws.String("256"),
		Memory:           aws.String("512"),
		ExecutionRoleArn: aws.String(known["ExecutionRoleArn"]),
		TaskRoleArn:      aws.String(known["TaskRoleArn"]),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("shop"), Image: aws.String(known["Registry"] + "/shop:" + tag), Essential: aws.Bool(true),
			User: aws.String("65532"), ReadonlyRootFilesystem: aws.Bool(true),
			Secrets: []ecstypes.Secret{{Name: aws.String("SETTINGS"), ValueFrom: aws.String(known["ShopSettingsArn"])}},
			LogConfiguration: &ecstypes.LogConfiguration{LogDriver: ecstypes.LogDriverAwslogs,
				Options: map[string]string{"awslogs-group": known["LogGroup"], "awslogs-stream-prefix": "command",
					"awslogs-region": c.tasks.Options().Region}},
		}},
	})
	if err != nil {
		return "", fmt.Errorf("register the task definition of commands: %w", err)
	}
	return aws.ToString(got.TaskDefinition.TaskDefinitionArn), nil
}

func (c *cloud) undefine(ctx context.Context, definition string) error {
	if _, err := c.tasks.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{
		TaskDefinition: &definition}); err != nil {
		return fmt.Errorf("deregister the task definition of commands: %w", err)
	}
	return nil
}

// attend waits until a task has ended, prints its log, and returns its failure.
func (c *cloud) attend(ctx context.Context, known map[string]string, task string) error {
	ctx, cancel := context.WithTimeout(ctx, taskTimeout)
	defer cancel()
	for pause := lookFirstPause; ; pause = min(2*pause, lookMaxPause) {
		got, err := c.tasks.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(known["ClusterName"]),
			Tasks: []string{task}})
		if err != nil || len(got.Tasks) == 0 {
			return fmt.Errorf("look at task %s: %w", task, errors.Join(err, ctx.Err()))
		}
		if t := got.Tasks[0]; aws.ToString(t.LastStatus) == "STOPPED" {
			if err := c.tellLog(ctx, known, task); err != nil {
				return err
			}
			return ended(t)
		}
		if !wait.Sleep(ctx, pause) {
			return fmt.Errorf("task %s has not ended after %s", task, taskTimeout)
		}
	}
}

// ended returns nil if the task's program exited with 0.
func ended(t ecstypes.Task) error {
	if len(t.Containers) == 0 || t.Containers[0].ExitCode == nil {
		return fmt.Errorf("the task did not run: %s", aws.ToString(t.StoppedReason))
	}
	if code := *t.Containers[0].ExitCode; code != 0 {
		return fmt.Errorf("the command ended with %d", code)
	}
	return nil
}

func (c *cloud) tellLog(ctx context.Context, known map[string]string, task string) error {
	stream := "command/shop/" + task[strings.LastIndex(task, "/")+1:]
	pages := cloudwatchlogs.NewGetLogEventsPaginator(c.logs, &cloudwatchlogs.GetLogEventsInput{
		LogGroupName:  aws.String(known["LogGroup"]),
		LogStreamName: &stream,
		StartFromHead: aws.Bool(true),
	},
		func(o *cloudwatchlogs.GetLogEventsPaginatorOptions) { o.StopOnDuplicateToken = true })
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if hasErrorCode(err, "ResourceNotFoundException") {
			return nil // the command printed nothing
		}
		if err != nil {
			return fmt.Errorf("read the log of the task: %w", err)
		}
		for _, e := range page.Events {
			if err := c.say("%s", strings.TrimRight(aws.ToString(e.Message), "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}
