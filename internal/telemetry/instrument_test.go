package telemetry

import (
	"regexp"
	"slices"
	"testing"
)

func TestNamesAndUnitsFollowTheConventions(t *testing.T) {
	names := make(map[string]bool)
	for _, i := range Instruments() {
		if !regexp.MustCompile(`^waggle(\.[a-z]+)+$`).MatchString(i.Name) || names[i.Name] {
			t.Errorf("%s: not a name of its own in small letters and points", i.Name)
		}
		names[i.Name] = true
		if i.Description == "" || !regexp.MustCompile(`^(s|\{[a-z]+\})$`).MatchString(i.Unit) {
			t.Errorf("%s: got unit %q and description %q", i.Name, i.Unit, i.Description)
		}
		if (i.Kind == Histogram) != (len(i.Buckets) > 0) || !slices.IsSorted(i.Buckets) {
			t.Errorf("%s is a %s with the buckets %v", i.Name, i.Kind, i.Buckets)
		}
		if duration := regexp.MustCompile(`\.duration$`).MatchString(i.Name); duration != (i.Unit == "s") {
			t.Errorf("%s has the unit %s", i.Name, i.Unit)
		}
		if i.Attribute != "" && (!slices.Contains(i.Values, Other) || len(i.Values) > 20) || i.Attribute == "" && len(i.Values) > 0 {
			t.Errorf("%s: %q has the values %v, which must be few, with %q", i.Name, i.Attribute, i.Values, Other)
		}
	}
}

func TestAnAlarmReadsAValueThatItsInstrumentCounts(t *testing.T) {
	for _, a := range Alarms() {
		i := a.Instrument.Instrument()
		if i.Kind != Counter || (i.Attribute == "") != (a.Value == "") || a.Value != "" && !slices.Contains(i.Values, a.Value) {
			t.Errorf("%s reads %q of %s", a.ID, a.Value, i.Name)
		}
		if a.Threshold < 1 || a.Minutes < 1 || a.Within < a.Minutes {
			t.Errorf("%s: %+v", a.ID, a)
		}
	}
}
