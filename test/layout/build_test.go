package layout

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A box is a machine that has only these commands. A command is a shell script; "" stands
// for this machine's own command.
type box map[string]string

// run runs a script of build/ in the box, and returns its output.
func (b box) run(t *testing.T, script string, args ...string) (stdout, stderr string, ok bool) {
	t.Helper()
	dir := t.TempDir()
	for _, own := range []string{"bash", "awk", "sed", "grep", "mktemp", "rm", "cat"} {
		b[own] = ""
	}
	for name, text := range b {
		place := filepath.Join(dir, name)
		if text == "" {
			own, err := exec.LookPath(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(own, place); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(place, []byte("#!"+filepath.Join(dir, "bash")+"\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script, err := filepath.Abs(absolute("build/" + script))
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), filepath.Join(dir, "bash"), append([]string{script}, args...)...)
	c.Dir = absolute(".")
	c.Env = []string{"PATH=" + dir, "TMPDIR=" + dir}
	var out, log bytes.Buffer
	c.Stdout, c.Stderr = &out, &log
	err = c.Run()
	return out.String(), log.String(), err == nil
}

func TestTheCompilerForLambdaIsFound(t *testing.T) {
	const (
		here  = "[ $1 = -s ] && echo Linux || echo x86_64"
		mac   = "[ $1 = -s ] && echo Darwin || echo arm64"
		links = "cat >/dev/null"
		fails = "cat >/dev/null; exit 1"
		none  = "" // no compiler: the script says what to install
	)
	for name, test := range map[string]struct {
		arch string
		box  box
		want string
	}{
		"a cross compiler":              {"arm64", box{"uname": here, "aarch64-linux-gnu-gcc": links, "zig": "exit 0"}, "aarch64-linux-gnu-gcc"},
		"without its C library":         {"arm64", box{"uname": here, "aarch64-linux-gnu-gcc": fails, "zig": "exit 0"}, "zig cc -target aarch64-linux-musl"},
		"zig alone":                     {"arm64", box{"uname": here, "zig": "exit 0"}, "zig cc -target aarch64-linux-musl"},
		"zig as a package of Python":    {"arm64", box{"uname": here, "python3": "exit 0"}, "python3 -m ziglang cc -target aarch64-linux-musl"},
		"Python without it":             {"arm64", box{"uname": here, "python3": "exit 1"}, none},
		"nothing":                       {"arm64", box{"uname": here}, none},
		"this machine's own is another": {"arm64", box{"uname": here, "gcc": links}, none},
		"this machine's own":            {"amd64", box{"uname": here, "gcc": links}, "gcc"},
		"its own cannot link":           {"amd64", box{"uname": here, "gcc": fails, "x86_64-linux-gnu-gcc": links}, "x86_64-linux-gnu-gcc"},
		"zig for amd64":                 {"amd64", box{"uname": here, "gcc": fails, "zig": "exit 0"}, "zig cc -target x86_64-linux-musl"},
		"not Linux":                     {"arm64", box{"uname": mac, "gcc": links, "zig": "exit 0"}, "zig cc -target aarch64-linux-musl"},
		"no such machine":               {"mips", box{"uname": here, "gcc": links, "zig": "exit 0"}, none},
	} {
		t.Run(name, func(t *testing.T) {
			out, log, ok := test.box.run(t, "cross-cc.sh", test.arch)
			if got := strings.TrimSpace(out); got != test.want || ok != (test.want != none) {
				t.Errorf("got %q, ok %v, want %q; it says %s", got, ok, test.want, log)
			}
			if (log == "") != ok {
				t.Errorf("it says %q", log)
			}
		})
	}
	for arch, want := range map[string][]string{
		"arm64": {"aarch64-linux-gnu-gcc: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross", "zig: pip install ziglang", "CC=…"},
		"amd64": {"gcc: apt-get install gcc libc6-dev", "zig: pip install ziglang", "CC=…"},
	} {
		_, log, _ := box{"uname": here}.run(t, "cross-cc.sh", arch)
		for _, text := range want {
			if !strings.Contains(log, text) {
				t.Errorf("%s: no %q in:\n%s", arch, text, log)
			}
		}
	}
}

func TestTheBuildNamesWhatIsMissing(t *testing.T) {
	settings := func(version, compiler, cgo string) string {
		return "printf '%s\\n' " + version + " '" + compiler + "' " + cgo
	}
	for name, test := range map[string]struct {
		box  box
		want string // "" if nothing is missing
	}{
		"nothing":              {box{"go": settings("go1.26.0", "gcc", "1"), "gcc": "exit"}, ""},
		"a compiler with flag": {box{"go": settings("go1.27rc1", "ccache gcc", "1"), "ccache": "exit"}, ""},
		"a Go of one's own":    {box{"go": settings("devel", "gcc", "1"), "gcc": "exit"}, ""},
		"Go":                   {box{}, "Go is missing: install Go 1.26 (https://go.dev/dl)"},
		"a Go that fetches":    {box{"go": settings("go1.20.14", "gcc", "1")}, "Go 1.20 is too old: install Go 1.26 (https://go.dev/dl), or any from 1.21 on, which fetches it by itself"},
		"leave to fetch":       {box{"go": settings("go1.24.1", "gcc", "1")}, "go env -w GOTOOLCHAIN=auto"},
		"the network":          {box{"go": "echo 'dial tcp: no such host' >&2; exit 1"}, "could not be fetched: check the network"},
		"a C compiler":         {box{"go": settings("go1.26.8", "gcc", "1")}, "a C compiler is missing, H3 needs one: install gcc"},
		"cgo":                  {box{"go": settings("go1.26.8", "gcc", "0"), "gcc": "exit"}, "unset CGO_ENABLED"},
	} {
		_, log, ok := test.box.run(t, "toolchain.sh")
		if ok != (test.want == "") || !strings.Contains(log, test.want) {
			t.Errorf("%s: got ok %v, %q, want %q", name, ok, log, test.want)
		}
	}
}

func TestTheBuildShowsItsProgress(t *testing.T) {
	many := "for i in {1..40}; do echo example/p$i; done"
	for name, test := range map[string]struct {
		list, build string // what go list and go build do
		want        []string
		ok          bool
	}{
		"nothing to do": {"echo waggle/localstack", "exit 0", nil, true},
		"all to do": {"echo 'go: downloading example v1' >&2;" + many, "{ " + many + "; } >&2",
			[]string{"fetching modules\n", "compiling 40 packages", "compiling: 10 of 40", "compiling: 40 of 40", "built in "}, true},
		"a fault in the code": {"echo waggle/localstack", "printf '%s\\n' waggle/localstack '# waggle/localstack' './x.go:1:1: syntax error' >&2; exit 1",
			[]string{"# waggle/localstack\n./x.go:1:1: syntax error\n"}, false},
		"no network": {"echo 'example: dial tcp: lookup proxy.example: no such host' >&2; exit 1", "echo built in vain >&2",
			[]string{"no such host\n", "check the network", "GOPROXY"}, false},
		"a full disk":         {many, "echo 'write x: no space left on device' >&2; exit 2", []string{"the disk is full: go clean -cache"}, false},
		"go list that cannot": {"exit 1", "exit 0", nil, true},
	} {
		b := box{"go": "case $1 in\nlist) " + test.list + ";;\nbuild) " + test.build + ";;\nenv) echo there;;\nesac"}
		_, log, ok := b.run(t, "progress.sh", "out", "./pkg")
		if ok != test.ok {
			t.Errorf("%s: got ok %v, want %v", name, ok, test.ok)
		}
		for _, text := range test.want {
			if !strings.Contains(log, text) {
				t.Errorf("%s: no %q in:\n%s", name, text, log)
			}
		}
		if test.want == nil && log != "" || strings.Contains(log, "in vain") || strings.Contains(log, "\x1b") {
			t.Errorf("%s: it says %q", name, log)
		}
	}
}

func TestPreflightSaysWhatIsMissing(t *testing.T) {
	// account answers for the AWS command line: the answers by service, where "-" is an error.
	account := func(answers map[string]string) string {
		script := "case $1 in\n"
		for service, answer := range map[string]string{"sts": "123456789012", "ssm": "21", "elasticache": "8.2 9.0", "lambda": "1000", "apigateway": "None",
			"service-quotas": "-", "configure": "eu-south-1"} {
			if other, said := answers[service]; said {
				answer = other
			}
			if answer == "-" {
				script += service + ") exit 254 ;;\n"
			} else {
				script += service + ") printf '" + answer + "\\n' ;;\n"
			}
		}
		return script + "esac"
	}
	with := func(answers map[string]string) box {
		return box{"node": "echo v22.1.0", "go": "exit", "uname": "[ $1 = -s ] && echo Linux || echo x86_64", "aarch64-linux-gnu-gcc": "cat >/dev/null", "aws": account(answers)}
	}
	without := func(command string) box {
		b := with(nil)
		delete(b, command)
		return b
	}
	for name, test := range map[string]struct {
		box  box
		ok   bool
		want string
	}{
		"nothing":            {with(nil), true, "nothing is missing: make deploy"},
		"a small region":     {with(nil), true, "note     in eu-south-1 an account has 2 500 requests"},
		"Node.js":            {without("node"), false, "MISSING  Node.js, the CDK runs on it"},
		"a C compiler":       {without("aarch64-linux-gnu-gcc"), false, "MISSING  a C compiler for arm64"},
		"the command line":   {without("aws"), false, "MISSING  the AWS command line"},
		"credentials":        {with(map[string]string{"sts": "-"}), false, "MISSING  credentials: aws configure"},
		"a region":           {with(map[string]string{"configure": "-"}), false, "MISSING  a region: export AWS_REGION"},
		"the bootstrap":      {with(map[string]string{"ssm": "-"}), false, "cdk bootstrap aws://123456789012/eu-south-1"},
		"Valkey 9":           {with(map[string]string{"elasticache": "7.2 8.1"}), false, "MISSING  Valkey 9 in eu-south-1, which has 7.2 8.1"},
		"concurrency":        {with(map[string]string{"lambda": "10"}), false, "MISSING  10 concurrent executions"},
		"a role that exists": {with(map[string]string{"apigateway": "arn:aws:iam::1:role/logs"}), true, "API Gateway logs with arn:aws:iam::1:role/logs here"},
		"quotas": {with(map[string]string{"service-quotas": `Throttle rate\t2500.0\nAPI keys\t10000.0`}), true,
			"quota of API Gateway: Throttle rate: 2500.0\nnote     in eu-south-1"},
	} {
		out, log, ok := test.box.run(t, "preflight.sh")
		if ok != test.ok || !strings.Contains(out, test.want) || log != "" {
			t.Errorf("%s: got ok %v, want %q in\n%s%s", name, ok, test.want, out, log)
		}
	}
}

func TestTheDeploymentNamesWhatIsMissing(t *testing.T) {
	const node, old = "echo v22.1.0", "echo v18.19.0"
	for name, test := range map[string]struct {
		box  box
		want string
	}{
		"Node.js":     {box{}, "Node.js is missing, the CDK runs on it: install Node.js 22 or later"},
		"a newer one": {box{"node": old, "npm": "exit"}, "Node.js v18.19.0 is too old for the CDK"},
		"npm":         {box{"node": node}, "npm is missing"},
		"Go":          {box{"node": node, "npm": "exit"}, "Go is missing: install Go 1.26"},
	} {
		_, log, ok := test.box.run(t, "cdk.sh", "synth")
		if ok || !strings.Contains(log, test.want) {
			t.Errorf("%s: got ok %v, %q, want %q", name, ok, log, test.want)
		}
	}
}
