package topology_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waggle/internal/topology"
)

// Each action of the protocol must have one route, and there are no other routes.
func TestRoutesAreTheProtocolsActions(t *testing.T) {
	want := append(slices.Collect(maps.Values(constants(t, "../protocol", "Action"))),
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

func TestEveryVariableIsListedAndGivenToAFunction(t *testing.T) {
	var listed, given []string
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
		given = append(given, f.Env...)
	}
	declared := slices.DeleteFunc(slices.Collect(maps.Values(constants(t, ".", ""))), func(value string) bool { return !strings.HasPrefix(value, "WAGGLE_") })
	slices.Sort(listed)
	slices.Sort(declared)
	slices.Sort(given)
	if diff := cmp.Diff(declared, listed); diff != "" {
		t.Errorf("variables that are listed, against the constants (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(listed, slices.Compact(given)); diff != "" {
		t.Errorf("variables that some function gets, against those that are listed (-want +got):\n%s", diff)
	}
}

// The packages read the variables that their functions get, all of them and no others. A
// variable that only another function gets would never have a value.
func TestEachFunctionGetsWhatItReads(t *testing.T) {
	want := map[string][]string{}
	for _, f := range topology.Functions() {
		reader := "../app"
		if f.Authorizer {
			reader = "../token"
		}
		want[reader] = slices.Sorted(slices.Values(f.Env))
	}
	values := map[string]string{}
	for name, value := range constants(t, ".", "") {
		if strings.HasPrefix(value, "WAGGLE_") {
			values[name] = value
		}
	}
	got := map[string][]string{}
	named := regexp.MustCompile(`\btopology\.(\w+)`)
	for _, dir := range []string{"..", "../../functions"} {
		err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") || filepath.Dir(file) == "../topology" {
				return err
			}
			text, err := os.ReadFile(file)
			for _, wrong := range []string{`"WAGGLE_`, "os.Getenv", "os.Environ", "syscall.Getenv"} {
				if strings.Contains(string(text), wrong) {
					t.Errorf("%s has %s: declare the variable in internal/topology, and read it in app.FromEnv or token.ConfigFromEnv", file, wrong)
				}
			}
			for _, found := range named.FindAllStringSubmatch(string(text), -1) {
				if value, ok := values[found[1]]; ok {
					got[filepath.Dir(file)] = append(got[filepath.Dir(file)], value)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for reader, variables := range got {
		slices.Sort(variables)
		got[reader] = slices.Compact(variables)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables that each package reads (-want what its functions get, +got):\n%s", diff)
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
			t.Errorf("%s: got VPC %v; those that reach the cache run in its VPC, and no others", f.Name, f.VPC)
		}
		// That it ends before its lease is a test of internal/handler.
		if f.Timeout <= 0 || f.Timeout >= 29*time.Second || f.MemoryMB < 128 {
			t.Errorf("%s: got timeout %v and %d MB", f.Name, f.Timeout, f.MemoryMB)
		}
	}
	if authorizers != 1 {
		t.Errorf("got %d authorizers, want 1", authorizers)
	}
}

// constants returns the values, by name, of a package's string constants whose
// names have the prefix.
func constants(t *testing.T, dir, prefix string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
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
					values[spec.Names[i].Name] = text
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s: found no constants named %s…", dir, prefix)
	}
	return values
}
