package fit

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// answered lets a limiter decide about requests at the given moments and returns
// what the fit would see, where each arrival is logged later by late.
func answered(spec limiter.Spec, at []time.Duration, slack time.Duration, late func() time.Duration) *Log {
	rule := limiter.NewRule(spec)
	l := &Log{Slack: slack}
	for _, t := range at {
		e := Event{At: t + late(), Outcome: exchange.Success}
		if rule.Admits(t, 1) {
			rule.Charge(t, 1)
		} else {
			rule.Refuse(t, 1, true)
			e.Fate, e.Outcome = Refused, exchange.RequestRate
		}
		l.Events = append(l.Events, e)
	}
	slices.SortStableFunc(l.Events, func(a, b Event) int { return cmp.Compare(a.At, b.At) })
	return l
}

// used are moments at which a bucket of n that refills at a rate a second is
// filled at once and used on at three times that rate for so many refills of it.
func used(n int, rate, refills float64) (at []time.Duration) {
	const faster, off = 3, 137 * time.Millisecond // off the steps
	now := off
	for range n + 2 {
		at = append(at, now)
		now += time.Millisecond
	}
	for range int(refills * float64(n) * faster) {
		at = append(at, now)
		now += seconds(1 / (faster * rate))
	}
	return at
}

// in makes a bucket of n per window refill in steps.
func in(every time.Duration, n float64, window time.Duration) limiter.Spec {
	return limiter.Spec{Algorithm: limiter.TokenBucket, Amount: n, Window: window, RefillEvery: every}
}

// What a bucket answers that refills in steps is explained by one, its steps are
// known and its rate, the closer the longer it was used in steps.
func TestFindsSteps(t *testing.T) {
	for _, test := range []struct {
		name string
		spec limiter.Spec
	}{
		{"each second", in(time.Second, 60, 20*time.Second)},
		{"each second, no whole number", in(time.Second, 75, 9600*time.Millisecond)},
		{"a tenth of the window", in(700*time.Millisecond, 121, 7*time.Second)},
		{"one unit and a half each", in(1500*time.Millisecond, 20, 20*time.Second)},
		{"two units each", in(230*time.Millisecond, 20, 2300*time.Millisecond)},
	} {
		t.Run(test.name, func(t *testing.T) {
			const slack = time.Millisecond
			l := answered(test.spec, used(int(test.spec.Amount), test.spec.Rate(), 10), slack, func() time.Duration { return 0 })
			limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), Options{})
			if len(limits) != 1 || len(left) > 0 || limits[0].Every == 0 {
				t.Fatalf("%d refusals left by %d limits: %+v", len(left), len(limits), limits)
			}
			c := &limits[0].Candidate
			if lost := excluded(c, test.spec); lost != "" {
				t.Error(lost)
			}
			if c.Every > test.spec.RefillEvery*5/4 {
				t.Errorf("steps of at most %v, want %v", c.Every, test.spec.RefillEvery)
			}
			if c.Width() > 0.06 {
				t.Errorf("rate in [%v, %v]", c.RateLow, c.RateHigh)
			}
		})
	}
}

// excluded says what of a bucket that refills in steps a candidate does not
// allow; nothing when it allows it all.
func excluded(c *Candidate, spec limiter.Spec) string {
	const rounding = 1e-9
	switch rate := spec.Rate(); {
	case c.Every < spec.RefillEvery:
		return fmt.Sprintf("steps of at most %v, not of %v", c.Every, spec.RefillEvery)
	case rate < c.RateLow*(1-rounding) || rate > c.RateHigh*(1+rounding):
		return fmt.Sprintf("rate %v is not in [%v, %v]", rate, c.RateLow, c.RateHigh)
	case spec.Amount < c.Low || spec.Amount > c.High:
		return fmt.Sprintf("amount %v is not in [%v, %v]", spec.Amount, c.Low, c.High)
	}
	return ""
}

// Whenever the steps come and however requests arrive, a bucket that refills in
// steps is allowed where one is named at all. After changes run it for longer: go
// test -run Steps -rapid.checks=20000.
func TestStepsAreNeverExcluded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := func(low, high int, label string) time.Duration {
			return time.Duration(rapid.IntRange(low, high).Draw(t, label)) * time.Millisecond
		}
		n := float64(rapid.IntRange(2, 60).Draw(t, "amount"))
		window := ms(2000, 60_000, "window")
		spec := in(window/time.Duration(rapid.IntRange(2, 2*int(n)).Draw(t, "steps")), n, window)
		slack := ms(0, 20, "slack")
		now := ms(0, 10_000, "phase")
		var at []time.Duration
		for range rapid.IntRange(1, 5).Draw(t, "bouts") {
			now += window * time.Duration(rapid.IntRange(0, 120).Draw(t, "rest_percent")) / 100
			gap := window / time.Duration(n) * time.Duration(rapid.IntRange(1, 120).Draw(t, "gap_percent")) / 100
			for range rapid.IntRange(1, 80).Draw(t, "hits") {
				at = append(at, now)
				now += gap
			}
		}
		l := answered(spec, at, slack, func() time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(slack)).Draw(t, "late"))
		})
		f := fitter{log: l, dim: Requests, opt: Options{}.withDefaults()}
		if c, ok := f.stepped(l.Refusals(Requests)); ok {
			if lost := excluded(&c, spec); lost != "" {
				t.Fatal(lost)
			}
		}
	})
}

// A step is known from above only. Where it may be twice as long as it is, what
// would be too large a step for the bucket is not shut out with the truth.
func TestStepsKnownFromAbove(t *testing.T) {
	spec := in(time.Second, 2, 2*time.Second)
	var at []time.Duration
	now := 140 * time.Millisecond
	for range 24 {
		at, now = append(at, now), now+1030*time.Millisecond
	}
	now += 2140 * time.Millisecond
	at, now = append(at, now), now+10*time.Millisecond
	at, now = append(at, now), now+10*time.Millisecond
	for range 12 {
		at, now = append(at, now), now+800*time.Millisecond
	}
	at = append(at, now)
	l := answered(spec, at, 0, func() time.Duration { return 0 })
	f := fitter{log: l, dim: Requests, opt: Options{}.withDefaults()}
	if c, ok := f.stepped(l.Refusals(Requests)); ok {
		if lost := excluded(&c, spec); lost != "" {
			t.Error(lost)
		}
	}
}

// Buckets that refill all the time are not said to do so in steps, and what fills
// a bucket by more than half at once is a window by a clock.
func TestNamesNoSteps(t *testing.T) {
	for _, test := range []struct {
		name string
		spec limiter.Spec
	}{
		{"all the time", in(0, 60, 20*time.Second)},
		{"all at once", in(7*time.Second, 40, 7*time.Second)},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := answered(test.spec, used(int(test.spec.Amount), test.spec.Rate(), 6), time.Millisecond, func() time.Duration { return 0 })
			limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), Options{})
			if len(limits) == 0 || len(left) > 0 {
				t.Fatalf("%d refusals left", len(left))
			}
			for _, c := range limits[0].Candidates() {
				if c.Every > 0 {
					t.Errorf("found %v", c.Shape)
				}
			}
		})
	}
}

// What a log explains, or a bucket that refills in steps, is the bucket's where
// another one of the endpoint is known to refill so.
func TestRefillsAsBeside(t *testing.T) {
	l := &Log{Slack: time.Millisecond}
	say := func(at float64, fate Fate, prompt float64) {
		outcome := exchange.Success
		if fate == Refused {
			outcome = exchange.TokenRate
		}
		l.Events = append(l.Events, Event{At: seconds(at), Done: seconds(at), Fate: fate, Outcome: outcome, Prompt: prompt})
	}
	// A bucket of 60 that refills by 10 each second; a log of 100 in 5 s does so too.
	for second := range 5 {
		say(float64(second)+0.01, Admitted, 10)
	}
	say(4.02, Admitted, 50)
	for second := 4.0; second < 9; second++ {
		if second > 4 {
			say(second+0.02, Admitted, 10)
		}
		for _, later := range []float64{0.03, 0.5, 0.9, 0.99} {
			say(second+later, Refused, 1)
		}
	}
	l.Events = l.Events[:len(l.Events)-1]
	every := func(steps time.Duration) []Limit {
		return []Limit{{Candidate: Candidate{Shape: Shape{Dimension: Requests, Algorithm: limiter.TokenBucket, Every: steps}}}}
	}
	for _, test := range []struct {
		name   string
		beside []Limit
		want   limiter.Algorithm
	}{
		{"nothing", nil, limiter.SlidingLog},
		{"a bucket", every(time.Second), limiter.TokenBucket},
		{"a bucket of smaller steps", every(time.Second / 10), limiter.SlidingLog},
	} {
		o := Options{MaxWindow: time.Minute}.Beside(test.beside)
		found, left := ExplainTokens(l, Charge{Accounting: PromptPlusCompl}, l.Refusals(Tokens), o)
		if len(left) > 0 || len(found.Limits) != 1 {
			t.Fatalf("beside %s: %d refusals left by %+v", test.name, len(left), found.Limits)
		}
		if c := found.Limits[0].Candidate; c.Algorithm != test.want || (c.Every > 0) != (test.want == limiter.TokenBucket) {
			t.Errorf("beside %s: %v, want %v", test.name, c.Shape, test.want)
		}
	}
}

// Two buckets that both refill in steps are found: the faster one is known when the
// slower one is met, and what it does not explain then is that one's.
func TestTwoBucketsInSteps(t *testing.T) {
	fast, slow := in(500*time.Millisecond, 12, 2*time.Second), in(200*time.Millisecond, 100, 20*time.Second)
	l := &Log{Slack: time.Millisecond}
	ask := stacked(l, fast, slow)
	for _, at := range used(int(fast.Amount), fast.Rate(), 10) {
		ask(0, at)
	}
	o := Options{MaxWindow: time.Minute}
	o.Known, _ = Explain(l, Requests, Prompt, l.Refusals(Requests), o)
	const share, lasts = 0.95, 200 * time.Second
	rest := 60 * time.Second
	for gap, at := seconds(1/(share*fast.Rate())), rest; at < rest+lasts; at += gap {
		ask(0, at)
	}
	limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), o)
	if len(limits) != 2 || len(left) > 0 {
		t.Fatalf("%d refusals left by %+v", len(left), limits)
	}
	if lost := excluded(&limits[0].Candidate, fast); lost != "" {
		t.Error("the faster one: ", lost)
	}
	if low, high := limits[1].RateBounds(); slow.Rate() < low || slow.Rate() > high {
		t.Errorf("%v sustains %v to %v a second, want %v", limits[1].Shape, low, high, slow.Rate())
	}
}

// Where another bucket of the endpoint refills in steps, one that seems not to is
// known no better than if it did: few refusals do not tell.
func TestInSteps(t *testing.T) {
	const n = 200
	spec := in(time.Second, n, 90*time.Second)
	l := answered(spec, used(n, spec.Rate(), 0.3), 200*time.Millisecond, func() time.Duration { return 0 })
	o := Options{MaxWindow: 200 * time.Second}
	limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), o)
	bucket := slices.IndexFunc(limits[0].Candidates(), func(c Candidate) bool { return c.isBucket() && c.plain() })
	if bucket < 0 || len(left) > 0 {
		t.Fatalf("%d refusals left, a bucket is candidate %d", len(left), bucket)
	}
	plain := []Limit{{Candidate: limits[0].Candidates()[bucket]}}
	other := func(steps time.Duration) []Limit {
		return []Limit{{Candidate: Candidate{Shape: Shape{Dimension: Tokens, Algorithm: limiter.TokenBucket, Every: steps}}}}
	}
	for _, test := range []struct {
		name   string
		others []Limit
		want   bool
	}{
		{"nothing else", nil, false},
		{"one without steps", other(0), false},
		{"one in steps", other(time.Second), true},
	} {
		got := InSteps(l, o, plain, test.others)[0].Candidate
		if (got.Every > 0) != test.want {
			t.Errorf("beside %s: in steps of %v", test.name, got.Every)
		}
		if holds := got.RateLow <= spec.Rate() && spec.Rate() <= got.RateHigh; holds != test.want {
			t.Errorf("beside %s: %v to %v a second, and it is %v", test.name, got.RateLow, got.RateHigh, spec.Rate())
		}
		if got.RateLow > plain[0].RateLow || got.RateHigh < plain[0].RateHigh {
			t.Errorf("beside %s: known more closely than before", test.name)
		}
	}
	if plain[0].Every > 0 {
		t.Error("what was given has changed")
	}
}

// A bucket that refills by whole requests is hardly told from one without steps by few
// refusals: what is stated then holds the rate of either.
func TestOneByOne(t *testing.T) {
	const n, window, slack = 94, 7 * time.Second, time.Millisecond
	whole := in(window/n, n, window)
	asked := func(from time.Duration) (at []time.Duration) {
		for i := range n + 20 { // used up, and what comes next
			at = append(at, from+time.Duration(i)*3*time.Millisecond)
		}
		for i := range 260 { // full again, and used up slowly
			at = append(at, from+8*time.Second+time.Duration(i)*46*time.Millisecond)
		}
		return at
	}
	outside := 0
	for phase := range 6 {
		l := answered(whole, asked(time.Duration(phase)*window/n/6), slack, func() time.Duration { return 0 })
		o := Options{MaxWindow: 100 * time.Second}
		limits, left := Explain(l, Requests, Prompt, l.Refusals(Requests), o)
		if len(limits) != 1 || len(left) > 0 || !limits[0].isBucket() {
			t.Fatalf("phase %d: %v, %d refusals left", phase, limits[0].Candidates(), len(left))
		}
		if limits[0].Every > 0 {
			continue // its steps are seen
		}
		if low, high := limits[0].RateBounds(); low > whole.Rate() || high < whole.Rate() {
			outside++
		}
		limits = OneByOne(l, o, limits)
		if low, high := limits[0].RateBounds(); low > whole.Rate() || high < whole.Rate() || high > 1.05*low {
			t.Errorf("phase %d: %v to %v a second, and it is %v", phase, low, high, whole.Rate())
		}
	}
	if outside == 0 {
		t.Error("a bucket without steps never seemed to be it: nothing is tested")
	}

	few := in(time.Second, 2, 2*time.Second)
	l := answered(few, used(2, few.Rate(), 3), slack, func() time.Duration { return 0 })
	small := []Limit{{Candidate: Candidate{
		Shape: Shape{Dimension: Requests, Algorithm: limiter.TokenBucket}, ParamLow: 0.9, ParamHigh: 1.1, RateLow: 0.9, RateHigh: 1.1,
		Explained: l.Refusals(Requests),
	}}}
	if got := OneByOne(l, Options{}, small); len(got[0].Rivals) > 0 {
		t.Errorf("of a bucket of two a step is half, and anything is explained so: %v", got[0].Rivals)
	}
}

// Two limiters that were known are not believed beside a bucket that refills in
// steps and explains all, also where the log is explained as it grew.
func TestStepsBeforeAKnownPair(t *testing.T) {
	spec := in(1500*time.Millisecond, 20, 20*time.Second)
	l := answered(spec, used(int(spec.Amount), spec.Rate(), 1), time.Millisecond, func() time.Duration { return 0 })
	wanted := l.Refusals(Requests)
	f := fitter{log: l, dim: Requests, opt: Options{}.withDefaults(), simple: true}
	if f.opt.Known, _ = f.explain(wanted, mostStacked); len(f.opt.Known) != mostStacked {
		t.Fatalf("%d limits explain a part", len(f.opt.Known))
	}
	f.simple = false
	limits, left := f.onwards(wanted)
	if len(limits) != 1 || len(left) > 0 || limits[0].Every == 0 {
		t.Errorf("%d refusals left by %+v", len(left), limits)
	}
}
