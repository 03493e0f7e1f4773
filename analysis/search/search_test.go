package search_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// limit is a limiter of the simulated endpoint.
func limit(algorithm limiter.Algorithm, amount float64, window time.Duration) sim.Limit {
	return sim.Limit{
		Spec:    limiter.Spec{Algorithm: algorithm, Amount: amount, Window: window},
		Refusal: exchange.RequestRate,
	}
}

// paced is a bucket that holds a single request.
func paced(rps float64) sim.Limit {
	l := limit(limiter.TokenBucket, rps, time.Second)
	l.Burst = 1
	return l
}

// tokens makes a limiter count tokens.
func tokens(l sim.Limit) sim.Limit {
	l.Tokens, l.Refusal = true, exchange.TokenRate
	return l
}

// documented are limits as a provider writes them: a minute's and a second's,
// of requests and of tokens.
func documented(rpm, rps, tpm, tps float64) []sim.Limit {
	return []sim.Limit{
		limit(limiter.SlidingLog, rps, time.Second),
		limit(limiter.SlidingLog, rpm, time.Minute),
		tokens(limit(limiter.SlidingLog, tps, time.Second)),
		tokens(limit(limiter.SlidingLog, tpm, time.Minute)),
	}
}

// near is an endpoint that is 20 ms away and tells its own time.
func near(limits ...sim.Limit) *sim.Endpoint {
	return &sim.Endpoint{Limits: limits, RTT: 20 * time.Millisecond, Jitter: 4 * time.Millisecond, ServerClock: true}
}

// config looks for limits of the given dimensions.
func config(maxWindow time.Duration, lookFor ...string) search.Config {
	return search.Config{
		LookFor: lookFor, Precision: 0.01, MaxRPS: 60, MaxWindow: maxWindow,
		MaxPrompt: 8000, MaxTokens: 1, Verify: true,
	}
}

// found is what a finished search knows.
type found struct {
	*search.Search
	all   []exchange.Exchange
	asked []search.Stage
}

func run(t *testing.T, cfg search.Config, e *sim.Endpoint) found {
	t.Helper()
	return watched(t, cfg, e, func(search.Stage, int) {})
}

// watched is run, and shows each stage and how many of its requests were refused.
func watched(t *testing.T, cfg search.Config, e *sim.Endpoint, see func(st search.Stage, refused int)) found {
	t.Helper()
	var f found
	f.Search = search.New(cfg, func(st search.Stage) (search.Reply, error) {
		before := e.Refused
		reply, err := e.Send(st)
		f.all, f.asked = append(f.all, reply.Exchanges...), append(f.asked, st)
		see(st, e.Refused-before)
		return reply, err
	})
	if err := f.Run(); err != nil {
		t.Fatalf("search ended with %v", err)
	}
	return f
}

// limits fits everything that was seen, as the analysis does afterwards.
func (f *found) limits(dim fit.Dimension, maxWindow time.Duration) ([]fit.Limit, int) {
	l := fit.NewLog(f.all)
	l.PacedFrom = search.PacedFrom(f.asked)
	l.Untyped = fit.UntypedDimension(l, fit.PromptPlusCompl, fit.Options{MaxWindow: maxWindow})
	o := fit.Options{MaxWindow: maxWindow}
	wanted := l.Refusals(dim)
	if dim == fit.Tokens {
		requests, _ := fit.Explain(l, fit.Requests, "", l.Refusals(fit.Requests), o)
		wanted, o = l.RefusalsBeside(dim, requests), o.Beside(requests)
	}
	limits, left := fit.Explain(l, dim, fit.PromptPlusCompl, wanted, o)
	return limits, len(left)
}

// want is a limiter that a search must find: its amount exactly for requests
// and within half a percent for tokens, its rate within one percent.
type want struct {
	dim       fit.Dimension
	algorithm limiter.Algorithm
	amount    float64
	window    time.Duration
}

// rate is what the limiter sustains, per second.
func (w want) rate() float64 {
	s := limiter.Spec{Algorithm: w.algorithm, Amount: w.amount, Window: w.window}
	if w.dim == fit.Tokens {
		return s.Rate()
	}
	return s.Sustained(1)
}

// metBy reports whether l is the wanted limiter, and its intervals hold it.
func (w want) metBy(l *fit.Limit) bool {
	low, high := l.RateBounds()
	exact := 0.0
	if w.dim == fit.Tokens {
		exact = 0.005
	}
	return l.Algorithm == w.algorithm &&
		math.Abs(l.Best-w.amount) <= exact*w.amount && l.Low <= w.amount && w.amount <= l.High &&
		math.Abs(l.Rate()-w.rate()) <= 0.01*w.rate() && low <= w.rate()*(1+1e-9) && w.rate()*(1-1e-9) <= high
}

func checkLimits(t *testing.T, f found, maxWindow time.Duration, wants []want) {
	t.Helper()
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		limits, left := f.limits(dim, maxWindow)
		if left > 0 {
			t.Errorf("%s: %d refusals unexplained", dim, left)
		}
		missing := slices.DeleteFunc(slices.Clone(wants), func(w want) bool {
			return w.dim != dim || slices.ContainsFunc(limits, func(l fit.Limit) bool { return w.metBy(&l) })
		})
		for _, w := range missing {
			t.Errorf("not found: %+v", w)
		}
		if n := len(slices.DeleteFunc(slices.Clone(wants), func(w want) bool { return w.dim != dim })); len(limits) != n {
			t.Errorf("%s: %d limiters found, want %d", dim, len(limits), n)
		}
		if t.Failed() {
			for _, l := range limits {
				t.Logf("found %v, %v in [%v, %v], parameter in [%v, %v], %d rivals", l.Shape, l.Best, l.Low, l.High, l.ParamLow, l.ParamHigh, len(l.Rivals))
			}
		}
	}
}

// minute is the longest window looked for where one of a minute may hide.
const minute = 63 * time.Second

// faulty fails now and then for reasons of its own.
func faulty(e *sim.Endpoint) *sim.Endpoint {
	e.Faults = 0.01
	return e
}

// An example is an endpoint and what a search must find of it.
type example struct {
	name    string
	far     *sim.Endpoint
	within  time.Duration
	lookFor []string
	want    []want
}

// examples are new at each call: endpoints remember what was sent.
func examples() []example {
	return []example{
		{
			// The minute's limits never show behind the second's, however long one looks.
			name: "qwen3-max: the second hides the minute", within: 10 * time.Second,
			far:     near(documented(600, 10, 1e6, 1e6/60)...),
			lookFor: []string{search.LookRequests, search.LookTokens},
			want: []want{
				{fit.Requests, limiter.SlidingLog, 10, time.Second},
				{fit.Tokens, limiter.SlidingLog, 1e6 / 60, time.Second},
			},
		},
		{
			name: "stacked: a second and a minute, both bind", within: minute,
			far:     near(limit(limiter.SlidingLog, 10, time.Second), limit(limiter.SlidingLog, 400, time.Minute)),
			lookFor: []string{search.LookRequests},
			want: []want{
				{fit.Requests, limiter.SlidingLog, 10, time.Second},
				{fit.Requests, limiter.SlidingLog, 400, time.Minute},
			},
		},
		{
			name: "stacked: requests a second, tokens twelve", within: 15 * time.Second,
			far: near(limit(limiter.SlidingLog, 10, time.Second), limit(limiter.SlidingLog, 80, 12*time.Second),
				tokens(limit(limiter.SlidingLog, 120e3, 12*time.Second))),
			lookFor: []string{search.LookRequests, search.LookTokens},
			want: []want{
				{fit.Requests, limiter.SlidingLog, 10, time.Second},
				{fit.Requests, limiter.SlidingLog, 80, 12 * time.Second},
				{fit.Tokens, limiter.SlidingLog, 120e3, 12 * time.Second},
			},
		},
		{
			name: "tokens of a minute", within: minute,
			far:     near(tokens(limit(limiter.SlidingLog, 600e3, time.Minute))),
			lookFor: []string{search.LookTokens},
			want:    []want{{fit.Tokens, limiter.SlidingLog, 600e3, time.Minute}},
		},
		{
			name: "sliding log of a minute", far: near(limit(limiter.SlidingLog, 100, time.Minute)), within: 2 * time.Minute,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 100, time.Minute}},
		},
		{
			name: "fixed window of 7 s", far: near(limit(limiter.FixedWindow, 40, 7*time.Second)), within: 20 * time.Second,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.FixedWindow, 40, 7 * time.Second}},
		},
		{
			name: "bucket of 30, one a second", far: near(limit(limiter.TokenBucket, 30, 30*time.Second)), within: minute,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.TokenBucket, 30, 30 * time.Second}},
		},
		{
			name: "paced: one request every 100 ms", far: near(paced(10)), within: 20 * time.Second,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.TokenBucket, 1, 100 * time.Millisecond}},
		},
		{
			name: "window of 2 s", far: near(limit(limiter.SlidingLog, 20, 2*time.Second)), within: 20 * time.Second,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 20, 2 * time.Second}},
		},
		{
			name: "window of 2.5 s", far: near(limit(limiter.SlidingLog, 25, 2500*time.Millisecond)), within: 20 * time.Second,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 25, 2500 * time.Millisecond}},
		},
		{
			name: "window of 90 s", far: near(limit(limiter.SlidingLog, 60, 90*time.Second)), within: 2 * time.Minute,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 60, 90 * time.Second}},
		},
		{
			name: "one answer in a hundred is a fault", far: faulty(near(limit(limiter.SlidingLog, 40, 5*time.Second))), within: 20 * time.Second,
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 40, 5 * time.Second}},
		},
		{
			name: "no server clock, jitter", within: 30 * time.Second,
			far: &sim.Endpoint{
				Limits: []sim.Limit{limit(limiter.SlidingLog, 60, 15*time.Second)},
				RTT:    40 * time.Millisecond, Jitter: 10 * time.Millisecond,
			},
			lookFor: []string{search.LookRequests},
			want:    []want{{fit.Requests, limiter.SlidingLog, 60, 15 * time.Second}},
		},
	}
}

func TestFindsLimits(t *testing.T) {
	for _, test := range examples() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := run(t, config(test.within, test.lookFor...), test.far)
			checkLimits(t, f, test.within, test.want)
			if f.RangeEnded {
				t.Errorf("says that no limit is in range: %v", f.Warnings)
			}
		})
	}
}

// One request a second leaves no room for a second one in a window of tokens:
// how many a request may hold is found, the window cannot be, and it is said.
func TestWindowThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	const within = 20 * time.Second
	f := run(t, config(within, search.LookRequests, search.LookTokens), near(documented(60, 1, 1e5, 1e5/60)...))
	limits, _ := f.limits(fit.Requests, within)
	if len(limits) != 1 || limits[0].Best != 1 || math.Abs(limits[0].Rate()-1) > 0.01 {
		t.Errorf("requests: %+v, want 1 a second", limits)
	}
	limits, _ = f.limits(fit.Tokens, within)
	const tps = 1e5 / 60
	if len(limits) != 1 || limits[0].Low > tps || limits[0].High < tps || limits[0].High-limits[0].Low > 0.01*tps {
		t.Errorf("tokens: %+v, want an amount of %.1f", limits, tps)
	}
	checkWarning(t, f.Warnings, "the window cannot be seen")
}

func checkWarning(t *testing.T, warnings []string, part string) {
	t.Helper()
	if !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, part) }) {
		t.Errorf("no warning of %q in %q", part, warnings)
	}
}

func TestNothingInRange(t *testing.T) {
	t.Parallel()
	cfg := config(10*time.Second, search.LookRequests, search.LookTokens, search.LookBurst)
	e := near(limit(limiter.SlidingLog, 1e6, time.Second))
	f := run(t, cfg, e)
	if !f.RangeEnded {
		t.Error("does not say that the range ended")
	}
	if e.Refused > 0 {
		t.Errorf("%d refusals", e.Refused)
	}
	for _, part := range []string{"requests: no limit met", "tokens: no limit met", "burst: a step from idle"} {
		checkWarning(t, f.Warnings, part)
	}
}

// The search costs about what seeing the limit costs: a limit of N requests is
// seen with a few times N admissions, not with minutes of load.
func TestPrice(t *testing.T) {
	t.Parallel()
	cfg := config(time.Minute, search.LookRequests)
	cfg.Verify = false
	const amount = 50
	e := near(limit(limiter.SlidingLog, amount, 20*time.Second))
	run(t, cfg, e)
	if e.Admitted > 3*amount {
		t.Errorf("%d requests let in to see a limit of %d", e.Admitted, amount)
	}
	// Each try for room comes about a hundredth later than the last.
	if most := 800; e.Refused > most {
		t.Errorf("%d requests refused, more than %d", e.Refused, most)
	}
}

// The same answers lead to the same questions, so that a run can be resumed.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	ask := func() (questions []string) {
		e := near(limit(limiter.FixedWindow, 20, 3*time.Second))
		s := search.New(config(10*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
			questions = append(questions, st.Question)
			return e.Send(st)
		})
		if err := s.Run(); err != nil {
			t.Fatal(err)
		}
		return questions
	}
	if a, b := ask(), ask(); !slices.Equal(a, b) {
		t.Errorf("first %q, then %q", a, b)
	}
}

func TestEndsEarly(t *testing.T) {
	answer := func(o exchange.Outcome) search.Send {
		return func(st search.Stage) (search.Reply, error) {
			x := exchange.Exchange{Stage: st.Number, Done: time.Second, Status: 401, Verdict: exchange.Verdict{Outcome: o}}
			return search.Reply{Exchanges: []exchange.Exchange{x}, End: time.Second}, nil
		}
	}
	for _, test := range []struct {
		name string
		send search.Send
		want string
		// asked is how many stages were.
		asked int
	}{
		{"the key is refused", answer(exchange.Auth), "the endpoint answered auth", 1},
		{"the purse is empty", answer(exchange.Billing), "the endpoint answered billing", 1},
		{"nothing has ever answered", answer(exchange.Transport), "ended as transport", 1},
		{"the client is always late", func(st search.Stage) (search.Reply, error) {
			return search.Reply{Void: "late", End: time.Second}, nil
		}, "was void 3 times: late", 3},
		{"the budget ends", func(search.Stage) (search.Reply, error) { return search.Reply{}, search.ErrBudget }, "budget is spent", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			asked := 0
			err := search.New(config(time.Minute, search.LookRequests), func(st search.Stage) (search.Reply, error) {
				asked++
				return test.send(st)
			}).Run()
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			var hopeless *search.HopelessError
			if asked != test.asked {
				t.Errorf("asked %d times, want %d", asked, test.asked)
			}
			if budget := errors.Is(err, search.ErrBudget); budget == errors.As(err, &hopeless) {
				t.Errorf("%v is neither a spent budget nor hopeless, or both", err)
			}
		})
	}
}

// A connection that breaks, or a restart, is no end of a run: what got no answer
// is asked again, later. An endpoint that stays away is one.
func TestOutage(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		lost int // stages in a row
		ends bool
	}{
		{"one connection breaks", 1, false},
		{"a restart", 2, false},
		{"gone for good", 3, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := near(limit(limiter.SlidingLog, 20, 3*time.Second))
			var last string
			s := search.New(config(10*time.Second, search.LookRequests), func(st search.Stage) (search.Reply, error) {
				reply, err := e.Send(st)
				if n := st.Number - 4; n >= 0 && n < test.lost {
					if n > 0 && (st.Question != last || st.Rest < 2*time.Second) {
						t.Errorf("after a lost stage (%s) it asked %s, after %v", last, st.Question, st.Rest)
					}
					last = st.Question
					for i := range reply.Exchanges {
						reply.Exchanges[i].Verdict = exchange.Verdict{Outcome: exchange.Transport}
					}
				}
				return reply, err
			})
			err := s.Run()
			var hopeless *search.HopelessError
			if errors.As(err, &hopeless) != test.ends {
				t.Fatalf("ended with %v", err)
			}
			if known := s.Known(); !test.ends && (len(known) != 1 || known[0].Amount != 20) {
				t.Errorf("found %v", known)
			}
		})
	}
}

// A staircase asks for every rate at every size, refusals or not.
func TestStaircase(t *testing.T) {
	e := near(limit(limiter.SlidingLog, 2, time.Second))
	cfg := config(time.Minute, search.LookRequests)
	cfg.Staircase = &search.Staircase{RPS: []float64{1, 2, 4}, Tokens: []int{16, 500}, Hold: 5 * time.Second, Rest: time.Second}
	var rates []float64
	s := search.New(cfg, func(st search.Stage) (search.Reply, error) {
		if st.Question == "step" {
			rates = append(rates, st.Rate)
		}
		return e.Send(st)
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []float64{1, 2, 4, 1, 2, 4}; !slices.Equal(rates, want) {
		t.Errorf("steps %v, want %v", rates, want)
	}
	if e.Refused == 0 {
		t.Error("4 requests a second met no refusal")
	}
}
