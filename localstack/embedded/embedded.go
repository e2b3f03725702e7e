// Package embedded is a cache inside the process, for one machine and for tests:
// a Valkey look-alike that is trusted because the same tests run on real servers.
package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often what is stored grows older. The look-alike can do so with
// every command, but each time it goes through all keys.
const tick = time.Second

// Cache is a running embedded cache.
type Cache struct {
	server *miniredis.Miniredis
	stop   chan struct{}
	aging  sync.WaitGroup
}

// Start starts an empty cache on a free port of the loopback interface.
func Start() (*Cache, error) {
	c := &Cache{server: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	if err := c.server.Start(); err != nil {
		return nil, fmt.Errorf("embedded cache: %w", err)
	}
	c.aging.Go(c.age)
	return c, nil
}

// URL is where it listens.
func (c *Cache) URL() string { return "redis://" + c.server.Addr() }

// Close stops it; what it held is gone.
func (c *Cache) Close() {
	close(c.stop)
	c.aging.Wait()
	c.server.Close()
}

// age lets keys expire, which the look-alike does not do by the clock.
func (c *Cache) age() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for last := time.Now(); ; {
		select {
		case <-c.stop:
			return
		case now := <-ticker.C:
			c.server.FastForward(now.Sub(last))
			last = now
		}
	}
}
