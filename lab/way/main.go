// Command way measures where the time of one message goes on one machine, from the
// client's frame to the frame that it causes. It runs the local gateway, the handlers and
// a cache. Beside the messages it measures their floor in the same run: an echo, a PING for
// each trip to the cache, and one signed POST, one after the other.
//
//	go -C lab run ./way
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/pprof"
	"time"

	"waggle/lab/scope"
	"waggle/test/kit/caches"
)

func main() {
	rounds := flag.Int("rounds", 2000, "messages of each kind")
	cache := flag.String("cache", "", "`URL` of an empty cache (default: it starts a server)")
	profile := flag.String("profile", "", "`file` for a CPU profile of the rounds")
	flag.Parse()
	err := scope.In(func(s *scope.Scope) error { return run(s, *rounds, *cache, *profile, os.Stdout) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

func run(s *scope.Scope, rounds int, cache, profile string, out io.Writer) error {
	if rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	if cache == "" {
		cache = caches.Server(s).URL
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	b, err := newBench(ctx, s, cache)
	if err != nil {
		return err
	}
	if err := b.play(ctx, rounds/10+1); err != nil { // warm
		return err
	}
	b.forget()
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if err := b.play(ctx, rounds); err != nil {
		return err
	}
	b.print(out)
	return nil
}
