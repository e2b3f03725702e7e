package bench

import (
	"fmt"
)

// sampled is how many keys of one kind are asked for their size. Of fewer keys all are asked,
// with all their elements.
const sampled = 2_000

// memory returns how much memory so many members take on a server, which used base bytes
// before they came.
func memory(c *conn, server string, members int, base int64) (Memory, error) {
	used, err := c.memory()
	if err != nil {
		return Memory{}, err
	}
	m := Memory{Server: server, Members: members, Bytes: round(float64(used-base) / float64(members)), Kinds: make(map[string]float64)}
	keys := make(map[string][]string)
	for cursor := "0"; ; {
		reply, err := c.one("SCAN", cursor, "COUNT", "5000")
		if err != nil {
			return m, err
		}
		page := reply.([]any)
		for _, key := range page[1].([]any) {
			k := kind(key.(string))
			keys[k] = append(keys[k], key.(string))
		}
		if cursor = page[0].(string); cursor == "0" {
			break
		}
	}
	for k, all := range keys {
		step := max(1, len(all)/sampled)
		var total, asked float64
		for i := 0; i < len(all); i += step {
			size, err := c.one("MEMORY", "USAGE", all[i], "SAMPLES", "0")
			if err != nil {
				return m, fmt.Errorf("the size of a key: %w", err)
			}
			n, _ := size.(int64) // nil: the key has expired
			total, asked = total+float64(n), asked+1
		}
		m.Kinds[k] = round(total / asked * float64(len(all)) / float64(members))
	}
	return m, nil
}

// peerMemory returns how much memory a peer's server uses for each member.
func peerMemory(p peer, members int, base int64) (Memory, error) {
	used, err := p.conn().memory()
	return Memory{Server: p.name(), Members: members, Bytes: round(float64(used-base) / float64(members))}, err
}
