package judge_test

import (
	"fmt"

	"waggle/lab/record"
)

func (r *ride) asks(w *simulation) bool { return w.confirm > 0 && r.probe < 0 }

// offer asks a cab, which accepts, declines, or does not answer. goOn searches anew.
func (w *simulation) offer(r *ride, c *cab, goOn func()) {
	w.matches++
	id, expires := fmt.Sprint("m", w.matches), w.now+w.confirm
	over := false // the offer
	offered := func(member, role, id string, then func()) {
		w.after(w.trip(), func() {
			w.tell(member, func() map[string]any {
				if over {
					return nil
				}
				f := map[string]any{"type": "offered", "match": id, "role": role, "expiresAt": expires / 1000, "distance": bandOf(w.meters(r, c))}
				if role == "matcher" {
					f["id"] = r.id
					if w.plant(placed, true) {
						f["lat"], f["lng"] = c.lat, c.lng
					}
				}
				return f
			}, then)
		})
	}
	end := func(reason string) {
		over = true
		tell := func(name string) {
			w.after(w.trip(), func() {
				w.tell(name, func() map[string]any {
					return map[string]any{"type": "ended", "match": id, "reason": reason}
				}, func() {})
			})
		}
		held := int64(0)
		if reason == "expired" {
			held = w.random.Int64N(w.confirm) // until another process finds the cab, which is told then
		}
		w.after(w.trip(), func() {
			r.declined = append(r.declined, c)
			untold := w.plant(unsaid, true)
			tell(r.name)
			w.after(held, func() {
				c.ride = nil
				if !untold {
					tell(c.name)
				}
				w.serve()
			})
			w.after(4*w.pace, func() {
				goOn()
				w.serve()
			})
		})
	}
	offered(r.name, "matcher", id, func() {})
	if w.plant(another, true) {
		offered(c.name, "matchee", id+"-other", func() {})
	}
	offered(c.name, "matchee", id, func() {
		w.after(w.confirm/4, func() {
			if over {
				return
			}
			answer := "accept"
			switch drawn := w.random.IntN(10); {
			case drawn == 0:
				return
			case drawn < 4:
				answer = "decline"
			case w.plant(assumed, true):
				answer = "ping"
			}
			w.frame(record.Sent, c.name, map[string]any{"action": answer, "id": "a", "match": id})
			w.after(w.trip(), func() {
				switch {
				case over:
				case answer == "decline":
					end("declined")
				default:
					over, r.match = true, id
					w.match(r, c)
				}
			})
		})
	})
	w.after(w.confirm, func() {
		if !over {
			end("expired")
		}
	})
}

// bandOf returns the band of a distance in metres.
func bandOf(meters float64) float64 {
	for _, b := range []float64{50, 100, 250, 500, 1000, 2500} {
		if meters <= b {
			return b
		}
	}
	return 5000
}
