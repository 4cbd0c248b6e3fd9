package aws

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// empty deletes all pictures of a shop, with their old versions: AWS deletes only empty buckets.
func (c *cloud) empty(ctx context.Context) error {
	s, there, err := c.find(ctx, "media")
	if err != nil || !there {
		return err
	}
	client, err := c.objects(ctx)
	if err != nil {
		return err
	}
	n, err := emptyBucket(ctx, client, s.outputs["MediaBucket"])
	if err != nil || n == 0 {
		return err
	}
	return c.say("%-34s %d versions of pictures deleted", stackName(c.shop, "media"), n)
}

// objects is a client of AWS's object store, with the region and the credentials of the other
// clients.
func (c *cloud) objects(ctx context.Context) (*minio.Client, error) {
	o := c.stacks.Options()
	who, err := o.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("find credentials of AWS: %w", err)
	}
	host, secure := "s3.amazonaws.com", true // the client puts the region into it
	if at := aws.ToString(o.BaseEndpoint); at != "" {
		u, err := url.Parse(at)
		if err != nil {
			return nil, fmt.Errorf("read AWS_ENDPOINT_URL: %w", err)
		}
		host, secure = u.Host, u.Scheme == "https"
	}
	client, err := minio.New(host, &minio.Options{
		Region: o.Region,
		Secure: secure,
		Creds:  credentials.NewStaticV4(who.AccessKeyID, who.SecretAccessKey, who.SessionToken),
	})
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	return client, nil
}

// emptyBucket deletes every version of every object, and returns their number. A missing bucket has
// none.
func emptyBucket(ctx context.Context, client *minio.Client, bucket string) (int, error) {
	there, err := client.BucketExists(ctx, bucket)
	if err != nil || !there {
		return 0, err
	}
	var unread error
	all := func(yield func(minio.ObjectInfo) bool) {
		every := minio.ListObjectsOptions{Recursive: true, WithVersions: true}
		for object := range client.ListObjectsIter(ctx, bucket, every) {
			if unread = object.Err; unread != nil || !yield(object) {
				return
			}
		}
	}

	results, err := client.RemoveObjectsWithIter(ctx, bucket, all, minio.RemoveObjectsOptions{})
	if err != nil {
		return 0, fmt.Errorf("empty bucket %s: %w", bucket, err)
	}

	n := 0
	for r := range results {
		if r.Err != nil {
			return n, fmt.Errorf("empty bucket %s: %w", bucket, r.Err)
		}
		n++
	}

	if unread != nil {
		return n, fmt.Errorf("list bucket %s: %w", bucket, unread)
	}
	return n, nil
}
