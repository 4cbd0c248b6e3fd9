package aws

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
)

// cloud is one shop at AWS with the clients of AWS's services. Region, credentials and endpoints
// come from where AWS's own tools take them (AWS_REGION, AWS_PROFILE, AWS_ENDPOINT_URL, …).
type cloud struct {
	shop    string
	out     io.Writer
	stacks  *cloudformation.Client
	tasks   *ecs.Client
	logs    *cloudwatchlogs.Client
	secrets *secretsmanager.Client
	records *ssm.Client
}

func open(ctx context.Context, shop string, out io.Writer) (*cloud, error) {
	if err := checkShop(shop); err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("find region and credentials of AWS: %w", err)
	}
	return &cloud{
		shop:    shop,
		out:     out,
		stacks:  cloudformation.NewFromConfig(cfg),
		tasks:   ecs.NewFromConfig(cfg),
		logs:    cloudwatchlogs.NewFromConfig(cfg),
		secrets: secretsmanager.NewFromConfig(cfg),
		records: ssm.NewFromConfig(cfg),
	}, nil
}

func (c *cloud) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(c.out, format+"\n", args...); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
