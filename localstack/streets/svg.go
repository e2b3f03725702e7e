package streets

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"
)

// Handler serves the streets as the data of an SVG path, in metres east and south of
// the centre of the city. The map page has the same centre.
func Handler() http.Handler {
	path := sync.OnceValue(func() string { // drawn for the first request
		m := New()
		round := func(p Point) (east, south int) { return int(math.Round(p.X)), int(math.Round(-p.Y)) }
		var b strings.Builder
		for i := 0; i < len(m.streets); i += 2 {
			x1, y1 := round(m.corners[m.streets[i].from].at)
			x2, y2 := round(m.corners[m.streets[i].to].at)
			fmt.Fprintf(&b, "M%d %dl%d %d", x1, y1, x2-x1, y2-y1)
		}
		return b.String()
	})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, path()) // a browser that has left does not need it
	})
}
