package metrics

import (
	"runtime"
	"strconv"
	"time"

	"probe/analysis/fit"
	"probe/analysis/search"
	"probe/reports/live"

	"github.com/prometheus/client_golang/prometheus"
)

// A state collects what is read off a snapshot.
type state struct {
	version  string
	snapshot func() live.Snapshot
}

func newState(version string, snapshot func() live.Snapshot) *state { return &state{version, snapshot} }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	buildInfo = desc("probe_build_info", "The program; always 1.", "version", "goversion")
	runInfo   = desc("probe_run_info", "What is probed; always 1.", "scenario", "target", "model")
	stageInfo = desc("probe_stage_info", "What the present stage asks; always 1.", "question", "dimension")
	stageNow  = desc("probe_stage_number", "Number of the present stage, from 0.")
	elapsed   = desc("probe_elapsed_seconds", "Endpoint time since the start of the run.")
	speed     = desc("probe_clock_speed_ratio", "How many times faster than the wall's the endpoint's clock runs.")
	inFlight  = desc("probe_requests_in_flight", "Attempts that wait for their answer.")
	limitRate = map[fit.Dimension]*prometheus.Desc{
		fit.Requests: desc("probe_limit_requests_per_second", "Limits on requests as far as they are known.", "window_seconds", "algorithm", "bound"),
		fit.Tokens:   desc("probe_limit_tokens_per_second", "Limits on tokens as far as they are known.", "window_seconds", "algorithm", "bound"),
	}
	spent      = desc("probe_money_spent_total", "Money used for certain; requests in flight are not in it.", "currency")
	budgetLeft = desc("probe_budget_left_ratio", "Share of each budget that is left, from 1 to 0.", "resource")
)

// Describe implements [prometheus.Collector].
func (s *state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, runInfo, stageInfo, stageNow, elapsed, speed, inFlight,
		limitRate[fit.Requests], limitRate[fit.Tokens], spent, budgetLeft,
	} {
		ch <- d
	}
}

// Collect implements [prometheus.Collector].
func (s *state) Collect(ch chan<- prometheus.Metric) {
	now := s.snapshot()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(buildInfo, 1, s.version, runtime.Version())
	gauge(runInfo, 1, now.Scenario, now.Target, now.Model)
	if now.Running {
		gauge(stageInfo, 1, now.Stage.Question, string(now.Stage.Dimension))
	}
	gauge(stageNow, float64(now.Stage.Number))
	gauge(elapsed, now.Now.Seconds())
	gauge(speed, now.Speed)
	gauge(inFlight, float64(now.InFlight))
	collectLimits(now.Known, gauge)
	collectBudget(now, ch, gauge)
}

func collectLimits(known []search.Known, gauge func(*prometheus.Desc, float64, ...string)) {
	type series struct {
		dim               fit.Dimension
		window, algorithm string
	}
	seen := map[series]bool{}
	for _, k := range known {
		at := series{k.Dimension, strconv.FormatFloat(k.Window.Round(time.Millisecond).Seconds(), 'g', -1, 64), string(k.Algorithm)}
		d := limitRate[k.Dimension]
		if d == nil || seen[at] {
			continue // two limits that read alike cannot be two series
		}
		seen[at] = true
		gauge(d, k.Low, at.window, at.algorithm, "low")
		gauge(d, k.High, at.window, at.algorithm, "high")
	}
}

func collectBudget(now live.Snapshot, ch chan<- prometheus.Metric, gauge func(*prometheus.Desc, float64, ...string)) {
	a := now.Account
	money, _ := a.Money.Float64()
	moneyLimit, _ := a.MoneyLimit.Float64()
	if a.Currency != "" {
		ch <- prometheus.MustNewConstMetric(spent, prometheus.CounterValue, money, a.Currency)
	}
	for _, r := range []struct {
		name        string
		used, limit float64
	}{
		{"requests", float64(a.Requests), float64(a.RequestLimit)},
		{"tokens", float64(a.Tokens), float64(a.TokenLimit)},
		{"money", money, moneyLimit},
		{"time", now.Now.Seconds(), a.TimeLimit.Seconds()},
	} {
		if r.limit > 0 {
			gauge(budgetLeft, max(0, 1-r.used/r.limit), r.name)
		}
	}
}
