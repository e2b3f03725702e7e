// Package embedded is a cache inside the process, for one machine and for tests: an
// emulation of Valkey. The contract suite holds it to what real servers do.
package embedded

import (
	"fmt"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
)

// tick is how often keys expire. Expiry costs a pass over all keys, so it is not done
// at each command.
const tick = time.Second

// Cache is a running embedded cache.
type Cache struct {
	server *miniredis.Miniredis
	stop   chan struct{}
	expiry sync.WaitGroup
}

// Start starts an empty cache on a free port of the loopback interface.
func Start() (*Cache, error) {
	c := &Cache{server: miniredis.NewMiniRedis(), stop: make(chan struct{})}
	if err := c.server.Start(); err != nil {
		return nil, fmt.Errorf("embedded cache: %w", err)
	}
	c.expiry.Go(c.expire)
	return c, nil
}

// URL returns the address to connect to, redis://host:port.
func (c *Cache) URL() string { return "redis://" + c.server.Addr() }

// Keys returns the number of keys.
func (c *Cache) Keys() int { return len(c.server.Keys()) }

// Close stops the cache. Its contents are gone.
func (c *Cache) Close() {
	close(c.stop)
	c.expiry.Wait()
	c.server.Close()
}

// expire advances the emulation's clock, which does not move by itself.
func (c *Cache) expire() {
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
