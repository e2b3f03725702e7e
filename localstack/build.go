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

// builtHere is where a checkout's functions are built for this machine.
const builtHere = "bin/functions"

// bootstrap is a function's program, where those of dist are too.
func bootstrap(dir, function string) string {
	return filepath.Join(dir, function, "bootstrap")
}

// built returns where the functions are built: there already, or from the checkout
// that this is run in.
func (s *stack) built(ctx context.Context) (dir string, err error) {
	if dir = s.config.Functions; dir == "" {
		if _, err := os.Stat("functions"); err != nil {
			return "", errors.New("there is no ./functions to build: run this at the top of a checkout, or say with -functions where they are built")
		}
		fmt.Fprintln(s.config.Building, "building the functions for this machine, into "+builtHere)
		return builtHere, buildFunctions(ctx, ".", builtHere)
	}
	for _, f := range topology.Functions() {
		if _, err := os.Stat(bootstrap(dir, f.Name)); err != nil {
			return "", fmt.Errorf("-functions: there is no %s: build it with\n  go build -tags lambda.norpc -o %[1]s ./functions/%s\nor leave -functions out at the top of a checkout",
				bootstrap(dir, f.Name), f.Name)
		}
	}
	return dir, nil
}

// buildFunctions builds the functions of a checkout, with the tags that those for
// Lambda have. What has not changed takes no time.
func buildFunctions(ctx context.Context, checkout, dir string) error {
	dir, err := filepath.Abs(filepath.Join(checkout, dir))
	if err != nil {
		return err
	}
	for _, f := range topology.Functions() {
		build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", bootstrap(dir, f.Name), "./functions/"+f.Name)
		build.Dir = checkout
		if said, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("go build ./functions/%s: %w\n%s", f.Name, err, said)
		}
	}
	return nil
}
