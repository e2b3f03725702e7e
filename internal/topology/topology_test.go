package topology_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

// Whatever the protocol has as an action must have a route, and nothing else.
func TestRoutesAreTheProtocolsActions(t *testing.T) {
	want := append(constants(t, "../protocol", "Action"),
		topology.RouteConnect, topology.RouteDisconnect, topology.RouteDefault)
	var got []string
	for _, f := range topology.Functions() {
		got = append(got, f.Routes...)
	}
	slices.Sort(want)
	slices.Sort(got) // a route served twice stays twice
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

func TestForRoute(t *testing.T) {
	for route, want := range map[string]string{"$connect": "connect", "$default": "connect", "locate": "location", "end": "match"} {
		if f, ok := topology.ForRoute(route); !ok || f.Name != want {
			t.Errorf("%s: got %q, %v, want %q", route, f.Name, ok, want)
		}
	}
	if f, ok := topology.ForRoute("dance"); ok {
		t.Errorf("dance: got function %q, want none", f.Name)
	}
}

func TestEveryVariableIsListedAndRead(t *testing.T) {
	var listed, read []string
	for _, v := range topology.Variables() {
		listed = append(listed, v.Name)
		if v.Meaning == "" {
			t.Errorf("%s: got no meaning", v.Name)
		}
		if v.Required && v.Default != "" {
			t.Errorf("%s: is required and has a default", v.Name)
		}
		if strings.Contains(v.Name, "PASSWORD") != v.Secret {
			t.Errorf("%s: got Secret %v", v.Name, v.Secret)
		}
	}
	for _, f := range topology.Functions() {
		read = append(read, f.Env...)
	}
	named := slices.DeleteFunc(constants(t, ".", ""), func(value string) bool { return !strings.HasPrefix(value, "WAGGLE_") })
	slices.Sort(listed)
	slices.Sort(named)
	slices.Sort(read)
	if diff := cmp.Diff(named, listed); diff != "" {
		t.Errorf("Variables against the constants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(listed, slices.Compact(read)); diff != "" {
		t.Errorf("variables that functions read (-want +got):\n%s", diff)
	}
}

func TestFunctionsKeepTheirBounds(t *testing.T) {
	var authorizers int
	for _, f := range topology.Functions() {
		if f.Authorizer {
			authorizers++
			if len(f.Routes) > 0 || f.VPC || f.Pushes {
				t.Errorf("%s: an authorizer serves no route, pushes nothing and runs outside the VPC: %+v", f.Name, f)
			}
		}
		if f.VPC != slices.Contains(f.Env, topology.CacheURL) {
			t.Errorf("%s: VPC %v, but the cache is reached from inside it alone", f.Name, f.VPC)
		}
		// 15 s is the deadline of a search; a process must not outlive it.
		if f.Timeout <= 0 || f.Timeout >= 15*time.Second || f.MemoryMB < 128 {
			t.Errorf("%s: got timeout %v and %d MB", f.Name, f.Timeout, f.MemoryMB)
		}
	}
	if authorizers != 1 {
		t.Errorf("got %d authorizers, want 1", authorizers)
	}
}

// constants returns the values of a package's string constants whose names
// have the prefix.
func constants(t *testing.T, dir, prefix string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				spec := spec.(*ast.ValueSpec)
				for i, value := range spec.Values {
					literal, ok := value.(*ast.BasicLit)
					if !ok || literal.Kind != token.STRING || !strings.HasPrefix(spec.Names[i].Name, prefix) {
						continue
					}
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					values = append(values, text)
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s: found no constants named %s…", dir, prefix)
	}
	return values
}
