// Package metrics shows a run to Prometheus while it goes on. Names follow its
// conventions (https://prometheus.io/docs/practices/naming/): base units, a
// total is a counter. [Names] lists them all; docs/metrics.md says what each
// means, and deploy/grafana has a dashboard of them.
package metrics

import (
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/reports/live"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Metrics are the counts of one run, in a registry of their own. It is a
// [live.Watcher].
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	started  prometheus.Counter
	tokens   *prometheus.CounterVec
	duration *prometheus.HistogramVec
	ttft     prometheus.Histogram
	stages   *prometheus.CounterVec
}

var _ live.Watcher = (*Metrics)(nil)

// buckets are bounds of latencies in seconds, from a cache's to a long answer's.
var buckets = []float64{0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120}

// New returns the metrics of a run. What a counter cannot hold, such as the
// limits known by now and what is left of the budget, is read from snapshot
// whenever somebody scrapes. Version is the program's.
func New(version string, snapshot func() live.Snapshot) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "probe_requests_total", Help: "Attempts by what they came to.",
		}, []string{"outcome"}),
		started: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "probe_requests_started_total", Help: "Attempts that were sent, answered or not: the offered load.",
		}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "probe_tokens_total", Help: "Tokens that the endpoint reported as used.",
		}, []string{"direction"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "probe_request_duration_seconds", Help: "Time from sending to the complete answer, in endpoint time.", Buckets: buckets,
		}, []string{"result"}),
		ttft: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "probe_time_to_first_token_seconds", Help: "Time from sending to the first token of a success, in endpoint time.", Buckets: buckets,
		}),
		stages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "probe_stages_total", Help: "Stages that ended, by whether they are evidence.",
		}, []string{"evidence"}),
	}
	for _, o := range exchange.Outcomes {
		m.requests.WithLabelValues(string(o)) // a series that begins at 0 has a rate from the first event
	}
	m.registry.MustRegister(m.requests, m.started, m.tokens, m.duration, m.ttft, m.stages,
		newState(version, snapshot), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Begin implements [live.Watcher].
func (m *Metrics) Begin(search.Stage, []search.Known) {}

// Started implements [live.Watcher].
func (m *Metrics) Started() { m.started.Inc() }

// Observe implements [live.Watcher].
func (m *Metrics) Observe(x exchange.Exchange) {
	m.requests.WithLabelValues(string(x.Outcome)).Inc()
	m.tokens.WithLabelValues("prompt").Add(float64(x.Usage.Prompt))
	m.tokens.WithLabelValues("completion").Add(float64(x.Usage.Completion))
	m.duration.WithLabelValues(resultOf(x)).Observe(x.Latency().Seconds())
	if t, ok := x.TTFT(); ok && x.Outcome == exchange.Success {
		m.ttft.Observe(t.Seconds())
	}
}

// resultOf parts latencies by what they tell: how fast the endpoint answers,
// how fast it declines, how long a failure takes.
func resultOf(x exchange.Exchange) string {
	switch {
	case x.Outcome == exchange.Success:
		return "success"
	case x.Refused():
		return "refused"
	}
	return "failed"
}

// End implements [live.Watcher].
func (m *Metrics) End(_ search.Stage, r live.Result) {
	evidence := "valid"
	if r.Void != "" {
		evidence = "void"
	}
	m.stages.WithLabelValues(evidence).Inc()
}
