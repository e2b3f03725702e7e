package waggle_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"waggle/infra/config"
	"waggle/infra/waggle"
	"waggle/internal/topology"
	"waggle/test/kit"
)

// The stacks under test. A synthesis takes seconds, so each stack is synthesized once for
// all tests, with cdk-nag.
const (
	public     = "public"
	serverless = "serverless+nat"
	ipv6       = "serverless+ipv6"
	cluster    = "cluster+nat"
	zones      = "serverless+nat in chosen zones"
	subnets    = "vpcId with subnetIds"
	lookup     = "vpcId"
	existing   = "cacheEndpoint with IAM"
	outside    = "cacheEndpoint, public"
	everything = "cacheEndpoint with a password, and all other settings"
	local      = "target=local"
)

var stacks = map[string]func() (*template, error){
	public:     once(),
	serverless: once("cache=serverless"),
	ipv6:       once("cache=serverless", "egress=ipv6", "eventBus=matches"),
	cluster:    once("cache=cluster", "cacheShards=2"),
	zones: once("cache=serverless", "natGateways=1", "zones=eu-west-1a,eu-west-1c", "cacheMinGB=2", "cacheMinECPU=5000", "cacheMaxECPU=90000",
		"connectRate=450", "connectConcurrency=50", "lambdaLogs=info", "tags=team=places,stage=try out"),
	subnets: once("cache=serverless", "vpcId=vpc-01234567", "subnetIds=subnet-01234567,subnet-89abcdef"),
	lookup:  once("cache=serverless", "vpcId=vpc-01234567"),
	outside: once("cacheEndpoint=theirs-x.public.serverless.euw1.cache.amazonaws.com:6379", "cacheIAM=serverless/theirs", "cacheUser=ours"),
	existing: once("vpcId=vpc-01234567", "subnetIds=subnet-01234567,subnet-89abcdef", "cacheEndpoint=cache.example:6380",
		"cacheIAM=cluster/theirs", "cacheUser=ours", "cacheSecurityGroup=sg-01234567"),
	everything: once("vpcId=vpc-01234567", "subnetIds=subnet-01234567,subnet-89abcdef", "cacheEndpoint=cache.example:6379", "cacheUser=ours", "cacheSecret=the/password",
		"audienceClaim=client_id", "claim.pool=custom:pool", "claim.roles=custom:roles", "claim.tags=custom:tags", "claim.card=custom:card",
		"domain=ws.example.org", "certificate=arn:aws:acm:eu-west-3:210987654321:certificate/x", "alarmTopic=arn:aws:sns:eu-west-3:210987654321:alarms",
		"eventBus=arn:aws:events:eu-west-3:210987654321:event-bus/theirs", "accessLogs=off", "throttleRate=10", "throttleBurst=20", "logDays=7", "twoWay=true"),
	local: once("target=local", "issuer=http://issuer.example", "cacheEndpoint=redis://127.0.0.1:6379", "arch=amd64", "eventBus=default"),
}

func TestMain(m *testing.M) {
	status := m.Run()
	jsii.Close()
	os.Exit(status)
}

// each runs a test on every stack.
func each(t *testing.T, test func(t *testing.T, s *template)) {
	for name := range stacks {
		t.Run(name, func(t *testing.T) { test(t, stack(t, name)) })
	}
}

// stack returns one of the stacks.
func stack(t *testing.T, name string) *template {
	t.Helper()
	kit.Command(t, "node", "Node.js 20 or later")
	s, err := stacks[name]()
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return s
}

func once(settings ...string) func() (*template, error) {
	return sync.OnceValues(func() (*template, error) { return synthesize(settings...) })
}

// choose returns the required settings, and more of the form key=value.
func choose(settings ...string) (config.Config, error) {
	context := map[string]any{"issuer": "https://issuer.example", "audience": "waggle", "consent": "required"}
	for _, pair := range settings {
		key, value, _ := strings.Cut(pair, "=")
		context[key] = value
	}
	return config.Parse(context, os.ReadFile)
}

func synthesize(settings ...string) (*template, error) {
	c, err := choose(settings...)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "waggle-infra-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := build(dir, c.Arch); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "cdk.out")
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &out, AnalyticsReporting: jsii.Bool(false), Context: lookedUp()})
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{
		ReportFormats: &[]cdknag.NagReportFormat{cdknag.NagReportFormat_JSON}}), nil)
	if _, err := waggle.NewStack(app, waggle.StackProps{Props: waggle.Props{Config: c, Dist: dir}, Account: "123456789012", Region: "eu-west-1"}); err != nil {
		return nil, err
	}
	app.Synth(nil)
	text, err := os.ReadFile(filepath.Join(out, c.Stack+".template.json"))
	if err != nil {
		return nil, err
	}
	findings, err := os.ReadFile(filepath.Join(out, "AwsSolutions-"+c.Stack+"-NagReport.json"))
	if err != nil {
		return nil, err
	}
	return read(text, findings)
}

const where = "eu-west-1:123456789012"

// lookedUp returns what the CDK's command line would look up about a VPC.
func lookedUp() *map[string]any {
	group := func(name, kind string, ids ...string) map[string]any {
		var subnets []any
		for i, id := range ids {
			subnets = append(subnets, map[string]any{"subnetId": id, "cidr": fmt.Sprintf("10.0.%d.0/24", i), "availabilityZone": fmt.Sprint("eu-west-1", "ab"[i:i+1]), "routeTableId": "rtb-01234567"})
		}
		return map[string]any{"name": name, "type": kind, "subnets": subnets}
	}
	return &map[string]any{"vpc-provider:account=123456789012:filter.vpc-id=vpc-01234567:region=eu-west-1:returnAsymmetricSubnets=true": map[string]any{
		"vpcId": "vpc-01234567", "vpcCidrBlock": "10.0.0.0/16", "availabilityZones": []any{},
		"subnetGroups": []any{group("Public", "Public", "subnet-00000001", "subnet-00000002"), group("Private", "Private", "subnet-01234567", "subnet-89abcdef")}}}
}

// build writes functions that look like those of make build.
func build(dir string, arch config.Arch) error {
	machine := map[config.Arch]elf.Machine{config.ARM64: elf.EM_AARCH64, config.AMD64: elf.EM_X86_64}[arch]
	header := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64}
	copy(header.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var program bytes.Buffer
	if err := binary.Write(&program, binary.LittleEndian, header); err != nil {
		return err
	}
	for _, f := range topology.Functions() {
		place := filepath.Join(dir, f.Name, "bootstrap")
		if err := os.Mkdir(filepath.Dir(place), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(place, append(program.Bytes(), f.Name...), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// A template is CloudFormation's input.
type template struct {
	text, findings []byte
	resources      map[string]resource // by name, without the hash that the CDK adds
	Outputs        map[string]struct{ Value any }
}

// A resource of a template. References to others are text, such as ${WaggleApi} or
// ${WaggleCache.Endpoint.Port}.
type resource struct {
	Type           string
	Properties     map[string]any // without the tags
	Tags           any            `json:"-"`
	DependsOn      any
	DeletionPolicy string
	UpdatePolicy   map[string]any
}

func read(text, findings []byte) (*template, error) {
	var raw struct {
		Resources map[string]resource
		Outputs   map[string]struct{ Value any }
	}
	// A stack that looks up a VPC knows its account and region.
	nowhere := bytes.ReplaceAll(text, []byte(":"+where+":"), []byte(":${AWS::Region}:${AWS::AccountId}:"))
	if err := json.Unmarshal(nowhere, &raw); err != nil {
		return nil, err
	}
	s := &template{text: text, findings: findings, resources: map[string]resource{}, Outputs: raw.Outputs}
	for id, r := range raw.Resources {
		if r.Properties != nil {
			r.Properties = flat(r.Properties).(map[string]any)
			r.Tags = r.Properties["Tags"]
			delete(r.Properties, "Tags")
		}
		r.DependsOn = flat(r.DependsOn)
		name := short(id)
		if _, twice := s.resources[name]; twice {
			return nil, fmt.Errorf("two resources are called %s", name)
		}
		s.resources[name] = r
	}
	for name, output := range s.Outputs {
		output.Value = flat(output.Value)
		s.Outputs[name] = output
	}
	return s, nil
}

func short(id string) string { return regexp.MustCompile(`[0-9A-F]{8}$`).ReplaceAllString(id, "") }

// flat writes Ref, GetAtt and Join as text.
func flat(value any) any {
	switch v := value.(type) {
	case []any:
		all := make([]any, len(v))
		for i := range v {
			all[i] = flat(v[i])
		}
		return all
	case map[string]any:
		if len(v) == 1 {
			if id, ok := v["Ref"].(string); ok {
				return "${" + short(id) + "}"
			}
			if of, ok := v["Fn::GetAtt"].([]any); ok {
				return fmt.Sprintf("${%s.%s}", short(of[0].(string)), of[1])
			}
			if join, ok := v["Fn::Join"].([]any); ok {
				var all []string
				for _, part := range join[1].([]any) {
					all = append(all, fmt.Sprint(flat(part)))
				}
				return strings.Join(all, join[0].(string))
			}
		}
		all := map[string]any{}
		for key := range v {
			all[key] = flat(v[key])
		}
		return all
	}
	return value
}

// names returns the names of the resources of a type, in order.
func (s *template) names(kind string) (all []string) {
	for name, r := range s.resources {
		if r.Type == kind {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// properties returns those of a resource, which must have that type.
func (s *template) properties(t *testing.T, kind, name string) map[string]any {
	t.Helper()
	r, ok := s.resources[name]
	if !ok || r.Type != kind {
		t.Fatalf("%s: got type %q, want %s; there are %v", name, r.Type, kind, s.names(kind))
	}
	return r.Properties
}

// function returns the properties of a function of the topology.
func (s *template) function(t *testing.T, name string) map[string]any {
	t.Helper()
	return s.properties(t, "AWS::Lambda::Function", "Waggle"+strings.ToUpper(name[:1])+name[1:])
}
