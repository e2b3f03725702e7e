package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"waggle/internal/topology"
)

// localBuild is where the functions of a checkout are built for this machine.
const localBuild = "bin/functions"

// bootstrap is the path of a function's program, laid out as make build lays out dist.
func bootstrap(dir, function string) string {
	return filepath.Join(dir, function, "bootstrap")
}

// built returns the directory of the built functions. Without -functions it builds
// them from the checkout in the working directory.
func (s *stack) built(ctx context.Context) (dir string, err error) {
	if dir = s.config.Functions; dir == "" {
		if _, err := os.Stat("functions"); err != nil {
			return "", errors.New("there is no ./functions to build: run this at the top of a checkout, or set -functions to the directory of the built functions")
		}
		fmt.Fprintln(s.config.Building, "building the functions for this machine, into "+localBuild)
		return localBuild, buildFunctions(ctx, ".", localBuild)
	}
	return dir, complete("-functions", dir)
}

// complete checks that the directory in a flag has all functions.
func complete(flag, dir string) error {
	for _, f := range topology.Functions() {
		if _, err := os.Stat(bootstrap(dir, f.Name)); err != nil {
			return fmt.Errorf("%s: there is no %s: build it with\n  go build -tags lambda.norpc -o %[2]s ./functions/%s\nor leave %[1]s out at the top of a checkout",
				flag, bootstrap(dir, f.Name), f.Name)
		}
	}
	return nil
}

// buildFunctions builds the functions of a checkout with the same tags as for Lambda.
// The Go build cache makes a repeated build fast.
func buildFunctions(ctx context.Context, checkout, dir string) error {
	dir, err := filepath.Abs(filepath.Join(checkout, dir))
	if err != nil {
		return err
	}
	for _, f := range topology.Functions() {
		build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", bootstrap(dir, f.Name), "./functions/"+f.Name)
		build.Dir = checkout
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./functions/%s: %w\n%s", f.Name, err, output)
		}
	}
	return nil
}
