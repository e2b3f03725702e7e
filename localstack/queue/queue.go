// Package queue is an SQS queue on one machine: a message invokes a function when its delay is over.
// It serves the one call of SQS that functions make, SendMessage. What waits is lost at the end.
package queue

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// A Queue is a queue. New makes one.
type Queue struct {
	url    string
	invoke func(context.Context, []byte) ([]byte, error)
	log    *slog.Logger
	ids    atomic.Int64

	mu     sync.Mutex
	closed bool
	timers map[int64]*time.Timer // by message
	work   sync.WaitGroup
}

// New returns a queue with that URL, whose messages invoke a function.
func New(url string, invoke func(ctx context.Context, payload []byte) ([]byte, error), log *slog.Logger) *Queue {
	return &Queue{url: url, invoke: invoke, log: log, timers: make(map[int64]*time.Timer)}
}

const (
	// target names SendMessage: see "AWS JSON protocol" in the documentation of SQS.
	target = "AmazonSQS.SendMessage"
	// tries is how often a message is handed to the function, as the queue on AWS does.
	tries = 3
	// pause is how long the queue waits before it tries again.
	pause = time.Second
	// longest is the longest message, in bytes.
	longest = 256 << 10
)

// ServeHTTP implements http.Handler. A request must name the queue's URL: it verifies no signature.
func (q *Queue) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.NotFound(w, r)
		return
	}
	var m struct {
		QueueURL string `json:"QueueUrl"`
		Body     string `json:"MessageBody"`
		Delay    int    `json:"DelaySeconds"`
	}
	refuse := func(kind, text string) {
		answer(w, http.StatusBadRequest, map[string]string{"__type": "com.amazonaws.sqs#" + kind, "message": text})
	}
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, longest)).Decode(&m)
	switch {
	case r.Header.Get("X-Amz-Target") != target:
		refuse("UnsupportedOperation", "the one action here is SendMessage")
	case err != nil:
		refuse("InvalidMessageContents", "the request must be JSON of at most 256 KB")
	case m.QueueURL != q.url:
		refuse("QueueDoesNotExist", "there is no such queue")
	case m.Delay < 0 || m.Delay > 900:
		refuse("InvalidParameterValue", "DelaySeconds must be 0 to 900")
	default:
		sum := md5.Sum([]byte(m.Body)) // the SDK compares it
		answer(w, http.StatusOK, map[string]string{"MessageId": q.send(m.Body, time.Duration(m.Delay)*time.Second), "MD5OfMessageBody": hex.EncodeToString(sum[:])})
	}
}

func answer(w http.ResponseWriter, status int, body map[string]string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // fails if the caller has gone
}

// send keeps a message until its delay is over, and returns its id.
func (q *Queue) send(body string, delay time.Duration) string {
	id := q.ids.Add(1)
	message := events.SQSMessage{MessageId: strconv.FormatInt(id, 10), Body: body, EventSource: "aws:sqs"}
	payload, err := json.Marshal(events.SQSEvent{Records: []events.SQSMessage{message}})
	if err != nil {
		panic(err) // it has only strings
	}
	q.after(id, delay, payload, 1)
	return message.MessageId
}

func (q *Queue) after(id int64, delay time.Duration, payload []byte, try int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.work.Add(1)
	q.timers[id] = time.AfterFunc(delay, func() {
		defer q.work.Done()
		q.mu.Lock()
		delete(q.timers, id)
		q.mu.Unlock()
		err := q.deliver(payload)
		if err == nil {
			return
		}
		if try == tries {
			q.log.Error("a timer's message was given up", "err", err)
			return
		}
		q.after(id, pause, payload, try+1)
	})
}

// deliver invokes the function, and returns an error if that failed or if it says so.
func (q *Queue) deliver(payload []byte) error {
	result, err := q.invoke(context.Background(), payload)
	if err != nil {
		return err
	}
	var r events.SQSEventResponse
	if err := json.Unmarshal(result, &r); err != nil {
		return fmt.Errorf("the function's response: %w", err)
	}
	if len(r.BatchItemFailures) > 0 {
		return fmt.Errorf("the function could not do it")
	}
	return nil
}

// Close forgets what waits, and waits for what is being delivered.
func (q *Queue) Close() {
	q.mu.Lock()
	q.closed = true
	for _, t := range q.timers {
		if t.Stop() {
			q.work.Done()
		}
	}
	q.mu.Unlock()
	q.work.Wait()
}
