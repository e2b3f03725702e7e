package config

import (
	"bytes"
	"encoding/json"
	"fmt"

	"waggle/internal/pool"
)

// maxPools is how much of a function's environment, 4 KB in all, the pools may use.
const maxPools = 3000 // bytes

// Pools are the settings of all pools.
type Pools = pool.Pools

// ParsePools reads a pool file, as docs/configuration.md describes it, for a CDK
// app of one's own. Unlike in the file's own defaults, remote requests are off, and
// the file must say how members of the default pool consent to be found.
func ParsePools(file []byte) (*Pools, error) {
	base := pool.Default()
	base.Consent, base.RemoteRequests = "", false
	pools, err := pool.ParseOver(base, file)
	if err != nil {
		return nil, err
	}
	if pools.For(pool.DefaultName).Consent == "" {
		return nil, errNoConsent
	}
	return &pools, nil
}

// readPools reads the pool file over the defaults of production: no remote requests,
// and no consent policy for the default pool, which the deployer must choose.
func (d *draft) readPools(readFile func(string) ([]byte, error)) error {
	base := pool.Default()
	base.Consent, base.RemoteRequests = pool.Consent(d.consent), d.remoteRequests
	var data []byte // nil: there is no file
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
		return nil // Check returns errNoConsent
	case d.consent != "" && chosen != pool.Consent(d.consent):
		return fmt.Errorf("-c consent=%s: the file %s says %q for the default pool: leave one of them out", d.consent, d.poolFile, chosen)
	}
	d.Pools = &pools
	return nil
}

// PoolFile returns the pool file for the functions, as one line.
func (c Config) PoolFile() string {
	var line bytes.Buffer
	if err := json.Compact(&line, c.Pools.JSON()); err != nil {
		panic("pools: " + err.Error()) // they are JSON
	}
	return line.String()
}
