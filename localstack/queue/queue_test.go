package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"waggle/internal/match"
	"waggle/internal/timer"
	"waggle/localstack/queue"
)

// start serves a queue whose messages look at members. It returns its URL.
func start(t *testing.T, look func(match.Member) error) string {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	at := server.URL + "/secret"
	q := queue.New(at, func(_ context.Context, payload []byte) ([]byte, error) {
		var e events.SQSEvent
		var members []match.Member
		if err := json.Unmarshal(payload, &e); err != nil || len(e.Records) != 1 || e.Records[0].EventSource != "aws:sqs" {
			t.Errorf("not an event of SQS with one message: %s", payload)
			return nil, nil
		}
		if err := json.Unmarshal([]byte(e.Records[0].Body), &members); err != nil {
			t.Error(err)
		}
		var r events.SQSEventResponse
		for _, m := range members {
			if look(m) != nil {
				r.BatchItemFailures = []events.SQSBatchItemFailure{{ItemIdentifier: e.Records[0].MessageId}}
			}
		}
		return json.Marshal(r)
	}, slog.New(slog.NewTextHandler(t.Output(), nil)))
	t.Cleanup(q.Close)
	mux.Handle("POST /{$}", q)
	return at
}

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

func TestATimerLooksAtItsMembers(t *testing.T) {
	looked := make(chan match.Member, 10)
	failed := false
	at := start(t, func(m match.Member) error {
		looked <- m
		if m.ID == "ana" && !failed {
			failed = true
			return errors.New("the cache is away")
		}
		return nil
	})
	q, err := timer.NewQueue(at, "us-east-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	ana, odd := match.Member{Pool: "city", ID: "ana"}, match.Member{Pool: "p", ID: "é\"\x01"}
	if err := q.Set(t.Context(), 200*time.Millisecond, ana, odd); err != nil {
		t.Fatal(err)
	}
	if err := q.Set(t.Context(), 15*time.Minute, match.Member{ID: "later"}); err != nil {
		t.Fatal(err)
	}
	var got []match.Member
	for range 4 { // the message comes twice, since one of its members failed
		got = append(got, <-looked)
	}
	if diff := cmp.Diff([]match.Member{ana, odd, ana, odd}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAQueueRefuses(t *testing.T) {
	at := start(t, func(match.Member) error { return nil })
	for name, test := range map[string]struct{ target, body, want string }{
		"another action": {"AmazonSQS.PurgeQueue", `{}`, "UnsupportedOperation"},
		"no JSON":        {"AmazonSQS.SendMessage", `{`, "InvalidMessageContents"},
		"another queue":  {"AmazonSQS.SendMessage", `{"QueueUrl":"http://127.0.0.1/guess","MessageBody":"[]"}`, "QueueDoesNotExist"},
		"a long delay":   {"AmazonSQS.SendMessage", `{"QueueUrl":"` + at + `","MessageBody":"[]","DelaySeconds":901}`, "InvalidParameterValue"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(at, "secret"), strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("X-Amz-Target", test.target)
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != http.StatusBadRequest || !strings.Contains(string(body), test.want) {
				t.Errorf("got %d %s, want 400 %s", response.StatusCode, body, test.want)
			}
		})
	}
}

func TestAQueueNeedsAURL(t *testing.T) {
	for _, at := range []string{"timers", "arn:aws:sqs:eu-west-1:1:timers", "https://"} {
		if _, err := timer.NewQueue(at, "us-east-1", credentials); err == nil {
			t.Errorf("%q was taken", at)
		}
	}
}

// TestAQueueThatDoesNotAnswerHoldsNobodyUp: a network without a way to SQS drops what is sent.
func TestAQueueThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then the server sees that the client has gone
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	q, err := timer.NewQueue(server.URL+"/timers", "us-east-1", credentials)
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Set(t.Context(), 0, match.Member{ID: "ana"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the time is over", err)
	}
}
