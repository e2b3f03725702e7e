package replay

import (
	"fmt"
	"time"

	"waggle/internal/pool"
)

// PoolFile is the pool file for a replay at this speed: of a pool with these
// times and otherwise default settings, times divided by speed and rates
// multiplied.
func PoolFile(name string, ttl, grace time.Duration, speed float64) ([]byte, error) {
	if !pool.ValidName(name) {
		return nil, fmt.Errorf("-pool %q: a name is 1 to 32 of a-z, 0-9 and \"-\"", name)
	}
	pools, err := pool.Parse(fmt.Appendf(nil, `{"pools":{%q:{"locationTTL":%g,"grace":%g}}}`,
		name, ttl.Seconds(), grace.Seconds()))
	if err != nil {
		return nil, err
	}
	faster, err := pools.Faster(speed)
	if err != nil {
		return nil, err
	}
	return faster.JSON(), nil
}
