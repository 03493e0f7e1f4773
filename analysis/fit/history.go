package fit

import (
	"math"
	"time"
)

// history is a log up to the end of one of its stages, and who reads it.
type history struct {
	dim                   Dimension
	acct                  Accounting
	after, simple         bool
	replicas              bool
	slack, roundTrip      time.Duration
	minWindow, maxWindow  time.Duration
	refillEvery           time.Duration
	countRefused          bool
	block                 time.Duration
	events, wanted        uint64 // digests
	countEvents, explains int    // how many events, and refusals that are to be explained
}

// explained is what was found to explain a log.
type explained struct {
	limits []Limit
	left   []int
}

// history is the log before its first stage.
func (f *fitter) history() history {
	return history{
		dim: f.dim, acct: f.acct, after: f.after, simple: f.simple, replicas: f.opt.Replicas,
		slack: f.log.Slack, roundTrip: f.log.RoundTrip, minWindow: f.opt.MinWindow, maxWindow: f.opt.MaxWindow,
		refillEvery: f.opt.RefillEvery, countRefused: f.opt.CountRefused, block: f.block,
		events: noDigest, wanted: noDigest,
	}
}

// goOn adds a stage and those of its refusals that are to be explained.
func (h *history) goOn(events []Event, wanted []int) {
	for i := range events {
		e := &events[i]
		h.events = digest(digest(h.events, uint64(e.At)), uint64(e.Done))
		for _, r := range string(e.Outcome) {
			h.events = digest(h.events, uint64(r))
		}
		for _, n := range []float64{float64(e.Fate), e.Prompt, e.Completion, e.MaxTokens} {
			h.events = digest(h.events, math.Float64bits(n))
		}
	}
	for _, i := range wanted {
		h.wanted = digest(h.wanted, uint64(i))
	}
	h.countEvents, h.explains = h.countEvents+len(events), h.explains+len(wanted)
}

// mostStages is how many stages are kept at most, with what explained the log
// then.
const mostStages = 1 << 10

func (m *Memory) grown(h history) (explained, bool) {
	if m == nil {
		return explained{}, false
	}
	e, ok := m.stages[h]
	return e, ok
}

func (m *Memory) grow(h history, limits []Limit, left []int) {
	if m == nil {
		return
	}
	if m.stages == nil || len(m.stages) >= mostStages {
		m.stages = map[history]explained{}
	}
	m.stages[h] = explained{limits, left}
}
