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

// deployment is one version of a parameter at AWS. Each deployment writes two: before the first
// service changes, and when all of them run the tag. One that fails or is canceled writes only the
// first.
type deployment struct {
	Tag   string    `json:"tag"`
	At    time.Time `json:"at"`
	Begun bool      `json:"begun,omitempty"` // written before the first service changes
	Back  int       `json:"back,omitempty"`  // for a rollback: how many deployments it goes back
}

func (c *cloud) recordName() *string { return aws.String("/shop/" + atAWS(c.shop) + "/deployment") }

// bring deploys a tag, and records its begin and its completion.
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

// record writes a record with the current time.
func (c *cloud) record(ctx context.Context, d deployment) error {
	d.At = time.Now().UTC().Truncate(time.Second)
	text, err := json.Marshal(d)
	if err != nil {
		return fmt.Errorf("record the deployment: %w", err)
	}
	if _, err := c.records.PutParameter(ctx, &ssm.PutParameterInput{
		Name:      c.recordName(),
		Value:     aws.String(string(text)),
		Type:      types.ParameterTypeString,
		Overwrite: aws.Bool(true),
	}); err != nil {
		return fmt.Errorf("record the deployment: %w", err)
	}
	return nil
}

// deleteHistory deletes the history of a destroyed shop.
func (c *cloud) deleteHistory(ctx context.Context) error {
	_, err := c.records.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: c.recordName()})
	if err != nil && !hasErrorCode(err, "ParameterNotFound") {
		return fmt.Errorf("delete the deployments: %w", err)
	}
	return nil
}

// history returns the deployments as rollback counts them. AWS keeps the last hundred records.
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

// rows makes what rollback counts from records that are sorted from the oldest: the deployment that
// was begun last, if it is not complete, and before it the complete ones, newest first. A rollback
// removes the deployments after its target, so that the next rollback goes further back and never
// forward to one of them.
func rows(records []deployment) []deployment {
	var whole, begun []deployment // whole: the complete ones, oldest first; begun: the incomplete last one, or none
	for _, d := range records {
		if d.Begun {
			whole = whole[:min(max(len(whole)+len(begun)-d.Back, 0), len(whole))]
			begun = []deployment{d}
			continue
		}
		if n := len(whole); n > 0 && whole[n-1].Tag == d.Tag {
			whole = whole[:n-1] // the same tag was deployed again
		}
		whole, begun = append(whole, d), nil
	}
	slices.Reverse(whole)
	return append(begun, whole...)
}

// tellHistory prints the deployments with their numbers for rollback.
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
