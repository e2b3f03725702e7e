// Package eventbus tells the back end of the application what has happened: a [Bus] sends events to
// EventBridge.
package eventbus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"waggle/internal/match"
)

// Source is the source of all events, by which a rule of EventBridge finds them.
const Source = "waggle"

// A Bus is an event bus of EventBridge.
type Bus struct {
	name string
	api  func() *eventbridge.Client // made when first wanted
}

const (
	// patience is how long a function waits for EventBridge: what was not published stays in the cache.
	patience = time.Second
	// most is how many events EventBridge takes at once.
	most = 10
)

// New returns the bus at that URL: the host is that of EventBridge, the path the bus's name or ARN.
func New(at, region string, credentials aws.CredentialsProvider) (*Bus, error) {
	u, err := url.Parse(at)
	name := ""
	if err == nil {
		name = strings.TrimPrefix(u.Path, "/")
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || name == "" || u.RawQuery != "" {
		return nil, errors.New("it must be the URL of EventBridge and the name or ARN of a bus, such as https://events.REGION.amazonaws.com/NAME")
	}
	host := u.Scheme + "://" + u.Host
	return &Bus{name, sync.OnceValue(func() *eventbridge.Client {
		return eventbridge.New(eventbridge.Options{BaseEndpoint: &host, Region: region, Credentials: credentials})
	})}, nil
}

// A Detail is the detail of an event. docs/back-end.md has its meaning.
type Detail struct {
	ID       string          `json:"id"`
	Type     match.EventType `json:"type"`
	Time     int64           `json:"time"`
	Pool     string          `json:"pool"`
	Match    string          `json:"match,omitempty"`
	Matcher  string          `json:"matcher"`
	Matchee  string          `json:"matchee,omitempty"`
	Request  string          `json:"request,omitempty"`
	Distance float64         `json:"distance,omitempty"`
	Reason   string          `json:"reason,omitempty"`
	Member   string          `json:"member,omitempty"`
}

func detail(e match.Event) Detail {
	d := Detail{ID: e.ID(), Type: e.Type, Time: e.At, Pool: e.Matcher.Pool, Match: e.Match, Matcher: e.Matcher.ID, Matchee: e.Matchee,
		Request: e.Request, Distance: e.Distance, Reason: e.Reason}
	if e.Type == match.EventWaiting {
		d.Match = "" // it is no match yet
	}
	switch e.Left {
	case match.ByMatcher:
		d.Member = d.Matcher
	case match.ByMatchee:
		d.Member = d.Matchee
	}
	return d
}

// Publish implements match.Bus. After an error, some of the events may have been published.
func (b *Bus) Publish(ctx context.Context, events []match.Event) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for some := range slices.Chunk(events, most) {
		var entries []types.PutEventsRequestEntry
		for _, e := range some {
			text, err := json.Marshal(detail(e))
			if err != nil {
				return fmt.Errorf("event bus: %w", err)
			}
			entries = append(entries, types.PutEventsRequestEntry{EventBusName: &b.name, Source: aws.String(Source),
				DetailType: aws.String(string(e.Type)), Time: aws.Time(time.UnixMilli(e.At)), Detail: aws.String(string(text))})
		}
		out, err := b.api().PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
		if err != nil {
			return fmt.Errorf("event bus: %w", err)
		}
		for _, e := range out.Entries {
			if e.ErrorCode != nil {
				return fmt.Errorf("event bus: %s: %s", *e.ErrorCode, aws.ToString(e.ErrorMessage))
			}
		}
	}
	return nil
}
