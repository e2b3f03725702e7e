package wire

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
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

// The page states the limits as numbers, for authors of other clients.
func TestThePageStatesTheLimitsOfThePrediction(t *testing.T) {
	text, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Predicting a position\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, want := range []string{
		fmt.Sprintf("`speed` is below %g m/s", waggle.StillSpeed), fmt.Sprintf("keeps its speed for %g s", waggle.PredictionHorizon.Seconds()),
	} {
		if !strings.Contains(section, want) {
			t.Errorf("docs/protocol.md does not say %q", want)
		}
	}
}
