package replay

import (
	"fmt"
	"time"

	"waggle/cmd/waggle/internal/endpoint"
	"waggle/internal/pool"
)

// PoolFile is the pool file for a replay at this speed: of a pool with these
// times and otherwise default settings, times divided by speed and rates
// multiplied.
func PoolFile(name string, ttl, grace time.Duration, speed float64) ([]byte, error) {
	if !pool.ValidName(name) {
		return nil, endpoint.BadPool(name)
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
