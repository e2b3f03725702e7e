package judge_test

import (
	"fmt"
	"strconv"

	"waggle/lab/record"
	"waggle/lab/trace"
)

// match notifies both, and shows where the cab is now.
func (w *simulation) match(r *ride, c *cab) {
	w.matches++
	matched := w.now
	r.match, r.cab = fmt.Sprint("m", w.matches), c
	distance, shown, north, more := w.meters(r, c), r.at, 0.0, 0.0
	if w.plant(misplaced, true) {
		north = 0.001
	}
	if w.plant(miscounted, true) {
		more = 5
	}
	if w.plant(tracked, true) {
		shown.Lat += 0.001
	}
	w.after(w.trip(), func() {
		w.tell(c.name, func() map[string]any {
			if r.cab == nil {
				return nil
			}
			return map[string]any{"type": "matched", "match": r.match, "role": "matchee",
				"peer": map[string]any{"lat": shown.Lat, "lng": shown.Lng, "at": 1, "distance": distance}}
		}, func() {})
	})
	lat, lng := c.lat, c.lng
	w.after(w.trip(), func() {
		w.tell(r.name, func() map[string]any {
			if w.now > matched+10*w.pace { // told again
				lat, lng, distance = c.lat, c.lng, w.meters(r, c)
			}
			return map[string]any{"type": "matched", "id": r.id, "match": r.match, "role": "matcher",
				"peer": map[string]any{"lat": lat + north, "lng": lng, "at": 1, "distance": distance + more}}
		}, func() {
			r.told = true
			if w.shared {
				w.follow(r, c)
			}
			riding := max(w.header.Wall(started, r.at.End)-w.now, 10_000)
			if r.probe >= 0 {
				riding = 100
			}
			w.after(riding, func() { w.end(r) })
		})
	})
}

// follow shows a cab where its passenger has gone.
func (w *simulation) follow(r *ride, c *cab) {
	lat, lng := r.at.Lat+0.001, r.at.Lng
	w.frame(record.Sent, r.name, map[string]any{"action": "location", "id": "moved", "lat": lat, "lng": lng})
	w.after(w.trip(), func() {
		w.push(c.name, map[string]any{"type": "location", "match": r.match, "lat": lat, "lng": lng, "at": 1, "seq": 1})
	})
}

func (w *simulation) end(r *ride) {
	if r.cab == nil {
		return // dropped
	}
	w.frame(record.Sent, r.name, map[string]any{"action": "end", "id": "e", "match": r.match})
	w.after(w.trip()+w.trip(), func() { w.release(r, "completed") })
}

func (w *simulation) release(r *ride, reason string) {
	c := r.cab
	if c == nil {
		return // it has been dropped in the meantime
	}
	r.cab = nil
	if c.ride == r {
		c.ride = nil
	}
	if r.probe < 0 && w.plant(forgetful, true) {
		c.stuck = true
	}
	for _, name := range []string{c.name, r.name} {
		w.after(w.trip(), func() {
			w.tell(name, func() map[string]any { return map[string]any{"type": "ended", "match": r.match, "reason": reason} }, func() {
				if r.probe < 0 {
					w.lastEnd = max(w.lastEnd, w.now)
				}
			})
		})
	}
	if r.probe < 0 && w.plant(late, true) {
		lat, lng := c.lat, c.lng
		w.after(3_000_000, func() {
			w.frame(record.Received, r.name, map[string]any{"type": "location", "match": r.match, "lat": lat, "lng": lng, "at": 1, "seq": 1})
		})
	}
	w.after(4_000_000, func() { w.close(r) })
	w.after(5000, w.serve)
}

// probe tries the i-th cab at the end.
func (w *simulation) probe(i, try int) {
	c := w.cabs[w.names[i]]
	c.said = true
	lat, lng := -30-0.01*float64(i/100), -130+0.01*float64(i%100)
	w.after(int64(i)*1000+3_000_000*int64(try), func() {
		r := &ride{name: w.header.Probes + strconv.Itoa(i), id: fmt.Sprint("p", try), at: trace.Fare{Lat: lat, Lng: lng}, radius: 100, probe: i}
		r.over = func() {
			if try < 2 {
				w.probe(i, try+1)
			}
		}
		w.out.Note(w.now, record.Connected, r.name, "")
		w.report(c, map[string]any{"action": "location", "id": "beside", "lat": lat, "lng": lng, "available": true}, lat, lng, func() { w.ask(r) })
	})
}
