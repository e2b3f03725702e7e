package wire

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"waggle/clients/go/waggle"
)

// TestPredictionsAreThoseOfTheVectors: every client must pass the same file. Its places were
// computed in another way, with vectors in space.
func TestPredictionsAreThoseOfTheVectors(t *testing.T) {
	text, err := os.ReadFile("../../internal/protocol/testdata/vectors/prediction.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		What     string
		Report   waggle.Fix
		At       int64
		Lat, Lng float64
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	if len(vectors) < 20 {
		t.Errorf("got %d vectors, want at least 20", len(vectors))
	}
	for _, v := range vectors {
		lat, lng := v.Report.Predict(v.At)
		// Beside the pole, a longitude is worth little, so both count in metres.
		const meters = 6371008.8 * math.Pi / 180
		north := (lat - v.Lat) * meters
		east := (lng - v.Lng) * meters * math.Cos(v.Lat*math.Pi/180)
		if off := math.Hypot(north, east); !(off < 0.01) || lng < -180 || lng >= 180 {
			t.Errorf("%s: got %.9f, %.9f, want %.9f, %.9f", v.What, lat, lng, v.Lat, v.Lng)
		}
	}
}
