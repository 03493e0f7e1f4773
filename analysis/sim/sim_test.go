package sim

import (
	"fmt"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

func qwen(rpm, rps, tpm, tps float64) []Limit {
	return []Limit{
		{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: rps, Window: time.Second}, Refusal: exchange.RequestRate},
		{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: rpm, Window: time.Minute}, Refusal: exchange.RequestRate},
		{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: tps, Window: time.Second}, Tokens: true, Refusal: exchange.TokenRate},
		{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: tpm, Window: time.Minute}, Tokens: true, Refusal: exchange.TokenRate},
	}
}

func one(alg limiter.Algorithm, n float64, w time.Duration) []Limit {
	return []Limit{{Spec: limiter.Spec{Algorithm: alg, Amount: n, Window: w}, Refusal: exchange.RequestRate}}
}

func TestTrace(t *testing.T) {
	for name, limits := range map[string][]Limit{
		"qwen3-max": qwen(600, 10, 1e6, 1e6/60),
		"snapshot":  qwen(60, 1, 1e5, 1e5/60),
		"stacked":   qwen(400, 10, 6e5, 1e6/60),
		"log 60":    one(limiter.SlidingLog, 100, time.Minute),
		"fixed 7":   one(limiter.FixedWindow, 40, 7*time.Second),
		"bucket":    one(limiter.TokenBucket, 30, 30*time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			e := &Endpoint{Limits: limits, RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true}
			began := time.Now()
			cfg := search.Config{LookFor: []string{"requests", "tokens"}, Precision: 0.01, MaxRPS: 60, MaxWindow: 2 * time.Minute, MaxPrompt: 8000, MaxTokens: 1, Verify: true}
			var main []exchange.Exchange
			s := search.New(cfg, func(st search.Stage) (search.Reply, error) {
				r, err := e.Send(st)
				main = append(main, r.Exchanges...)
				adm := 0
				for _, x := range r.Exchanges {
					if x.Admitted() {
						adm++
					}
				}
				t.Logf("%3d %-12s rest %-8v hits %4d rate %.4g size %v -> sent %d admitted %d; clock %v", st.Number, st.Question, st.Rest.Round(time.Millisecond), st.Hits, st.Rate, st.Sizes[0], len(r.Exchanges), adm, e.Clock.Round(time.Millisecond))
				return r, err
			})
			err := s.Run()
			t.Log(err, s.Warnings)
			l := fit.NewLog(main)
			for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
				want := exchange.RequestRate
				if dim == fit.Tokens {
					want = exchange.TokenRate
				}
				var idx []int
				for i, ev := range l.Events {
					if ev.Outcome == want {
						idx = append(idx, i)
					}
				}
				lim, left := fit.Explain(l, dim, fit.PromptPlusCompl, idx, fit.Options{})
				for _, x := range lim {
					t.Logf("%v N %v [%v,%v] W [%.4f %.4f] rpm %.6g [%.6g %.6g] rivals %d expl %d contra %d", x.Shape, x.Best, x.Low, x.High, x.ParamLow, x.ParamHigh, x.Rate()*60, x.RateLow*60, x.RateHigh*60, len(x.Rivals), len(x.Explained), x.Contradicted)
					for _, r := range x.Rivals {
						t.Log("   rival ", r.Shape)
					}
				}
				if len(left) > 0 {
					t.Log("left", len(left))
				}
			}
			t.Log(fmt.Sprintf("admitted %d refused %d tokens %.4g, took %v", e.Admitted, e.Refused, e.Tokens, time.Since(began)))
		})
	}
}
