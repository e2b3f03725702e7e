package golang

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A Package is a Go package, parsed and type-checked.
type Package struct {
	Path  string
	files []*file
	fset  *token.FileSet
	types *types.Info
}

type file struct {
	name   string // absolute
	source string
	tree   *ast.File
}

// Load reads packages, given by their import paths or folders as seen from dir.
func Load(ctx context.Context, dir string, packages ...string) ([]*Package, error) {
	list := exec.CommandContext(ctx, "go", append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export,DepOnly"}, packages...)...)
	list.Dir = dir
	out, err := list.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("go list: %s", strings.TrimSpace(string(exit.Stderr)))
		}
		return nil, err
	}
	exports := make(map[string]string)
	var loaded []*Package
	for lines := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir, Export string
			GoFiles                 []string
			DepOnly                 bool
		}
		if err := lines.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[p.ImportPath] = p.Export
		if p.DepOnly {
			continue
		}
		sources := make(map[string]string)
		for _, name := range p.GoFiles {
			name = filepath.Join(p.Dir, name)
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			sources[name] = string(text)
		}
		// The list has the imports of a package before it.
		one, err := read(p.ImportPath, p.GoFiles, p.Dir, sources, exports)
		if err != nil {
			return nil, err
		}
		loaded = append(loaded, one)
	}
	return loaded, nil
}

func read(path string, names []string, dir string, sources, exports map[string]string) (*Package, error) {
	p := &Package{Path: path, fset: token.NewFileSet(), types: &types.Info{Types: make(map[ast.Expr]types.TypeAndValue)}}
	var trees []*ast.File
	for _, name := range names {
		name = filepath.Join(dir, name)
		tree, err := parser.ParseFile(p.fset, name, sources[name], parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, &file{name, sources[name], tree})
		trees = append(trees, tree)
	}
	compiled := importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	config := types.Config{Importer: compiled}
	if _, err := config.Check(path, p.fset, trees, p.types); err != nil {
		return nil, err
	}
	return p, nil
}
