package aws

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// If several changes failed, the last one is reported with its first failure: the failures after
// that are cancellations that it caused.
func TestWhyAStackFailed(t *testing.T) {
	t.Parallel()
	event := func(of, status, reason string) types.StackEvent {
		return types.StackEvent{LogicalResourceId: aws.String(of), ResourceStatus: types.ResourceStatus(status),
			ResourceStatusReason: aws.String(reason)}
	}
	older := []types.StackEvent{
		event("shop-acme-edge", "UPDATE_ROLLBACK_COMPLETE", ""), event("Task", "UPDATE_FAILED", "of yesterday"),
		event("shop-acme-edge", "UPDATE_IN_PROGRESS", ""),
	}
	last := []types.StackEvent{ // newest first
		event("Alarm", "UPDATE_FAILED", "canceled"), event("Task", "UPDATE_FAILED", "did not come up"),
		event("shop-acme-edge", "UPDATE_IN_PROGRESS", ""),
	}
	if why := firstFault(append(last, older...), "shop-acme-edge"); why != "Task: did not come up" {
		t.Error(why)
	}
	if why := firstFault(older, "shop-acme-edge"); why != "Task: of yesterday" {
		t.Error(why)
	}
	if why := firstFault(older[2:], "shop-acme-edge"); why != "no event says why" {
		t.Error(why)
	}
}
