package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"waggle/internal/topology"
)

// oldest is the previous release as long as no commit before this one has the tag of a release. A waiting
// request has had its present format since then, so with older commits the drill fails.
const oldest = "83d800719cbf"

// A release is what was built of a commit or of a checkout.
type release struct {
	name      string
	functions string // folder
	doctor    string // its command waggle
}

// build builds the functions and the command waggle of a release, which is the previous one or the
// next. Those of a commit are built once.
func (d drill) build(ctx context.Context, name, role string) (release, error) {
	checkout := name
	commit := ""
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err != nil || name == "" {
		if name == "" {
			tag, _ := git(ctx, "describe", "--tags", "--abbrev=0", "--match", "v*", "HEAD^") // fails if there is none
			name = cmp.Or(tag, oldest)
		}
		full, err := git(ctx, "rev-parse", "--verify", "--quiet", name+"^{commit}")
		if err != nil {
			return release{}, fmt.Errorf("the repository has no %s; a shallow clone gets it with: git fetch --unshallow --tags", name)
		}
		commit = full[:12]
		name += " (" + commit + ")"
	} else {
		name = "the checkout " + name
	}
	dir, err := filepath.Abs(filepath.Join(d.out, cmp.Or(commit, role)))
	if err != nil {
		return release{}, err
	}
	r := release{name: name, functions: dir, doctor: filepath.Join(dir, "waggle")}
	if commit != "" {
		if _, err := os.Stat(r.doctor); err == nil {
			return r, nil
		}
		if checkout, err = os.MkdirTemp("", "waggle-upgrade-"); err != nil {
			return release{}, err
		}
		defer os.RemoveAll(checkout)
		if err := export(ctx, commit, checkout); err != nil {
			return release{}, err
		}
	}
	fmt.Fprintln(d.stdout, "building", name)
	for _, f := range topology.Functions() {
		if err := goBuild(ctx, checkout, filepath.Join(dir, f.Name, "bootstrap"), "./functions/"+f.Name); err != nil {
			return release{}, err
		}
	}
	return r, goBuild(ctx, checkout, r.doctor, "./cmd/waggle")
}

func goBuild(ctx context.Context, checkout, program, pkg string) error {
	c := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-o", program, pkg)
	c.Dir = checkout
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	return nil
}

// export writes the files of a commit into a folder.
func export(ctx context.Context, commit, folder string) error {
	archive := exec.CommandContext(ctx, "git", "archive", "--format=tar", commit)
	files, err := archive.Output()
	if err != nil {
		return fmt.Errorf("git archive %s: %w", commit, err)
	}
	unpack := exec.CommandContext(ctx, "tar", "-x", "-C", folder)
	unpack.Stdin = bytes.NewReader(files)
	if out, err := unpack.CombinedOutput(); err != nil {
		return fmt.Errorf("tar: %w: %s", err, out)
	}
	return nil
}

func git(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "git", args...).Output()
	return strings.TrimSpace(string(out)), err
}
