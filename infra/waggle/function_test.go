package waggle_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"waggle/infra/config"
	"waggle/infra/waggle"
	"waggle/internal/topology"
	"waggle/test/kit"
)

func TestTheFunctionsAreThoseOfTheTopology(t *testing.T) {
	each(t, func(t *testing.T, s *template) {
		var want []string
		for _, f := range topology.Functions() {
			want = append(want, "Waggle"+title(f.Name))
			got := s.function(t, f.Name)
			machine := "arm64"
			if s == stack(t, local) {
				machine = "x86_64"
			}
			level, reserved := "WARN", any(nil)
			if s == stack(t, zones) {
				level = "INFO"
				if f.Name == topology.Authorizer || f.Name == topology.Connect {
					reserved = 50.0
				}
			}
			for key, value := range map[string]any{
				"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": []any{machine},
				"MemorySize": float64(f.MemoryMB), "Timeout": f.Timeout.Seconds(), "Role": "${Waggle" + title(f.Name) + "Role.Arn}",
				"LoggingConfig":                map[string]any{"LogGroup": "${Waggle" + title(f.Name) + "Logs}", "LogFormat": "JSON", "SystemLogLevel": level},
				"ReservedConcurrentExecutions": reserved, "Description": "Waggle: " + f.Name + ", of an unknown version",
			} {
				if diff := cmp.Diff(value, got[key]); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", f.Name, key, diff)
				}
			}
			if timeout := got["Timeout"].(float64); timeout >= 29 {
				t.Errorf("%s: got timeout %v, and API Gateway waits 29 s", f.Name, timeout)
			}
		}
		if got := s.names("AWS::Lambda::Function"); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("got functions %v, want %v", got, want)
		}
	})
}

func TestTagsAreOnAllResourcesThatCost(t *testing.T) {
	s := stack(t, zones)
	for _, kind := range []string{"AWS::Lambda::Function", "AWS::ApiGatewayV2::Api", "AWS::ElastiCache::ServerlessCache", "AWS::SQS::Queue", "AWS::Logs::LogGroup",
		"AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::CloudWatch::Alarm"} {
		if len(s.names(kind)) == 0 {
			t.Errorf("there is no %s", kind)
		}
		for _, id := range s.names(kind) {
			if got := fmt.Sprint(s.resources[id].Tags); !strings.Contains(got, "places") || !strings.Contains(got, "try out") {
				t.Errorf("%s %s has the tags %s", kind, id, got)
			}
		}
	}
}

func TestLogsAreKeptAsLongAsChosen(t *testing.T) {
	for name, days := range map[string]float64{serverless: 30, cluster: 30, everything: 7} {
		s := stack(t, name)
		logs := s.names("AWS::Logs::LogGroup")
		if len(logs) < len(topology.Functions()) {
			t.Errorf("%s: got %v", name, logs)
		}
		for _, group := range logs {
			if r := s.resources[group]; r.Properties["RetentionInDays"] != days || r.DeletionPolicy != "Delete" {
				t.Errorf("%s: %s: got %v, %s", name, group, r.Properties, r.DeletionPolicy)
			}
		}
	}
}

// Every function gets the required variables in every stack, and every other variable
// in at least one stack.
func TestAFunctionGetsTheVariablesThatItReads(t *testing.T) {
	given := map[string]bool{}
	each(t, func(t *testing.T, s *template) {
		for _, f := range topology.Functions() {
			environment := environment(t, s, f.Name)
			for name := range environment {
				if given[name] = true; !slices.Contains(f.Env, name) {
					t.Errorf("%s gets %s, which it does not read", f.Name, name)
				}
			}
			for _, v := range topology.Variables() {
				if _, ok := environment[v.Name]; v.Required && slices.Contains(f.Env, v.Name) && !ok {
					t.Errorf("%s does not get %s", f.Name, v.Name)
				}
			}
		}
	})
	for _, v := range topology.Variables() {
		if !given[v.Name] && !t.Failed() {
			t.Errorf("functions read %s, and get it in no stack", v.Name)
		}
	}
}

// environment returns the variables of a function.
func environment(t *testing.T, s *template, function string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, value := range s.function(t, function)["Environment"].(map[string]any)["Variables"].(map[string]any) {
		all[name] = value.(string)
	}
	return all
}

func TestTheVariablesHaveTheseValues(t *testing.T) {
	const pools = `{"pools":{"default":{"consent":"required","confirm":30,"availability":"kept","remoteRequests":false,"locationTTL":60,"grace":60,"maxRadius":20000,` +
		`"maxAccuracy":500,"maxSpeed":100,"reportsPerSecond":5,"reportsBurst":40,"messagesPerSecond":20,"messagesBurst":40,"requestsPerMinute":10,"nearbyPerMinute":6,"matchesPerHour":30,"harvestPerHour":20,"coolDown":300}}}`
	identity := map[string]string{"WAGGLE_ISSUER": "https://issuer.example", "WAGGLE_AUDIENCE": "waggle"}
	endpoint := map[string]string{"WAGGLE_POOLS": pools, "WAGGLE_MANAGEMENT_ENDPOINT": "https://" + address + "/prod", "WAGGLE_TIMER_QUEUE": "${WaggleTimers}",
		"WAGGLE_METRICS": "waggled5bb1d40-metrics"}
	with := func(base map[string]string, pairs ...string) map[string]string {
		all := maps.Clone(base)
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, "=")
			all[name] = value
		}
		return all
	}
	for name, wants := range map[string]struct{ authorizer, others map[string]string }{
		public: {identity, with(endpoint, "WAGGLE_CACHE_URL=rediss://${WagglePublicCache.Endpoint.Address}:${WagglePublicCache.Endpoint.Port}",
			"WAGGLE_CACHE_USER=${WaggleCacheUser}", "WAGGLE_CACHE_IAM=serverless/waggled5bb1d40-public")},
		serverless: {identity, with(endpoint, "WAGGLE_CACHE_URL=rediss://${WaggleServerlessCache.Endpoint.Address}:${WaggleServerlessCache.Endpoint.Port}",
			"WAGGLE_CACHE_USER=${WaggleCacheUser}", "WAGGLE_CACHE_IAM=serverless/waggled5bb1d40-serverless")},
		cluster: {identity, with(endpoint, "WAGGLE_CACHE_URL=rediss://${WaggleClusterCache.ConfigurationEndPoint.Address}:${WaggleClusterCache.ConfigurationEndPoint.Port}",
			"WAGGLE_CACHE_USER=${WaggleCacheUser}", "WAGGLE_CACHE_IAM=cluster/waggled5bb1d40-cluster")},
		outside: {identity, with(endpoint, "WAGGLE_CACHE_URL=rediss://theirs-x.public.serverless.euw1.cache.amazonaws.com:6379",
			"WAGGLE_CACHE_USER=ours", "WAGGLE_CACHE_IAM=serverless/theirs")},
		existing: {identity, with(endpoint, "WAGGLE_CACHE_URL=rediss://cache.example:6380", "WAGGLE_CACHE_USER=ours", "WAGGLE_CACHE_IAM=cluster/theirs")},
		everything: {with(identity, "WAGGLE_AUDIENCE_CLAIM=client_id", "WAGGLE_POOL_CLAIM=custom:pool", "WAGGLE_ROLES_CLAIM=custom:roles",
			"WAGGLE_TAGS_CLAIM=custom:tags", "WAGGLE_CARD_CLAIM=custom:card"),
			with(endpoint, "WAGGLE_TWO_WAY=true", "WAGGLE_EVENT_BUS=https://events.${AWS::Region}.${AWS::URLSuffix}/arn:aws:events:eu-west-3:210987654321:event-bus/theirs", "WAGGLE_CACHE_URL=rediss://cache.example:6379", "WAGGLE_CACHE_USER=ours",
				"WAGGLE_CACHE_PASSWORD={{resolve:secretsmanager:the/password:SecretString:::}}")},
		local: {with(identity, "WAGGLE_ISSUER=http://issuer.example"), with(endpoint, "WAGGLE_EVENT_BUS=http://127.0.0.1:4566/default", "WAGGLE_CACHE_URL=redis://127.0.0.1:6379",
			"WAGGLE_MANAGEMENT_ENDPOINT=http://127.0.0.1:4566/_aws/execute-api/${WaggleApi}/prod")},
	} {
		s := stack(t, name)
		for _, f := range topology.Functions() {
			want := wants.others
			if f.Authorizer {
				want = wants.authorizer
			}
			if diff := cmp.Diff(want, environment(t, s, f.Name)); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, f.Name, diff)
			}
		}
	}
}

func TestAFunctionThatIsNotBuiltIsNamed(t *testing.T) {
	kit.Command(t, "node", "Node.js 20 or later")
	for name, test := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"nothing is built": {os.RemoveAll, "the function authorizer is not built: make build ARCH=arm64"},
		"one is missing":   {func(dir string) error { return os.RemoveAll(filepath.Join(dir, "match")) }, "the function match is not built: make build ARCH=arm64"},
		"for another machine": {func(dir string) error {
			return errors.Join(os.RemoveAll(dir), os.Mkdir(dir, 0o700), build(dir, config.AMD64))
		}, "EM_X86_64 and not EM_AARCH64: make build ARCH=arm64"},
		"not a program at all": {func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "connect", "bootstrap"), []byte("#!/bin/sh"), 0o600)
		}, "the function connect is not built"},
	} {
		c, err := choose()
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := errors.Join(build(dir, config.ARM64), test.spoil(dir)); err != nil {
			t.Fatal(err)
		}
		app := awscdk.NewApp(&awscdk.AppProps{Outdir: jsii.String(t.TempDir())})
		if _, err := waggle.NewStack(app, waggle.StackProps{Props: waggle.Props{Config: c, Dist: dir}}); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}
