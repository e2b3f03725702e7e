package store

import (
	"slices"
	"testing"

	"waggle/internal/telemetry"
)

func TestEachResultOfATripIsAValueOfTheInstrument(t *testing.T) {
	values := telemetry.CacheTrips.Instrument().Values
	for _, r := range []TripResult{TripOK, TripUnreachable, TripSignInThrottled, TripSignInRefused, TripForbidden, TripNoWrites, TripNotReady, TripNotLoaded, TripScriptError, TripNoReply} {
		if !slices.Contains(values, string(r)) {
			t.Errorf("%s is not among %v", r, values)
		}
	}
}
