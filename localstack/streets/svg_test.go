package streets

import (
	"math"
	"net/http/httptest"
	"regexp"
	"strconv"
	"testing"
)

func TestTheMapDrawsEachStreet(t *testing.T) {
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, httptest.NewRequest("GET", "/streets", nil))
	lines := New().Lines()
	drawn := regexp.MustCompile(`M(-?\d+) (-?\d+)l(-?\d+) (-?\d+)`).FindAllStringSubmatch(w.Body.String(), -1)
	if len(drawn) != len(lines) {
		t.Fatalf("got %d lines, want %d", len(drawn), len(lines))
	}
	for i := range drawn {
		var n [4]float64
		for k := range n {
			n[k], _ = strconv.ParseFloat(drawn[i][k+1], 64)
		}
		// The end of the line, as the map page computes it.
		lat := CentreLat - (n[1]+n[3])/111_195.08
		lng := CentreLng + (n[0]+n[2])/111_195.08/math.Cos(CentreLat*math.Pi/180)
		if math.Abs(lat-lines[i].ToLat) > 2e-5 || math.Abs(lng-lines[i].ToLng) > 2e-5 {
			t.Fatalf("line %d: got its end at %.5f, %.5f, want %+v", i, lat, lng, lines[i])
		}
	}
}
