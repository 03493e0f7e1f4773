package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/sim"
)

// A subject is one hidden endpoint and what is true of it.
type subject struct {
	class    string // what is hard about it
	endpoint sim.Endpoint
	rpm, tpm float64 // effective; 0: no limit in that dimension
	// least are the admissions, tokens and time that can show its limits; 0 where
	// refusals do not come of a rate. See cheapest.
	leastAdmitted, leastTokens float64
	leastTime                  time.Duration
	limits                     []sim.Limit
	aligned                    bool // windows begin by the clock
}

// Ranges of the population.
const (
	lowestRPM, highestRPM = 3, 10_000
	lowestTPM, highestTPM = 1_000, 10_000_000
	shortest, longest     = 500 * time.Millisecond, 90 * time.Second
)

// windows are the usual ones; half of the limits have one of these, the others
// anything between shortest and longest.
var windows = []time.Duration{time.Second, 2500 * time.Millisecond, 7 * time.Second, 10 * time.Second, time.Minute, 90 * time.Second}

// A population makes hidden endpoint n of a seed.
type population func(seed, n uint64) subject

// draw makes one hidden endpoint.
func draw(seed, n uint64) subject {
	rng := rand.New(rand.NewPCG(seed, n))
	s := subject{endpoint: sim.Endpoint{
		RTT:    time.Duration(between(rng, 5, 200) * float64(time.Millisecond)),
		Faults: []float64{0, 0, 0.01, 0.02}[rng.IntN(4)],
		Rand:   rng,
	}}
	s.endpoint.Jitter = time.Duration(between(rng, 0.01, 0.2) * float64(s.endpoint.RTT))
	s.endpoint.Think = time.Duration(between(rng, 1, 300) * float64(time.Millisecond))
	s.endpoint.ServerClock = rng.IntN(4) == 0
	typed := rng.IntN(2) == 0
	algorithm := []limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket, limiter.SlidingCounter}[rng.IntN(4)]
	s.aligned = algorithm == limiter.FixedWindow && rng.IntN(2) == 0
	s.class = string(algorithm)
	s.rpm = s.add(rng, algorithm, false, typed, lowestRPM, highestRPM)
	if rng.IntN(2) == 0 {
		s.tpm = s.add(rng, algorithm, true, typed, lowestTPM, highestTPM)
	}
	s.trap(rng, typed)
	if !s.visible() {
		return draw(seed, n+1<<32)
	}
	if !typed && s.rpm+s.tpm > 0 {
		s.class += ", untyped"
	}
	s.sustainable()
	s.cheapest()
	s.endpoint.Limits = s.limits
	return s
}

// drawReplicas makes a hidden endpoint of two or three replicas behind a
// balancer that deals requests out at random. Each keeps its share of a limit
// of requests, which is large enough to be dealt out.
func drawReplicas(seed, n uint64) subject {
	const leastShare = 10
	rng := rand.New(rand.NewPCG(seed, n|1<<40))
	s := subject{endpoint: sim.Endpoint{
		RTT:      time.Duration(between(rng, 5, 200) * float64(time.Millisecond)),
		Rand:     rng,
		Replicas: 2 + rng.IntN(2),
	}}
	s.endpoint.Jitter = time.Duration(between(rng, 0.01, 0.2) * float64(s.endpoint.RTT))
	s.endpoint.Think = time.Duration(between(rng, 1, 300) * float64(time.Millisecond))
	s.endpoint.ServerClock = rng.IntN(4) == 0
	algorithm := []limiter.Algorithm{limiter.SlidingLog, limiter.FixedWindow, limiter.TokenBucket}[rng.IntN(3)]
	s.class = fmt.Sprintf("%s on %d replicas", algorithm, s.endpoint.Replicas)
	perMinute := between(rng, lowestRPM, highestRPM)
	window := windows[rng.IntN(len(windows))]
	share := math.Round(perMinute * window.Minutes() / float64(s.endpoint.Replicas))
	if share < leastShare {
		return drawReplicas(seed, n+1<<32)
	}
	s.limit(algorithm, false, true, share, window)
	s.rpm = share * float64(s.endpoint.Replicas) / window.Minutes()
	s.leastAdmitted, s.leastTime = share*float64(s.endpoint.Replicas)+1, 2*window
	s.endpoint.Limits = s.limits
	return s
}

// Sizes of the requests that a search may send, in tokens, and how many a second.
const smallest, largest, fastest = 17, 30_000, 400

// cheapest works out the least that can show the limits. N + 1 admissions show one
// of requests: N until something is refused, and one when there is room again. Of
// tokens it is as many requests as hold N, of the largest size that each limit
// lets in at once, and one. It takes two windows, or as long as the other limits,
// and as many requests a second as are sent at most, take to let N through.
//
// A bucket refills meanwhile: one of N at r a second, behind one of B at R or less
// than R that are sent, is used up after t = (N - B)/(R - r), and has let N + r·t in.
func (s *subject) cheapest() {
	if s.rpm+s.tpm == 0 || s.limits[0].Algorithm == limiter.LeakyBucket {
		return
	}
	once, perSecond := float64(largest), float64(fastest) // the most tokens in a request, and requests in a second
	for _, l := range s.limits {
		if l.Tokens {
			once = math.Min(once, l.Amount)
		}
	}
	for i, l := range s.limits {
		unit := 1.0
		if l.Tokens {
			unit = once
		}
		pass, head := perSecond*unit, 0.0 // of the limit's unit: in a second, and at once
		for k, other := range s.limits {
			through, first := other.Rate(), other.Amount
			if l.Tokens && !other.Tokens {
				through, first = through*once, first*once
			}
			if faster := other.Tokens == l.Tokens && other.Rate() > l.Rate() || l.Tokens && !other.Tokens; k != i && faster && through < pass {
				pass, head = through, first
			}
		}
		amount, took := l.Amount, l.Amount/pass
		if l.Algorithm == limiter.TokenBucket && pass > l.Rate() {
			took = math.Max(0, l.Amount-head) / (pass - l.Rate())
			amount += l.Rate() * took
		}
		s.leastTime += time.Duration(math.Max(2*l.Window.Seconds(), took) * float64(time.Second))
		if l.Tokens {
			s.leastTokens += amount
		}
		s.leastAdmitted += math.Max(math.Ceil(l.Amount/unit), math.Floor(amount/unit)) + 1
	}
}

// sustainable works out what the limits of requests let through for ever, now that
// all is known of them, and lowers the tokens a minute to that: no request may hold
// more than any token limit does at once.
func (s *subject) sustainable() {
	if s.rpm > 0 {
		s.rpm = math.Inf(1)
	}
	for _, l := range s.limits {
		if !l.Tokens && l.Rate() > 0 {
			s.rpm = math.Min(s.rpm, 60*l.Sustained(1))
		}
	}
	for _, l := range s.limits {
		if l.Tokens {
			s.tpm = math.Min(s.tpm, s.rpm*l.Amount)
		}
	}
}

// visible reports whether each limit can be met at all behind the others: a
// window of one must be filled at the pace that every other allows.
func (s *subject) visible() bool {
	const several = 3
	for _, l := range s.limits {
		for _, other := range s.limits {
			if l.Tokens == other.Tokens {
				continue // stacked ones are drawn to be visible
			}
			if l.ChargeAfter && other.Amount < several*other.Window.Seconds()/l.Window.Seconds() {
				return false // what is let in overshoots: it is seen by what comes next
			}
			fits := other.Amount * math.Max(1, l.Window.Seconds()/other.Window.Seconds()) // of the other's unit, in a window
			switch {
			case l.Tokens && fits*largest < 1.5*l.Amount, !l.Tokens && fits/smallest < 1.5*(l.Amount+1):
				return false
			}
		}
	}
	return true
}

// trap adds, to some endpoints, what real limiters do beside counting.
func (s *subject) trap(rng *rand.Rand, typed bool) {
	switch rng.IntN(8) {
	case 0:
		for i := range s.limits {
			s.limits[i].CountRefused = true
		}
		s.class += ", refusals counted"
	case 1:
		for i := range s.limits {
			s.limits[i].Penalty = 15 * time.Second
		}
		s.class += ", penalty"
	case 2:
		s.charge(rng)
	case 3:
		s.instead(rng, typed)
	case 4:
		s.refill(rng)
	case 5:
		s.round(rng)
	}
}

// round makes sliding counters of requests, if there are any, count in whole
// numbers.
func (s *subject) round(rng *rand.Rand) {
	var rounding limiter.Rounding
	for i := range s.limits {
		l := &s.limits[i]
		if l.Algorithm != limiter.SlidingCounter || l.Tokens {
			continue
		}
		if rounding == "" {
			rounding = []limiter.Rounding{limiter.RoundDown, limiter.RoundNearest}[rng.IntN(2)]
			s.class += ", rounded " + string(rounding)
		}
		l.Round = rounding
	}
}

// refill makes buckets, if there are any, refill in steps: a request or token at
// a time, a tenth of what they hold, or what comes in a second.
func (s *subject) refill(rng *rand.Rand) {
	kind := rng.IntN(3)
	steps := false
	for i := range s.limits {
		l := &s.limits[i]
		if l.Algorithm != limiter.TokenBucket {
			continue
		}
		each := l.Window / time.Duration(math.Max(2, math.Min(l.Amount, 1e6)))
		switch kind {
		case 1:
			each = l.Window / 10
		case 2:
			each = min(time.Second, l.Window/2)
		}
		l.RefillEvery, steps = max(each, time.Microsecond), true
	}
	if steps {
		s.class += ", refilled in steps"
	}
}

// charge makes token limits, if there are any, charge otherwise: prompts only,
// or all that was used, once the answer is complete.
func (s *subject) charge(rng *rand.Rand) {
	after := rng.IntN(2) == 0
	for i := range s.limits {
		l := &s.limits[i]
		switch {
		case !l.Tokens:
		case after:
			l.ChargeAfter = true
		default:
			l.Cost = func(prompt, _, _ int) float64 { return float64(prompt) }
		}
	}
	if s.tpm > 0 {
		s.class += map[bool]string{true: ", tokens charged after the answer", false: ", prompts charged"}[after]
	}
}

// instead replaces the limits by what is none of a rate, or refuses nothing.
func (s *subject) instead(rng *rand.Rand, typed bool) {
	const most = 60 // in flight, and waiting requests a second
	*s = subject{endpoint: s.endpoint}
	switch rng.IntN(4) {
	case 0:
		s.class = "a warm-up"
		l := sim.Limit{Spec: limiter.Spec{Algorithm: limiter.Ramp, Amount: math.Round(between(rng, 5, most)), Window: time.Second, CountRefused: true}}
		l.Hot, l.WarmUp, l.Idle = 3*l.Amount, 20*time.Second, time.Duration(between(rng, 5, 30)*float64(time.Second))
		l.Refusal = exchange.Burst
		if !typed {
			l.Refusal = exchange.RequestRate // as if it were a rate
		}
		s.limits = []sim.Limit{l}
	case 1:
		s.class = "refusals at random"
		s.endpoint.Random = between(rng, 0.02, 0.3)
	case 2:
		s.class = "a cap in flight"
		s.endpoint.Think = time.Duration(between(rng, 100, 1000) * float64(time.Millisecond))
		s.endpoint.PerToken = s.endpoint.Think / 20
		s.limits = []sim.Limit{{Spec: limiter.Spec{Algorithm: limiter.Concurrency, Amount: math.Round(between(rng, 2, most))}}}
		if typed {
			s.limits[0].Refusal = exchange.RequestRate
		}
	default:
		s.class = "requests wait"
		l := sim.Limit{Spec: limiter.Spec{Algorithm: limiter.LeakyBucket, Amount: between(rng, 0.2, most), Window: time.Second, Burst: 1e9}}
		s.limits = []sim.Limit{l}
		s.rpm = 60 * l.Rate()
	}
}

// add gives the endpoint one or two limiters in a dimension and returns the
// effective rate a minute.
func (s *subject) add(rng *rand.Rand, algorithm limiter.Algorithm, tokens, typed bool, low, high float64) float64 {
	perMinute := between(rng, low, high)
	window := windows[rng.IntN(len(windows))]
	if rng.IntN(2) == 0 {
		window = time.Duration(between(rng, shortest.Seconds(), longest.Seconds()) * float64(time.Second)).Round(100 * time.Millisecond)
	}
	amount := math.Max(1, math.Round(perMinute*window.Minutes()))
	if tokens {
		amount = math.Max(200, amount)
	}
	effective := s.limit(algorithm, tokens, typed, amount, window)
	if rng.IntN(3) == 0 && window >= 10*time.Second { // a faster one on top
		short := windows[rng.IntN(3)]
		share := between(rng, 1.1, 3) // of the slower one's rate
		if n := math.Round(share * amount / window.Seconds() * short.Seconds()); n >= 2 && n < 0.8*amount {
			effective = math.Min(effective, s.limit(algorithm, tokens, typed, n, short))
			s.class += ", stacked"
		}
	}
	return effective
}

func (s *subject) limit(algorithm limiter.Algorithm, tokens, typed bool, amount float64, window time.Duration) float64 {
	l := sim.Limit{Spec: limiter.Spec{Algorithm: algorithm, Amount: amount, Window: window, Aligned: s.aligned}, Tokens: tokens}
	if typed {
		l.Refusal = exchange.RequestRate
		if tokens {
			l.Refusal = exchange.TokenRate
		}
	}
	s.limits = append(s.limits, l)
	if tokens {
		return amount / window.Minutes()
	}
	return 60 * l.Sustained(1)
}

// between draws log-uniformly.
func between(rng *rand.Rand, low, high float64) float64 {
	return low * math.Exp(rng.Float64()*math.Log(high/low))
}
