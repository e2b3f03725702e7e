// Package layout holds the architecture to its table: which package may import
// which. It has tests only.
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

// A rule says which of our packages one may import, and why no others. It holds
// for the packages below it too, unless they have their own.
type rule struct {
	pkg    string
	may    []string // package paths within the module; each allows those below it
	reason string
}

// Arrows point down and inwards.
func rules() []rule {
	leaf := "it is a leaf, used from everywhere: it depends on the standard library alone"
	adapter := "adapters do not know each other, only the domain; they are tied together in app"
	return []rule{
		{"functions/authorizer", []string{"internal/token", "internal/topology"}, "it runs outside the VPC and starts fast: no app, cache or H3"},
		{"functions", []string{"internal/app", "internal/topology"}, "a function is wiring only: app does the rest"},
		{"internal/app", []string{"internal/handler", "internal/store", "internal/gateway", "internal/token", "internal/match", "internal/geo",
			"internal/pool", "internal/protocol", "internal/topology"}, "app wires the adapters, it knows nothing of who runs it"},
		{"internal/handler", []string{"internal/match", "internal/geo", "internal/pool", "internal/protocol", "internal/token", "internal/topology"}, adapter +
			" (token for the identity that comes with an event)"},
		{"internal/store", []string{"internal/match", "internal/geo", "internal/pool"}, adapter},
		{"internal/gateway", []string{"internal/match", "internal/protocol"}, adapter},
		{"internal/token", []string{"internal/pool", "internal/topology"}, "the authorizer is built from it alone: no app, cache or H3"},
		{"internal/store/signin", nil, "it signs, and knows nothing of what is stored"},
		{"test/kit/iamtest", nil, "what it says of a token is only worth something if it shares nothing with what signs it"},
		{"test/model", []string{"test/model"}, "a model explores the protocol by itself, so that it can differ from the code"},
		{"internal/match", []string{"internal/geo", "internal/pool", "internal/protocol"}, "the domain knows neither AWS nor Valkey"},
		{"internal/geo", nil, leaf},
		{"internal/pool", nil, leaf},
		{"internal/protocol", nil, leaf},
		{"internal/topology", nil, leaf},
		{"test/kit", nil, leaf},
		{"localstack/streets", nil, "it is a map with cars, and does not know what they are for"},
		{"localstack/members", []string{"clients/go", "localstack/streets"}, "simulated members are clients like any other"},
		{"test/kit/oracle", nil, "what it says of the nearest is only worth something if it shares nothing with the code it is held against"},
		{"localstack/embedded", nil, leaf},
		{"test/kit/caches", []string{"test/kit", "localstack/embedded"}, "it starts caches for tests, whoever's they are"},
		{"test/mutation", []string{"test/mutation"}, "it breaks the code as text, and knows nothing of it"},
		{"test/layout", nil, leaf},
		{"test/summary", nil, leaf},
		{"localstack/apigateway", []string{"localstack", "internal/topology", "internal/protocol"}, "it looks like API Gateway, which knows none of our code"},
		{"localstack/faults", []string{"localstack/apigateway", "internal/store"}, "it stands in the ways between gateway, functions and cache, whatever passes"},
		{"localstack", []string{"localstack", "functions", "internal", "clients/go"}, "it runs everything of ours, but belongs to nothing"},
		{"clients/go", []string{"clients/go", "internal/protocol"}, "a client knows the wire, and nothing of the server"},
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
		{"lab/day", []string{"cmd/waggle/stack", "test/kit/caches"}, "it runs the programs as a user does, on a cluster like that of the tests"},
		{"infra", []string{"infra", "internal/topology"}, "the stack on AWS knows what the functions are, and none of their code"},
		{"infra/config", []string{"internal/pool"}, "what may be chosen is checked without the CDK, in no time"},
		{"bench", []string{"bench", "internal", "clients/go"}, "a benchmark may reach for any part"},
	}
}

// A user is a package from elsewhere that has few users here.
type user struct {
	prefix string
	by     []string
	reason string
}

func users() []user {
	return []user{
		{"github.com/uber/h3-go", []string{"internal/geo"}, "one rule to get a cell from a point, everywhere"},
		{"github.com/valkey-io/valkey-go", []string{"internal/store"}, "every key and script is the store's"},
		{"github.com/aws/aws-sdk-go-v2/service/apigatewaymanagementapi", []string{"internal/gateway"}, "everything to a client goes through push"},
		{"github.com/aws/aws-lambda-go", []string{"functions", "internal/app", "internal/handler", "internal/token", "localstack"}, "the domain and its stores know no Lambda"},
		{"github.com/aws/aws-sdk-go-v2", []string{"internal/gateway", "internal/store/signin", "internal/app", "localstack"}, "the SDK is slow to start: only what calls AWS has it"},
		{"github.com/coreos/go-oidc", []string{"internal/token"}, "one place to decide whom to trust"},
		{"github.com/go-jose/go-jose", []string{"internal/token", "localstack"}, "only an issuer signs, only token verifies"},
		{"gonum.org/v1/plot", []string{"lab/chart"}, "one place where pictures get their colours and axes"},
		{"github.com/schollz/progressbar", []string{"lab"}, "only the lab draws progress bars"},
		{"github.com/aws/aws-cdk-go", []string{"infra"}, "it takes minutes to compile, so only the module of its own has it"},
		{"github.com/alicebob/miniredis", []string{"localstack/embedded"}, "the look-alike never runs in production"},
	}
}

func TestImports(t *testing.T) {
	for _, file := range goFiles(t) {
		if strings.HasSuffix(file, "_test.go") {
			continue // tests may tie together what the code may not
		}
		pkg := path.Dir(file)
		rule := ruleFor(pkg)
		if rule == nil {
			t.Errorf("%s: package %s is not in the import table: add it, with what it may import and why", file, pkg)
			continue
		}
		for _, imported := range imports(t, file) {
			if ours, ok := strings.CutPrefix(imported, "waggle/"); ok {
				if !under(ours, append(rule.may, pkg)) {
					t.Errorf("%s imports %s: %s", file, ours, rule.reason)
				}
				continue
			}
			for _, user := range users() {
				if under(imported, []string{user.prefix}) {
					if !under(pkg, user.by) {
						t.Errorf("%s imports %s, which is for %s alone: %s", file, imported, strings.Join(user.by, ", "), user.reason)
					}
					break // a narrower line stands before a wider one
				}
			}
		}
	}
}

// Leaves have nothing from elsewhere either, so that anything may use them.
func TestLeavesUseTheStandardLibraryAlone(t *testing.T) {
	leaves := []string{"internal/pool", "internal/protocol", "internal/topology", "test/kit", "test/kit/oracle", "localstack/streets"}
	for _, file := range goFiles(t) {
		if !under(path.Dir(file), leaves) || strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, imported := range imports(t, file) {
			if first, _, _ := strings.Cut(imported, "/"); strings.Contains(first, ".") {
				t.Errorf("%s imports %s: a leaf depends on the standard library alone", file, imported)
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
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") && !under(imported, modules) {
				t.Errorf("%s imports %s, which docs/dependencies.md does not explain", file, imported)
			}
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, file := range goFiles(t) {
		limit, reason := 500, "split it by concept"
		if ok, err := path.Match("functions/*/main.go", file); err != nil {
			t.Fatal(err)
		} else if ok {
			limit, reason = 35, "a function is wiring only"
		}
		if lines := bytes.Count(read(t, file), []byte("\n")); lines > limit {
			t.Errorf("%s has %d lines, more than %d: %s", file, lines, limit, reason)
		}
	}
}

func TestHouseRules(t *testing.T) {
	for _, file := range goFiles(t) {
		if slices.Contains([]string{"utils", "util", "common", "helpers"}, path.Base(path.Dir(file))) {
			t.Errorf("%s: name the package after what it has, not after being useful", file)
		}
		tree, err := parser.ParseFile(token.NewFileSet(), absolute(file), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s has an init: pass in what it sets up", file)
			}
		}
		ast.Inspect(tree, func(node ast.Node) bool {
			if s, ok := node.(*ast.SelectorExpr); ok && s.Sel.Name == "TODO" {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "context" {
					t.Errorf("%s uses context.TODO: take a context", file)
				}
			}
			return true
		})
	}
}

// What is written here must make sense on any machine, and not promise.
func TestWords(t *testing.T) {
	forbidden := map[*regexp.Regexp]string{
		regexp.MustCompile(`(^|[^\w./$-])/(root|work|Users|home/\w+)/`): "a path of one machine",
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

// The table would pass anything if it looked nowhere.
func TestTheTableCatches(t *testing.T) {
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
		{"clients/go/waggle", "internal/match", false},
		{"clients/go/waggle", "internal/protocol", true},
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
		t.Error("internal/storehouse is taken for a part of internal/store")
	}
	if got := len(goFiles(t)); got < 10 {
		t.Errorf("got %d Go files: looked in the wrong place", got)
	}
}

// ruleFor returns the narrowest rule for a package, or nil.
func ruleFor(pkg string) *rule {
	var found *rule
	for _, r := range rules() {
		if under(pkg, []string{r.pkg}) && (found == nil || len(r.pkg) > len(found.pkg)) {
			found = &r
		}
	}
	return found
}

// under tells whether a package is one of those or below one.
func under(pkg string, any []string) bool {
	return slices.ContainsFunc(any, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
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

// files lists the files with such endings, by slash-separated paths from the root. It
// includes the modules below the root, which obey the same rules.
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
