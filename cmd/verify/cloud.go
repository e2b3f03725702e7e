package main

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// coldStarts reads from the logs how long the functions took to start.
func coldStarts(ctx context.Context, s *target) (string, bool, error) {
	if s.account == nil {
		return "", false, errNotAWS
	}
	var found []string
	seen := 0
	for _, name := range []string{"authorizer", "connect", "disconnect", "location", "match"} {
		function, err := s.function(ctx, name)
		if err != nil {
			return "", false, err
		}
		var config struct{ LoggingConfig struct{ LogGroup string } }
		if err := s.account.aws(ctx, &config, "lambda", "get-function-configuration", "--function-name", function); err != nil {
			return "", false, err
		}
		var log struct{ Events []struct{ Message string } }
		if err := s.account.aws(ctx, &log, "logs", "filter-log-events", "--log-group-name", config.LoggingConfig.LogGroup,
			"--filter-pattern", `"Init Duration"`); err != nil {
			return "", false, err
		}
		var count int
		var longest float64
		for _, e := range log.Events {
			if ms := regexp.MustCompile(`Init Duration: ([\d.]+) ms`).FindStringSubmatch(e.Message); ms != nil {
				took, _ := strconv.ParseFloat(ms[1], 64) // the pattern matches numbers alone
				count, longest = count+1, max(longest, took)
			}
		}
		seen += count
		found = append(found, fmt.Sprintf("%s %d, the longest %.0f ms", name, count, longest))
	}
	return strings.Join(found, "; "), seen > 0, nil
}

// throttled sets the concurrency of the function location to 0 and reads the frame that a
// client gets. With the connection's id in that frame, it measures how long API Gateway
// keeps a connection whose socket was cut off.
func throttled(ctx context.Context, s *target) (string, bool, error) {
	if s.account == nil {
		return "", false, errNotAWS
	}
	function, err := s.function(ctx, "location")
	if err != nil {
		return "", false, err
	}
	w, err := s.connect(ctx, 0)
	if err != nil {
		return "", false, err
	}
	defer w.CloseNow()
	if err := s.account.aws(ctx, nil, "lambda", "put-function-concurrency", "--function-name", function, "--reserved-concurrent-executions", "0"); err != nil {
		return "", false, err
	}
	frame, err := w.request(ctx, `{"action":"location",`+place+`}`, "")
	if err != nil {
		return "", false, err
	}
	connection, _ := frame["connectionId"].(string)
	found := fmt.Sprintf("the client gets %q", frame["message"])
	if connection == "" {
		return found + ", and no connection id", false, nil
	}
	began := time.Now()
	_ = w.net.Close() // no close frame
	for time.Since(began) < 2*time.Minute && ctx.Err() == nil {
		err := s.account.aws(ctx, nil, "apigatewaymanagementapi", "get-connection", "--connection-id", connection, "--endpoint-url", s.management)
		if err != nil {
			return fmt.Sprintf("%s; 410 %v after its socket was cut off", found, time.Since(began).Round(time.Second)), frame["message"] == "Internal server error", nil
		}
		time.Sleep(2 * time.Second)
	}
	return found + "; a connection whose socket was cut off still existed 2 minutes later", false, nil
}
