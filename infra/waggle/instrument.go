package waggle

import (
	"fmt"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"waggle/infra/config"
	"waggle/internal/telemetry"
)

// metricsNamespace is where CloudWatch has what the functions measure.
func metricsNamespace(scope constructs.Construct) string { return unique(scope, "Metrics") }

// measured is the metric of an instrument, and of one value of its attribute, "" if it has none.
func (w *Waggle) measured(i telemetry.Instrument, value, statistic, label string) awscloudwatch.IMetric {
	dimensions := map[string]*string{}
	if i.Attribute != "" {
		dimensions[i.Attribute] = &value
	}
	return metric(metricsNamespace(w.Construct), i.Name, statistic, label, dimensions)
}

// instrumentAlarms returns the alarms on what members feel.
func (w *Waggle) instrumentAlarms(c config.Config) (all []alarm) {
	for _, a := range telemetry.Alarms() {
		if a.Instrument == telemetry.EventsUnpublished && c.EventBus == "" {
			continue
		}
		i := a.Instrument.Instrument()
		all = append(all, alarm{a.ID, a.Description, w.measured(i, a.Value, sum, i.Name), a.Threshold, a.Minutes, a.Within})
	}
	return all
}

// mostShown is how many metrics a dashboard shows at most: CloudWatch charges for one that shows more,
// and an account has three that cost nothing.
const mostShown = 50

// newInstrumentDashboards creates as many dashboards as the instruments need, with a graph of each.
func newInstrumentDashboards(w *Waggle) {
	var pages [][]awscloudwatch.IWidget
	shown := mostShown
	for _, i := range telemetry.Instruments() {
		var metrics []awscloudwatch.IMetric
		switch {
		case i.Kind == telemetry.Histogram:
			metrics = append(metrics, w.measured(i, "", p50, "p50"), w.measured(i, "", p99, "p99"))
		case i.Attribute == "":
			metrics = append(metrics, w.measured(i, "", sum, i.Name))
		}
		for _, value := range i.Values {
			metrics = append(metrics, w.measured(i, value, sum, value))
		}
		if shown += len(metrics); shown > mostShown {
			pages, shown = append(pages, nil), len(metrics)
		}
		last := &pages[len(pages)-1]
		*last = append(*last, graph(i.Name+", "+i.Unit, metrics...))
	}
	for n, page := range pages {
		d := awscloudwatch.NewDashboard(w.Construct, jsii.String(fmt.Sprint("Measured", n+1)), nil)
		for row := range slices.Chunk(page, 4) {
			d.AddWidgets(row...)
		}
	}
}
