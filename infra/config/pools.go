package config

import (
	"bytes"
	"encoding/json"
	"fmt"

	"waggle/internal/pool"
)

// maxPools is how much of a function's environment, 4 KB in all, the pools may take.
const maxPools = 3000 // bytes

// readPools reads the pool file over what production begins with: no remote requests,
// and no consent policy for the default pool, which somebody has to choose.
func (d *draft) readPools(readFile func(string) ([]byte, error)) error {
	base := pool.Default()
	base.Consent, base.RemoteRequests = pool.Consent(d.consent), d.remoteRequests
	var data []byte
	if d.poolFile != "" {
		var err error
		if data, err = readFile(d.poolFile); err != nil {
			return fmt.Errorf("-c pools=%s: %w", d.poolFile, err)
		}
	}
	pools, err := pool.ParseOver(base, data)
	if err != nil {
		return fmt.Errorf("-c pools=%s: %w", d.poolFile, err)
	}
	chosen := pools.For(pool.DefaultName).Consent
	switch {
	case chosen == "":
		return nil // Check says what to do
	case d.consent != "" && chosen != pool.Consent(d.consent):
		return fmt.Errorf("-c consent=%s: the file %s says %q for the default pool: leave one of them out", d.consent, d.poolFile, chosen)
	}
	d.Pools = &pools
	return nil
}

// PoolFile is what the functions are given: the pools as one line.
func (c Config) PoolFile() string {
	var line bytes.Buffer
	if err := json.Compact(&line, c.Pools.JSON()); err != nil {
		panic("pools: " + err.Error()) // they are JSON
	}
	return line.String()
}
