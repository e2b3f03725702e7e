// Package layout has only tests. They check what the compiler cannot: which package may
// import which, by the table in rules, and that pages name only what exists.
package layout

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule says which of our packages a package may import, and why no others. It holds
// for the packages below it too, unless they have a rule of their own.
type rule struct {
	pkg    string
	may    []string // paths within the module; each allows the packages below it
	reason string
}

// rules is the table. Imports point down and inwards.
func rules() []rule {
	leaf := "it is a leaf, used everywhere: it imports only the standard library"
	adapter := "adapters know only the domain, not each other; app connects them"
	return []rule{
		{"functions/authorizer", []string{"internal/token", "internal/topology"}, "it runs outside the VPC and must start fast: no app, cache or H3"},
		{"functions", []string{"internal/app", "internal/topology"}, "a function only calls app"},
		{"internal/app", []string{"internal/handler", "internal/store", "internal/gateway", "internal/timer", "internal/eventbus", "internal/token", "internal/match", "internal/geo",
			"internal/pool", "internal/protocol", "internal/topology", "internal/version", "internal/boundedlog", "internal/telemetry"}, "app connects the adapters, and does not know what runs it"},
		{"internal/handler", []string{"internal/match", "internal/geo", "internal/pool", "internal/protocol", "internal/token", "internal/topology", "internal/telemetry"}, adapter +
			" (and token, for the identity in an event)"},
		{"internal/store", []string{"internal/match", "internal/geo", "internal/pool", "internal/protocol"}, adapter},
		{"internal/store/records", []string{"internal/store"}, "tests read a record through the prelude of the scripts, which alone know how it is stored"},
		{"internal/gateway", []string{"internal/match", "internal/protocol"}, adapter},
		{"internal/timer", []string{"internal/match"}, adapter},
		{"internal/eventbus", []string{"internal/match"}, adapter},
		{"internal/token", []string{"internal/pool", "internal/topology", "internal/boundedlog"}, "it is all that the authorizer is built from: no app, cache or H3"},
		{"internal/store/signin", nil, "it signs, and does not know what is stored"},
		{"test/kit/iamtest", nil, "it checks the code that signs, and must not share any of it"},
		{"test/model", []string{"test/model"}, "it is compared with the code, and must not share any of it"},
		{"internal/match", []string{"internal/geo", "internal/pool", "internal/protocol"}, "the domain knows neither AWS nor Valkey"},
		{"internal/boundedlog", nil, leaf},
		{"internal/geo", nil, leaf},
		{"internal/pool", nil, leaf},
		{"internal/protocol", nil, leaf},
		{"internal/telemetry", nil, leaf},
		{"internal/topology", nil, leaf},
		{"internal/version", nil, leaf},
		{"test/kit", nil, leaf},
		{"localstack/streets", nil, "it is a map with cars, and does not know what they are for"},
		{"localstack/members", []string{"clients/go", "localstack/streets"}, "simulated members are clients like any other"},
		{"test/kit/oracle", nil, "the search is compared with it, and must not share any code"},
		{"localstack/embedded", nil, leaf},
		{"test/kit/caches", []string{"test/kit", "localstack/embedded"}, "it starts caches for the tests of every package"},
		{"test/mutation", []string{"test/mutation"}, "it treats the code as text; mutated code imports its package active, without a cycle"},
		{"test/layout", nil, leaf},
		{"test/summary", nil, leaf},
		{"localstack/apigateway", []string{"localstack", "internal/topology", "internal/protocol", "internal/boundedlog"}, "it looks like API Gateway, which knows none of our code"},
		{"localstack/faults", []string{"localstack/apigateway", "internal/store"}, "it stands in the ways between gateway, functions and cache, whatever passes"},
		{"localstack", []string{"localstack", "functions", "internal", "clients/go"}, "it runs everything of ours, but belongs to nothing"},
		{"clients/go", []string{"clients/go"}, "the client is a module of its own: whoever imports it gets nothing of the server's"},
		{"cmd", []string{"cmd", "clients/go", "internal/pool", "internal/protocol"}, "the command line is a client like any other"},
		{"cmd/verify", nil, "what it finds on AWS is only worth something if it sees no more than a stranger does"},
		{"lab", []string{"lab", "clients/go", "cmd/waggle/cli", "cmd/waggle/endpoint", "internal/pool"},
			"the lab is a client like any other, in a module of its own"},
		{"lab/judge", []string{"lab/record", "lab/stats", "lab/trace"}, "its verdict is worth something only if it shares nothing with the server"},
		{"lab/record", nil, "the judge uses it, so it shares nothing with the server"},
		{"lab/stats", nil, "the judge uses it, so it shares nothing with the server"},
		{"lab/trace", []string{"lab/trace"}, "the judge uses it, so it shares nothing with the server"},
		{"lab/chart", []string{"lab/stats"}, "it draws numbers, and does not know what they mean"},
		{"lab/town", []string{"lab/trace", "localstack/streets"}, "it makes up a day, and does not know who plays it"},
		{"lab/compare", []string{"lab/chart", "lab/stats", "lab/trace", "localstack/streets", "internal/geo"}, "it compares traces, and does not know who made them"},
		{"lab/day", []string{"cmd/waggle/stack", "lab/scope", "test/kit/caches"}, "it runs the programs as a user does, on a cluster like that of the tests"},
		{"lab/upgrade", []string{"clients/go", "cmd/waggle/stack", "cmd/waggle/endpoint", "internal/topology", "lab/scope", "test/kit/caches"},
			"it runs the programs as a user does, and builds the functions by the list of them"},
		{"lab/bench", []string{"internal/match", "internal/store", "internal/pool", "internal/protocol", "internal/geo", "lab/chart", "lab/scope",
			"lab/stats", "test/kit/caches"}, "it measures the store and the service alone, without what carries messages to them"},
		{"lab/evaluate", []string{"clients/go", "internal/match", "internal/pool", "lab/chart", "lab/stats", "lab/town", "lab/trace"},
			"it replays the server's own advice and the clients' own prediction, without what carries messages"},
		{"lab/incident", []string{"clients/go", "cmd/waggle/stack", "cmd/waggle/endpoint", "internal/telemetry", "lab/chart", "lab/load", "lab/scope", "test/kit/caches"},
			"it breaks a stack from outside, and knows what it measures"},
		{"lab/start", []string{"lab/scope", "test/kit/caches"}, "it starts the functions as Lambda does, and sees no more of them"},
		{"lab/way", []string{"lab/scope", "internal", "localstack", "test/kit/caches"}, "it has a clock at every joint of the stack"},
		{"build", nil, "it changes the tree as text, and must run whatever state the code is in"},
		{"infra", []string{"infra", "internal/topology", "internal/telemetry", "internal/version"}, "the stack on AWS knows which functions there are, and none of their code"},
		{"infra/config", []string{"internal/pool"}, "it checks the settings fast, without the CDK"},
	}
}

// A dependency is a package of another module that only few of our packages may import.
type dependency struct {
	prefix string
	by     []string // the packages that may import it, with those below them
	reason string
}

// dependencies is the table. The first row whose prefix fits counts.
func dependencies() []dependency {
	return []dependency{
		{"github.com/uber/h3-go", []string{"internal/geo", "lab/bench"}, "only one package turns a point into a cell, beside the peers of the benchmark"},
		{"github.com/valkey-io/valkey-go", []string{"internal/store", "lab/start"}, "every key and script belongs to the store"},
		{"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi", []string{"internal/gateway", "lab/start"}, "every push to a client goes through one package"},
		{"github.com/aws/aws-lambda-go", []string{"functions", "internal/app", "internal/handler", "internal/token", "localstack", "lab/start"}, "the domain and the store do not know Lambda"},
		{"github.com/aws/aws-sdk-go-v2", []string{"internal/gateway", "internal/timer", "internal/eventbus", "internal/app", "internal/store/signin", "localstack", "lab/start", "lab/way"}, "the SDK is slow to start: only packages that call AWS import it"},
		{"github.com/coreos/go-oidc", []string{"internal/token"}, "one package decides whom to trust"},
		{"github.com/go-jose/go-jose", []string{"internal/token", "localstack"}, "only an issuer signs, and only token verifies"},
		{"gonum.org/v1/plot", []string{"lab/chart"}, "one place where pictures get their colours and axes"},
		{"github.com/schollz/progressbar", []string{"lab"}, "only the lab draws progress bars"},
		{"github.com/aws/aws-cdk-go", []string{"infra"}, "it takes minutes to compile, so it has a module of its own"},
		{"github.com/alicebob/miniredis", []string{"localstack/embedded"}, "the embedded cache never runs in production"},
	}
}

func TestPackagesImportWhatTheTableAllows(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue // tests may import anything
		}
		pkg := path.Dir(file)
		rule := ruleFor(pkg)
		if rule == nil {
			t.Errorf("%s: package %s is not in the table: add it to rules in test/layout/layout_test.go, with what it may import and why", file, pkg)
			continue
		}
		for _, imported := range imports(t, file) {
			if ours, ok := ours(t, imported); ok {
				if !under(ours, append(rule.may, pkg)) {
					t.Errorf("%s imports %s, which %s may not (%s): remove the import, or allow it in test/layout/layout_test.go", file, ours, rule.pkg, rule.reason)
				}
				continue
			}
			for _, d := range dependencies() {
				if under(imported, []string{d.prefix}) {
					if !under(pkg, d.by) {
						t.Errorf("%s imports %s, which only %s may (%s): use one of these packages", file, imported, strings.Join(d.by, ", "), d.reason)
					}
					break // a narrower prefix stands before a wider one
				}
			}
		}
	}
}

// Leaves import no other module either, so that every package may import them.
func TestLeavesImportOnlyTheStandardLibrary(t *testing.T) {
	leaves := []string{"internal/pool", "internal/protocol", "internal/topology", "test/kit", "test/kit/oracle", "localstack/streets"}
	for _, file := range goFiles(t) {
		if !under(path.Dir(file), leaves) || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, imported := range imports(t, file) {
			if foreign(t, imported) {
				t.Errorf("%s imports %s: this package may import only the standard library", file, imported)
			}
		}
	}
}

func TestDependenciesAreExplained(t *testing.T) {
	listed := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(read(t, "docs/dependencies.md")), -1)
	var modules []string
	for _, found := range listed {
		modules = append(modules, found[1])
	}
	for _, file := range goFiles(t) {
		for _, imported := range imports(t, file) {
			if foreign(t, imported) && !under(imported, modules) {
				t.Errorf("%s imports %s: explain it in docs/dependencies.md", file, imported)
			}
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, file := range goFiles(t) {
		limit, advice := 500, "split it by concept"
		if ok, err := path.Match("functions/*/main.go", file); err != nil {
			t.Fatal(err)
		} else if ok {
			limit, advice = 35, "move code to internal/app"
		}
		if lines := bytes.Count(read(t, file), []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, more than %d: %s", file, lines, limit, advice)
		}
	}
}

func TestHouseRules(t *testing.T) {
	for _, file := range goFiles(t) {
		if slices.Contains([]string{"utils", "util", "common", "helpers"}, path.Base(path.Dir(file))) {
			t.Errorf("%s: name the package after what it has", file)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), absolute(file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init function: pass in what it sets up", file)
			}
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			if s, ok := node.(*ast.SelectorExpr); ok && s.Sel.Name == "TODO" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "context" {
					t.Errorf("%s uses context.TODO: pass in a context", file)
				}
			}
			return true
		})
	}
}

// The texts must make sense on every machine, and leave nothing to be done later.
func TestFilesHaveNoForbiddenWords(t *testing.T) {
	forbidden := map[*regexp.Regexp]string{
		regexp.MustCompile(`(^|[^\w./$-])/(root|work|Users|home/\w+)/`): "this path exists on one machine only",
		regexp.MustCompile(`\b(FIX` + `ME|XX` + `X|HA` + `CK)\b`):       "do it, or write down why not",
		regexp.MustCompile(`(//|#|--)\s*TO` + `DO\b`):                   "do it, or write down why not",
	}
	for _, file := range files(t, ".go", ".md", ".lua", ".sh", ".yml", ".js", ".ts", ".html") {
		for n, line := range strings.Split(string(read(t, file)), "\n") {
			for words, reason := range forbidden {
				if found := words.FindString(line); found != "" {
					t.Errorf("%s:%d: %q: %s", file, n+1, strings.TrimSpace(found), reason)
				}
			}
		}
	}
}

// The rows show that the table refuses something, and what.
func TestTheTableRefusesForbiddenImports(t *testing.T) {
	for _, test := range []struct {
		pkg, imported string
		want          bool
	}{
		{"internal/app", "internal/store", true},
		{"functions/location", "internal/app", true},
		{"functions/location", "internal/store", false},
		{"functions/authorizer", "internal/app", false},
		{"internal/token", "internal/app", false},
		{"internal/token", "internal/geo", false},
		{"internal/match", "internal/store", false},
		{"internal/match", "internal/token", false},
		{"internal/store", "internal/gateway", false},
		{"internal/handler", "internal/store", false},
		{"internal/geo", "internal/match", false},
		{"test/kit/oracle", "internal/geo", false},
		{"localstack/streets", "internal/geo", false},
		{"localstack/members", "localstack/streets", true},
		{"localstack", "lab/town", false},
		{"cmd/waggle", "lab/judge", false},
		{"clients/go/waggle", "internal/protocol", false},
		{"infra/waggle", "internal/topology", true},
		{"infra/waggle", "internal/app", false},
		{"infra/config", "infra/waggle", false},
		{"lab/judge", "lab/record", true},
		{"lab/judge", "internal/match", false},
		{"lab/judge", "internal/geo", false},
		{"lab/judge", "lab/replay", false},
		{"lab/replay", "internal/match", false},
	} {
		rule := ruleFor(test.pkg)
		if rule == nil {
			t.Errorf("%s: got no rule", test.pkg)
			continue
		}
		if got := under(test.imported, rule.may); got != test.want {
			t.Errorf("%s imports %s: got %v, want %v", test.pkg, test.imported, got, test.want)
		}
	}
	if under("internal/storehouse", []string{"internal/store"}) {
		t.Error("under takes internal/storehouse for a package below internal/store")
	}
	if got := len(goFiles(t)); got < 10 {
		t.Errorf("got %d Go files: the test looks in the wrong folder", got)
	}
}

// ruleFor returns the rule for a package with the longest path, or nil.
func ruleFor(pkg string) *rule {
	var found *rule
	for _, r := range rules() {
		if under(pkg, []string{r.pkg}) && (found == nil || len(r.pkg) > len(found.pkg)) {
			found = &r
		}
	}
	return found
}

// under reports whether a package is one of the given ones or below one.
func under(pkg string, any []string) bool {
	return slices.ContainsFunc(any, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
}

// ours returns where in the tree a package is, if it is one of this repository's.
func ours(t *testing.T, imported string) (pkg string, ok bool) {
	t.Helper()
	module := regexp.MustCompile(`(?m)^module (\S+)`).FindSubmatch(read(t, "go.mod"))
	return strings.CutPrefix(imported, string(module[1])+"/")
}

// foreign tells whether a package is neither ours nor the standard library's.
func foreign(t *testing.T, imported string) bool {
	t.Helper()
	first, _, _ := strings.Cut(imported, "/")
	_, our := ours(t, imported)
	return strings.Contains(first, ".") && !our
}

func imports(t *testing.T, file string) []string {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), absolute(file), nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, spec := range tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, imported)
	}
	return all
}

func goFiles(t *testing.T) []string {
	t.Helper()
	return files(t, ".go")
}

// files returns the files with these endings, by slash-separated paths from the root. It
// includes the other modules.
func files(t *testing.T, endings ...string) []string {
	t.Helper()
	var all []string
	root := absolute(".")
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			skipped := []string{".git", "node_modules", "testdata", "dist", "bin"}
			if slices.Contains(skipped, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if slices.Contains(endings, filepath.Ext(name)) {
			relative, err := filepath.Rel(root, name)
			if err != nil {
				return err
			}
			all = append(all, filepath.ToSlash(relative))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func absolute(file string) string { return filepath.Join("..", "..", filepath.FromSlash(file)) }

func read(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(absolute(file))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
