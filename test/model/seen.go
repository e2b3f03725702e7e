package model

import "sync"

// A ref is the place of a state in seen.
type ref uint32

const (
	none   ref = 1<<32 - 1
	shards     = 64
)

// seen is the set of visited states, each with the state that it was first reached
// from. It is split into shards so that threads rarely wait for each other.
type seen struct{ shards [shards]shard }

type shard struct {
	mu      sync.Mutex
	table   []uint32 // index into keys, plus one; open addressing
	keys    []key
	parents []ref
}

func newSeen() *seen {
	s := new(seen)
	for i := range s.shards {
		s.shards[i].table = make([]uint32, 1<<8)
	}
	return s
}

func (k key) hash() uint64 {
	h := k[0]*0x9e3779b97f4a7c15 ^ k[1]*0xc2b2ae3d27d4eb4f
	h ^= h >> 29
	h *= 0xbf58476d1ce4e5b9
	return h ^ h>>32
}

// add returns the ref of a state, and whether it is new.
func (s *seen) add(k key, parent ref) (ref, bool) {
	h := k.hash()
	n := h % shards
	d := &s.shards[n]
	d.mu.Lock()
	defer d.mu.Unlock()
	mask := uint64(len(d.table) - 1)
	i := h >> 6 & mask
	for ; d.table[i] != 0; i = (i + 1) & mask {
		if at := d.table[i] - 1; d.keys[at] == k {
			return ref(at)*shards + ref(n), false
		}
	}
	d.keys = append(d.keys, k)
	d.parents = append(d.parents, parent)
	d.table[i] = uint32(len(d.keys))
	if len(d.keys)*4 > len(d.table)*3 {
		d.grow()
	}
	return ref(len(d.keys)-1)*shards + ref(n), true
}

func (d *shard) grow() {
	d.table = make([]uint32, 2*len(d.table))
	mask := uint64(len(d.table) - 1)
	for at, k := range d.keys {
		i := k.hash() >> 6 & mask
		for d.table[i] != 0 {
			i = (i + 1) & mask
		}
		d.table[i] = uint32(at + 1)
	}
}

func (s *seen) key(at ref) key {
	d := &s.shards[at%shards]
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keys[at/shards]
}

func (s *seen) parent(at ref) ref { return s.shards[at%shards].parents[at/shards] }

func (s *seen) len() int {
	n := 0
	for i := range s.shards {
		n += len(s.shards[i].keys)
	}
	return n
}
