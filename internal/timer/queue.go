// Package timer has members looked at later: a [Queue] sends a delayed message to SQS, which then
// invokes the match function.
package timer

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"waggle/internal/match"
)

// A Queue is an SQS queue.
type Queue struct {
	url string
	api func() *sqs.Client // made when first wanted: most functions never set a timer
}

// longest is the longest delay of a message.
const longest = 15 * time.Minute

// patience is how long a function waits for SQS: nothing depends on timers.
const patience = time.Second

// NewQueue returns the queue at that URL, on whose host SQS is.
func NewQueue(at, region string, credentials aws.CredentialsProvider) (*Queue, error) {
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("it must be the URL of a queue, such as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME")
	}
	host := u.Scheme + "://" + u.Host
	return &Queue{at, sync.OnceValue(func() *sqs.Client {
		return sqs.New(sqs.Options{BaseEndpoint: &host, Region: region, Credentials: credentials})
	})}, nil
}

// Set implements match.Timers. The delay is rounded up to a whole second. The message is the
// members as JSON.
func (q *Queue) Set(ctx context.Context, after time.Duration, members ...match.Member) error {
	body, err := json.Marshal(members)
	if err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	delay := int32(math.Ceil(min(max(after, 0), longest).Seconds()))
	_, err = q.api().SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: delay})
	if err != nil {
		return fmt.Errorf("timer: %w", err)
	}
	return nil
}
