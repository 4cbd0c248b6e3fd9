package aws

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// deployment is what a version of a parameter at AWS remembers. Each deployment writes two: before the first
// service changes, and when all of them run the tag. One that fails or is canceled has the first alone.
type deployment struct {
	Tag   string    `json:"tag"`
	At    time.Time `json:"at"`
	Begun bool      `json:"begun,omitempty"` // begun alone
	Back  int       `json:"back,omitempty"`  // a rollback was begun, by so many
}

func (c *cloud) recordName() *string { return aws.String("/shop/" + atAWS(c.shop) + "/deployment") }

// bring deploys a tag, and records that it was begun and that it became whole.
func (c *cloud) bring(ctx context.Context, layout string, known map[string]string, d deployment) error {
	d.Begun = true
	if err := c.record(ctx, d); err != nil {
		return err
	}
	if err := c.deployTag(ctx, layout, d.Tag, known); err != nil {
		return err
	}
	if err := c.record(ctx, deployment{Tag: d.Tag}); err != nil {
		return err
	}
	return c.say("%s runs %s", c.shop, d.Tag)
}

// record notes a deployment as it is now.
func (c *cloud) record(ctx context.Context, d deployment) error {
	d.At = time.Now().UTC().Truncate(time.Second)
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("record the deployment: %w", err)
	}
	if _, err := c.records.PutParameter(ctx, &ssm.PutParameterInput{Name: c.recordName(),
		Value: aws.String(string(text)), Type: types.ParameterTypeString, Overwrite: aws.Bool(true)}); err != nil {
		return fmt.Errorf("record the deployment: %w", err)
	}
	return nil
}

// dropHistory drops the history of a shop that is gone.
func (c *cloud) dropHistory(ctx context.Context) error {
	_, err := c.records.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: c.recordName()})
	if err != nil && !hasErrorCode(err, "ParameterNotFound") {
		return fmt.Errorf("drop the deployments: %w", err)
	}
	return nil
}

// history is the rows of what was deployed. AWS keeps the last hundred records.
func (c *cloud) history(ctx context.Context) ([]deployment, error) {
	var versions []types.ParameterHistory
	pages := ssm.NewGetParameterHistoryPaginator(c.records, &ssm.GetParameterHistoryInput{Name: c.recordName()})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if hasErrorCode(err, "ParameterNotFound") {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the deployments: %w", err)
		}
		versions = append(versions, page.Parameters...)
	}
	slices.SortFunc(versions, func(a, b types.ParameterHistory) int { return cmp.Compare(a.Version, b.Version) })
	records := make([]deployment, len(versions))
	for i, v := range versions {
		if err := json.Unmarshal([]byte(aws.ToString(v.Value)), &records[i]); err != nil {
			return nil, fmt.Errorf("read the deployments: %w", err)
		}
	}
	return rows(records), nil
}

// rows makes what rollback counts from records that are sorted from the oldest: the deployment that was begun last,
// complete or not, and before it the complete ones, newest first. A rollback leaves behind what came after its target:
// another one goes further back, and never forward to what was left.
func rows(records []deployment) []deployment {
	var whole, begun []deployment // whole: the oldest first; begun: one that is not whole, or none
	for _, d := range records {
		if d.Begun {
			whole = whole[:min(max(len(whole)+len(begun)-d.Back, 0), len(whole))]
			begun = []deployment{d}
			continue
		}
		if n := len(whole); n > 0 && whole[n-1].Tag == d.Tag {
			whole = whole[:n-1] // once more the same
		}
		whole, begun = append(whole, d), nil
	}
	slices.Reverse(whole)
	return append(begun, whole...)
}

// tellHistory prints the deployments with the number that rollback takes.
func (c *cloud) tellHistory(ctx context.Context) error {
	all, err := c.history(ctx)
	if err != nil {
		return err
	}
	for back, d := range all {
		note := ""
		if d.Begun {
			note = "  begun, not whole"
		}
		if err := c.say("%3d  %s  %s%s", back, d.At.Format(time.RFC3339), d.Tag, note); err != nil {
			return err
		}
	}
	return nil
}
