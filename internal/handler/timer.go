package handler

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-lambda-go/events"

	"waggle/internal/match"
)

// timers returns the event of the queue of timers that a payload is, and whether it is one.
func timers(payload []byte) (e events.SQSEvent, ok bool) {
	err := json.Unmarshal(payload, &e)
	return e, err == nil && len(e.Records) > 0 && e.Records[0].EventSource == "aws:sqs"
}

// due looks at the members of the event's messages. The response names the messages that failed, and
// SQS sends those once more.
func (h *Handler) due(ctx context.Context, e events.SQSEvent) (r events.SQSEventResponse) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, ctx := h.begin(ctx, "timer", nil)
	defer s.end(ctx)
	for _, message := range e.Records {
		var members []match.Member
		err := json.Unmarshal([]byte(message.Body), &members)
		for _, m := range members {
			err = errors.Join(err, h.Service.Due(ctx, m))
		}
		if err != nil {
			s.fail(err)
			r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: message.MessageId})
		}
	}
	return r
}
