package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// starts reads from the logs how long the functions took to start, and how long they ran when
// they had started: most of that is the way to the cache and back.
func starts(ctx context.Context, s *target) (string, bool, error) {
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
			"--filter-pattern", `"platform.report"`); err != nil {
			return "", false, err
		}
		var starts, warm []float64
		for _, e := range log.Events {
			if ms, ok := milliseconds(e.Message, "initDurationMs"); ok {
				starts = append(starts, ms)
			} else if ms, ok := milliseconds(e.Message, "durationMs"); ok {
				warm = append(warm, ms)
			}
		}
		seen += len(starts)
		text := fmt.Sprintf("%s %d starts", name, len(starts))
		if len(starts) > 0 {
			text += fmt.Sprintf(", the longest %.0f ms", slices.Max(starts))
		}
		if len(warm) > 0 {
			slices.Sort(warm)
			text += fmt.Sprintf(", warm %.1f ms in the median of %d", warm[len(warm)/2], len(warm))
		}
		found = append(found, text)
	}
	return strings.Join(found, "; "), seen > 0, nil
}

// milliseconds returns a number of a line of Lambda's own log.
func milliseconds(line, name string) (float64, bool) {
	found := regexp.MustCompile(`"` + name + `":([0-9.]+)`).FindStringSubmatch(line)
	if found == nil {
		return 0, false
	}
	ms, err := strconv.ParseFloat(found[1], 64)
	return ms, err == nil
}

// signIns reads what the cache counted: each environment of a function signs in when it
// starts. What the data cost is on the bill alone.
func signIns(ctx context.Context, s *target) (string, bool, error) {
	if s.account == nil {
		return "", false, errNotAWS
	}
	cache, err := s.resource(ctx, "AWS::ElastiCache::ServerlessCache", "")
	if err != nil {
		return "", false, err
	}
	var found []string
	sum := map[string]float64{}
	for _, metric := range []string{"NewConnections", "IamAuthenticationThrottling", "AuthenticationFailures", "NetworkBytesIn", "NetworkBytesOut"} {
		var got struct{ Datapoints []struct{ Sum float64 } }
		if err := s.account.aws(ctx, &got, "cloudwatch", "get-metric-statistics", "--namespace", "AWS/ElastiCache", "--metric-name", metric,
			"--dimensions", "Name=clusterId,Value="+cache, "--start-time", s.began.UTC().Format(time.RFC3339),
			"--end-time", time.Now().UTC().Format(time.RFC3339), "--period", "60", "--statistics", "Sum"); err != nil {
			return "", false, err
		}
		for _, point := range got.Datapoints {
			sum[metric] += point.Sum
		}
		found = append(found, fmt.Sprintf("%s %.0f", metric, sum[metric]))
	}
	return strings.Join(found, ", "), sum["NewConnections"] > 0 && sum["IamAuthenticationThrottling"]+sum["AuthenticationFailures"] == 0, nil
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
