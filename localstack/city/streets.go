package city

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"sync"

	"waggle/localstack/town"
)

// Streets serves the town's streets for the map: the data of an SVG path, in metres
// east and south of the town's centre, which is the map's too.
func Streets() http.Handler {
	path := sync.OnceValue(func() string { // when it is first wanted
		var b strings.Builder
		for _, l := range town.New().Lines() {
			x1, y1 := meters(l.FromLat, l.FromLng)
			x2, y2 := meters(l.ToLat, l.ToLng)
			fmt.Fprintf(&b, "M%d %dl%d %d", x1, y1, x2-x1, y2-y1)
		}
		return b.String()
	})
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, path()) // who has gone does not miss it
	})
}

func meters(lat, lng float64) (east, south int) {
	const degree = 6_371_007.18 * math.Pi / 180 // as on the map
	return int(math.Round((lng - town.CentreLng) * degree * math.Cos(town.CentreLat*math.Pi/180))), int(math.Round((town.CentreLat - lat) * degree))
}
