package search_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// asked is a search with other keys, and what it sent.
type asked struct {
	*search.Search
	stages []search.Stage
	all    []exchange.Exchange
	before []search.Known // when other keys were first tried
}

func askKeys(t *testing.T, cfg search.Config, send search.Send) *asked {
	t.Helper()
	a := &asked{}
	a.Search = search.New(cfg, func(st search.Stage) (search.Reply, error) {
		if st.Keys != nil && a.before == nil {
			a.before = a.Known()
		}
		reply, err := send(st)
		a.stages = append(a.stages, st)
		a.all = append(a.all, reply.Exchanges...)
		return reply, err
	})
	if err := a.Run(); err != nil {
		t.Fatalf("search ended with %v", err)
	}
	return a
}

// verdicts judges as the analysis does: the limits come from the log without
// the stages that asked about keys.
func (a *asked) verdicts(cfg search.Config) []search.KeyVerdict {
	about, moments := map[int]bool{}, map[int]bool{}
	for _, st := range a.stages {
		about[st.Number] = st.Keys != nil
		moments[st.Number] = st.Question == search.Keys
	}
	f := found{}
	for _, x := range a.all {
		if !about[x.Stage] {
			f.all = append(f.all, x)
		}
	}
	requests, _ := f.limits(fit.Requests, cfg.MaxWindow)
	tokens, _ := f.limits(fit.Tokens, cfg.MaxWindow)
	return search.JudgeKeys(cfg.OtherKeys, a.all, moments, search.Fillable(requests, tokens))
}

// count returns how many stages asked a question.
func (a *asked) count(question string) (n int) {
	for _, st := range a.stages {
		if st.Question == question {
			n++
		}
	}
	return n
}

// Whether keys share a quota is found at limits of all kinds.
func TestKeys(t *testing.T) {
	far := func(rtt, jitter time.Duration, limits ...sim.Limit) func() *sim.Endpoint {
		return func() *sim.Endpoint {
			return &sim.Endpoint{Limits: limits, RTT: rtt, Jitter: jitter, Think: 300 * time.Millisecond}
		}
	}
	both := []string{search.LookRequests, search.LookTokens}
	for _, test := range []struct {
		name    string
		far     func() *sim.Endpoint
		within  time.Duration
		lookFor []string
	}{
		{"a minute's window", func() *sim.Endpoint { return near(limit(limiter.SlidingLog, 60, time.Minute)) }, minute, both[:1]},
		{"a second's window, slower answers", func() *sim.Endpoint {
			e := near(limit(limiter.SlidingLog, 10, time.Second))
			e.Think = 1300 * time.Millisecond
			return e
		}, 10 * time.Second, both[:1]},
		{"a second's window, far away", far(200*time.Millisecond, 20*time.Millisecond, limit(limiter.SlidingLog, 10, time.Second)), 10 * time.Second, both[:1]},
		{"a fixed window", func() *sim.Endpoint { return near(limit(limiter.FixedWindow, 40, 7*time.Second)) }, 20 * time.Second, both[:1]},
		{"a bucket", func() *sim.Endpoint { return near(limit(limiter.TokenBucket, 30, 30*time.Second)) }, minute, both[:1]},
		{"a bucket of one", func() *sim.Endpoint { return near(paced(4)) }, 20 * time.Second, both[:1]},
		{"one request a second", func() *sim.Endpoint { return near(limit(limiter.SlidingLog, 1, time.Second)) }, 20 * time.Second, both[:1]},
		{"a sliding counter", func() *sim.Endpoint { return near(limit(limiter.SlidingCounter, 40, 7*time.Second)) }, 20 * time.Second, both[:1]},
		{"a block after a refusal", func() *sim.Endpoint {
			return near(with(limit(limiter.SlidingLog, 40, 5*time.Second), func(l *sim.Limit) { l.Penalty = 15 * time.Second }))
		}, 40 * time.Second, both[:1]},
		{"refusals that count", func() *sim.Endpoint {
			return near(with(limit(limiter.SlidingLog, 40, 5*time.Second), func(l *sim.Limit) { l.CountRefused = true }))
		}, 20 * time.Second, both[:1]},
		{"two windows", func() *sim.Endpoint {
			return near(limit(limiter.SlidingLog, 10, time.Second), limit(limiter.SlidingLog, 80, 12*time.Second))
		}, 15 * time.Second, both[:1]},
		{"tokens only", func() *sim.Endpoint { return near(tokens(limit(limiter.SlidingLog, 100e3, 20*time.Second))) }, 25 * time.Second, both[1:]},
		{"refusals that do not say", func() *sim.Endpoint { return near(untyped(limit(limiter.SlidingLog, 40, 5*time.Second))) }, 20 * time.Second, both},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(test.within, test.lookFor...)
			cfg.OtherKeys = []string{"same", "own"}
			e := test.far()
			e.Own = []string{"own"}
			a := askKeys(t, cfg, e.Send)
			for i, v := range a.verdicts(cfg) {
				if v.Shared == nil || *v.Shared != (i == 0) {
					t.Errorf("%+v", v)
				}
			}
			// What other keys were let use is kept out of what is known of the first.
			if !reflect.DeepEqual(a.Known(), a.before) {
				t.Errorf("limits %+v, before other keys were tried %+v", a.Known(), a.before)
			}
		})
	}
}

// What cannot be known is said to be so, and the first key's limits stay.
func TestKeysUnknown(t *testing.T) {
	answered := func(o exchange.Outcome, e *sim.Endpoint) search.Send {
		return func(st search.Stage) (search.Reply, error) {
			reply, err := e.Send(st)
			for i := range reply.Exchanges {
				if x := &reply.Exchanges[i]; x.Key == "other" {
					x.Outcome, x.Status, x.Usage = o, 429, exchange.Usage{}
				}
			}
			return reply, err
		}
	}
	window := func() *sim.Endpoint { return near(limit(limiter.SlidingLog, 20, 5*time.Second)) }
	for _, test := range []struct {
		name  string
		send  search.Send
		want  string // of why
		asked int    // stages about keys
		// beside tells that there is another key, which is found to share the quota.
		beside bool
	}{
		{"no limit", near().Send, "no limit of a rate", 0, false},
		{"a cap on requests in flight", (&sim.Endpoint{Limits: []sim.Limit{limit(limiter.Concurrency, 5, 0)}, RTT: 20 * time.Millisecond,
			Think: 500 * time.Millisecond, PerToken: 20 * time.Millisecond}).Send, "no limit of a rate", 0, false},
		{"nearly as quick as requests may be", near(limit(limiter.TokenBucket, 50, time.Second)).Send, "not tried", 0, false},
		{"a bucket that gives room back within a round trip", (&sim.Endpoint{Limits: []sim.Limit{paced(10)},
			RTT: 100 * time.Millisecond, Jitter: 25 * time.Millisecond}).Send, "not tried", 0, false},
		{"the other key is refused", answered(exchange.Auth, window()), "answered auth", 2, true},
		{"the other key is always refused", answered(exchange.RequestRate, window()), "not let in when nothing else", 3, false},
		{"the other key is refused as another limit does", answered(exchange.TokenRate, window()), "not surely used up", 3, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(10*time.Second, search.LookRequests)
			cfg.OtherKeys = []string{"other"}
			if test.beside {
				cfg.OtherKeys = append(cfg.OtherKeys, "same")
			}
			a := askKeys(t, cfg, test.send)
			v := a.verdicts(cfg)[0]
			if test.beside {
				if same := a.verdicts(cfg)[1]; same.Shared == nil || !*same.Shared {
					t.Errorf("%+v", same)
				}
			}
			if v.Shared != nil || !strings.Contains(v.Why, test.want) {
				t.Errorf("%+v, want %q", v, test.want)
			}
			if n := a.count(search.Keys) + a.count(search.KeyAlone); n != test.asked {
				t.Errorf("%d stages about keys, want %d", n, test.asked)
			}
		})
	}
}

// Where a quick limiter gives room back between two refusals, another key that
// takes it does not look as if it had a quota of its own.
func TestKeysTakeRoom(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	l := &fit.Limit{Candidate: fit.Candidate{
		Shape: fit.Shape{Dimension: fit.Requests, Algorithm: limiter.TokenBucket, Param: 10}, ParamLow: 10, ParamHigh: 10, Low: 1, High: 1, Best: 1,
	}}
	at := func(key string, sent time.Duration, o exchange.Outcome) exchange.Exchange {
		return exchange.Exchange{Key: key, Sent: sent, FirstByte: sent + 10*ms, Done: sent + 10*ms, Status: 200, Verdict: exchange.Verdict{Outcome: o}}
	}
	const let, not = exchange.Success, exchange.RequestRate
	for _, test := range []struct {
		name     string
		xs       []exchange.Exchange
		admitted int
		rejected int
	}{
		{"let in although there is no room", []exchange.Exchange{at("", 0, let), at("", 30*ms, not), at("b", 50*ms, let), at("", 70*ms, not)}, 1, 0},
		{"let in where room came back", []exchange.Exchange{at("", 0, let), at("", 80*ms, not), at("b", 110*ms, let), at("", 130*ms, not)}, 0, 0},
		{"refused, with nothing used", []exchange.Exchange{at("", 0, let), at("", 30*ms, not), at("b", 50*ms, not), at("", 70*ms, not)}, 0, 1},
		{"refused for its own use", []exchange.Exchange{at("b", 0, let), at("", 10*ms, let), at("", 30*ms, not), at("b", 50*ms, not), at("", 70*ms, not)}, 0, 0},
		{"not refused before", []exchange.Exchange{at("", 0, let), at("b", 50*ms, not), at("", 70*ms, not)}, 0, 0},
		{"not refused after", []exchange.Exchange{at("", 0, let), at("", 30*ms, not), at("b", 50*ms, not), at("", 110*ms, let)}, 0, 0},
		{"another key had room of its own", []exchange.Exchange{at("", 0, let), at("", 80*ms, not), at("c", 90*ms, let), at("b", 110*ms, let), at("", 130*ms, not)}, 0, 0},
		{"nothing before", []exchange.Exchange{at("b", 0, not), at("", 20*ms, not), at("", 40*ms, not)}, 0, 0},
		{"nothing after", []exchange.Exchange{at("", 0, let), at("", 30*ms, not), at("b", 50*ms, not)}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := search.JudgeKeys([]string{"b", "c"}, test.xs, map[int]bool{0: true}, l)[0]
			if v.Admitted != test.admitted || v.Rejected != test.rejected {
				t.Errorf("%d let in and %d refused that say something, want %d and %d", v.Admitted, v.Rejected, test.admitted, test.rejected)
			}
		})
	}
}

// The same answers lead to the same stages, and none of them goes beyond
// another limit than the one that is filled.
func TestKeysAskTheSame(t *testing.T) {
	t.Parallel()
	cfg := config(15*time.Second, search.LookRequests)
	cfg.OtherKeys = []string{"b", "c"}
	e := near(limit(limiter.SlidingLog, 10, time.Second), limit(limiter.SlidingLog, 80, 12*time.Second))
	e.Limits[0].Refusal = exchange.Unclassified // so that it is told apart
	record := map[int]search.Reply{}
	a := askKeys(t, cfg, func(st search.Stage) (search.Reply, error) {
		reply, err := e.Send(st)
		record[st.Number] = reply
		return reply, err
	})
	for _, st := range a.stages {
		if st.Question != search.Keys {
			continue
		}
		for _, x := range record[st.Number].Exchanges {
			if x.Outcome == exchange.Unclassified {
				t.Errorf("stage %d was refused for the quicker limit", st.Number)
			}
		}
	}
	b := askKeys(t, cfg, func(st search.Stage) (search.Reply, error) { return record[st.Number], nil })
	if !reflect.DeepEqual(a.stages, b.stages) {
		t.Error("answered from the record, the search asked something else")
	}
}
