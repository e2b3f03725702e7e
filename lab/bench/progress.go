package bench

import "sync"

// A progress counts work and shows how much of it is done.
type progress struct {
	show  func(done float64)
	total float64
	mu    sync.Mutex
	done  float64
}

func (p *progress) add(work float64) {
	if p.show == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += work
	p.show(min(p.done/p.total, 1))
}
