// Package timer has members looked at later: a [Queue] sends a delayed message to SQS, which then
// invokes the match function, and [Serve] reads that event.
package timer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/match"
)

// source is the source of an event from SQS.
const source = "aws:sqs"

// A due is one member of a message.
type due struct {
	Pool   string `json:"pool"`
	Member string `json:"member"`
}

func encode(members []match.Member) string {
	all := make([]due, len(members))
	for i, m := range members {
		all[i] = due{m.Pool, m.ID}
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // they are strings
	}
	return string(text)
}

// Event returns the event that a payload is, and whether it is one of SQS.
func Event(payload []byte) (e events.SQSEvent, ok bool) {
	err := json.Unmarshal(payload, &e)
	return e, err == nil && len(e.Records) > 0 && e.Records[0].EventSource == source
}

// Serve calls look for each member of the event's messages. The response names the messages that
// failed, which SQS sends once more.
func Serve(ctx context.Context, e events.SQSEvent, look func(context.Context, match.Member) error) (events.SQSEventResponse, error) {
	var r events.SQSEventResponse
	var errs []error
	for _, message := range e.Records {
		var all []due
		err := json.Unmarshal([]byte(message.Body), &all)
		for _, d := range all {
			err = errors.Join(err, look(ctx, match.Member{Pool: d.Pool, ID: d.Member}))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("timer %s: %w", message.MessageId, err))
			r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return r, errors.Join(errs...)
}
