package strategy

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

// Config configures a chain. The zero value of every field has a meaning that
// its comment gives; parts that a chain does not name are not looked at.
// Durations are endpoint time.
type Config struct {
	// MaxAttempts is the most attempts of one task, the first included, over
	// all strategies of the chain and all requests of the [Task]; 0 means 10,
	// 1 means no second try.
	MaxAttempts int
	// Deadline is the time that a task has from its entry into the chain; no
	// attempt begins after it. 0: none. A [Task] may bring an earlier one.
	// What is under way at the deadline is not cut off: that is the business
	// of the request's context.
	Deadline time.Duration
	// Speed is how many times faster the endpoint's clock runs than the
	// wall's; 0 means 1.
	Speed float64

	Judge Judge     // nil: [ByStatus]
	Cost  Cost      // nil: [EstimateCost]
	Keys  KeySource // rotate and a fallback to another key need it

	Backoff       Backoff
	Queue         Queue
	Rotate        Rotate
	Fallback      Fallback
	ProviderQueue ProviderQueue
	Adaptive      Adaptive
}

// Backoff configures backoff. Before try n+1 it waits for a random time
// between 0 and min(Max, Initial × Multiplier^(n−1)).
type Backoff struct {
	Initial    time.Duration // 0: 1 s
	Multiplier float64       // 0: 2
	Max        time.Duration // 0: 60 s
	// NoJitter waits for the whole interval each time. Clients that were
	// refused together then come back together.
	NoJitter bool
	// MaxHint is the longest wait asked for by an answer that is obeyed; an
	// answer that asks for longer is handed back without another try.
	// 0: 2 minutes, as in the official OpenAI client.
	MaxHint time.Duration
	// IgnoreHints waits by the formula whatever the answer asks for.
	IgnoreHints bool
}

// Queue configures queue. See the package comment for what its place in the
// chain means.
type Queue struct {
	// Limits are what the endpoint allows one key and model.
	Limits []Limit
	// Models are the limits of models that have their own; requests to any
	// other model share Limits.
	Models map[string][]Limit
	// Margin makes every window longer by this share, because requests do not
	// arrive as evenly as they were sent; 0 means 0.02, negative none. It
	// costs its own size in throughput: 10 in 1.02 s instead of 10 in 1 s. A
	// window of one second then forgives 20 ms of jitter, one of a minute 1.2 s.
	Margin float64
	// Volleys lets requests out as soon as the limits allow, all at once
	// after a pause, instead of an even distance apart. Even distances keep
	// burst protection quiet and suffer less from jitter.
	Volleys bool
	// MaxInFlight is the most requests under way with one key and model;
	// 0: no bound. A request is under way until its answer's body is closed.
	MaxInFlight int
	// MaxWaiting is the most requests that wait; 0 means 10,000. One more is
	// turned away with [ErrQueueFull].
	MaxWaiting int
	// MaxWait is the longest wait, after which [ErrQueueWait] comes back;
	// 0: until the deadline.
	MaxWait time.Duration
}

// A Limit is one limiter that a queue keeps to.
type Limit struct {
	limiter.Spec
	// Tokens says that the limit counts the request's [Cost], not 1.
	Tokens bool
}

// Order is how rotate chooses among the keys that are ready.
type Order string

// The orders of rotate.
const (
	RoundRobin  Order = "round_robin"
	LeastLoaded Order = "least_loaded" // the fewest tokens under way, waiting in a queue further right included
)

// Rotate configures rotate.
type Rotate struct {
	Keys  []string // names for the [KeySource], at least one
	Order Order    // empty: RoundRobin
	// Rest is how long a refused key rests when the answer does not say. It
	// doubles with every refusal that follows a rest, up to MaxRest, and
	// starts anew after a success. 0: 1 s.
	Rest time.Duration
	// MaxRest is the longest rest for a limit that comes back by itself,
	// whatever the answer says; 0: 60 s. A key whose free quota, purse or
	// permission is gone never comes back; one whose daily quota is gone
	// comes back when the answer says or after an hour.
	MaxRest time.Duration
}

// Fallback configures fallback.
type Fallback struct {
	// BaseURL is the base URL of the requests that enter, up to and including
	// /v1. Needed when a step has one of its own.
	BaseURL string
	// Steps are tried in this order, the first for every task.
	Steps []Step
	// Rules say what follows a failed attempt, by outcome: "next", "stop", or
	// the name of the step to go on to. Without a rule for an outcome, "next"
	// follows limits, overload and faults, "stop" follows answers that
	// another model would not change (auth, invalid_request, content_filter).
	Rules map[exchange.Outcome]string
}

// What a rule of [Fallback] may say besides a step's name.
const (
	Next = "next"
	Stop = "stop"
)

// A Step is one model or endpoint of a fallback. Empty fields leave the
// request as it is.
type Step struct {
	Name    string // for Rules; empty: the Model
	Model   string // put into the body's "model"
	BaseURL string // up to and including /v1
	// Key is the name of the key to send. A step on another host without a
	// key is sent without any: the first host's key is none of its business.
	Key string
}

func (s Step) name() string { return cmp.Or(s.Name, s.Model) }

// ProviderQueue configures provider-queue.
type ProviderQueue struct {
	// Wait is how long the provider may hold the request; 0: 30 s. Alibaba
	// recommends 3 to 120 s.
	Wait time.Duration
}

// Adaptive configures adaptive. Rates are requests a second.
type Adaptive struct {
	Initial  float64 // first rate; 0: 1
	Min      float64 // lowest rate; 0: 0.1
	Max      float64 // highest rate; 0: 1000
	Increase float64 // gain for each second in which something was accepted; 0: 0.1
	Decrease float64 // factor on the accepted rate at a refusal; 0: 0.7
	// Hold is the time after a decrease in which further refusals are taken
	// for its late echo; 0: 2 s.
	Hold time.Duration
}

func (c Config) withDefaults() Config {
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 10)
	c.Speed = cmp.Or(c.Speed, 1)
	if c.Judge == nil {
		c.Judge = ByStatus
	}
	if c.Cost == nil {
		c.Cost = EstimateCost
	}
	b, q, r, p, a := &c.Backoff, &c.Queue, &c.Rotate, &c.ProviderQueue, &c.Adaptive
	b.Initial = cmp.Or(b.Initial, time.Second)
	b.Multiplier = cmp.Or(b.Multiplier, 2)
	b.Max = cmp.Or(b.Max, time.Minute)
	b.MaxHint = cmp.Or(b.MaxHint, 2*time.Minute)
	q.Margin = max(0, cmp.Or(q.Margin, 0.02))
	q.MaxWaiting = cmp.Or(q.MaxWaiting, 10_000)
	r.Order = cmp.Or(r.Order, RoundRobin)
	r.Rest = cmp.Or(r.Rest, time.Second)
	r.MaxRest = cmp.Or(r.MaxRest, time.Minute)
	p.Wait = cmp.Or(p.Wait, 30*time.Second)
	a.Initial = cmp.Or(a.Initial, 1)
	a.Min = cmp.Or(a.Min, 0.1)
	a.Max = cmp.Or(a.Max, 1000)
	a.Increase = cmp.Or(a.Increase, 0.1)
	a.Decrease = cmp.Or(a.Decrease, 0.7)
	a.Hold = cmp.Or(a.Hold, 2*time.Second)
	return c
}

// check reports what is wrong with the configuration of one part of a chain,
// and with what all parts share. Defaults have been filled in.
func (c Config) check(part string) error {
	if c.MaxAttempts < 0 || c.Deadline < 0 || !(c.Speed > 0) {
		return errors.New("max attempts, deadline and speed must not be negative")
	}
	switch part {
	case "backoff":
		return c.Backoff.check()
	case "queue":
		return c.Queue.check()
	case "rotate":
		return c.Rotate.check(c.Keys)
	case "fallback":
		return c.Fallback.check(c.Keys)
	case "provider-queue":
		if c.ProviderQueue.Wait < time.Second {
			return fmt.Errorf("provider-queue: wait must be at least 1s, got %v", c.ProviderQueue.Wait)
		}
	case "adaptive":
		return c.Adaptive.check()
	}
	return nil
}

func (b Backoff) check() error {
	if b.Initial < 0 || b.Max < b.Initial || b.Multiplier < 1 || b.MaxHint < 0 {
		return errors.New("backoff: need 0 < initial <= max, multiplier >= 1 and no negative hint")
	}
	return nil
}

func (q Queue) check() error {
	if len(q.Limits) == 0 && len(q.Models) == 0 && q.MaxInFlight == 0 {
		return errors.New("queue: needs at least one limit to keep to")
	}
	if q.MaxInFlight < 0 || q.MaxWaiting < 0 || q.MaxWait < 0 {
		return errors.New("queue: in flight, waiting and wait must not be negative")
	}
	all := slices.Clone(q.Limits)
	for _, limits := range q.Models {
		all = append(all, limits...)
	}
	for _, l := range all {
		if err := l.Validate(); err != nil {
			return fmt.Errorf("queue: %w", err)
		}
		if l.Algorithm == limiter.Concurrency && l.Tokens || l.Algorithm == limiter.Quota {
			return fmt.Errorf("queue: cannot pace by %s of tokens or by a quota", l.Algorithm)
		}
	}
	return nil
}

func (r Rotate) check(keys KeySource) error {
	switch {
	case len(r.Keys) == 0 || keys == nil:
		return errors.New("rotate: needs the names of the keys and a source for them")
	case r.Order != RoundRobin && r.Order != LeastLoaded:
		return fmt.Errorf("rotate: unknown order %q; allowed are %s, %s", r.Order, RoundRobin, LeastLoaded)
	case r.Rest < 0 || r.MaxRest < r.Rest:
		return errors.New("rotate: need 0 < rest <= max rest")
	}
	return nil
}

func (f Fallback) check(keys KeySource) error {
	if len(f.Steps) == 0 {
		return errors.New("fallback: needs at least one step")
	}
	for i, s := range f.Steps {
		if s.Key != "" && keys == nil {
			return fmt.Errorf("fallback: step %d names a key, but there is no source for keys", i+1)
		}
		for _, raw := range []string{s.BaseURL, f.BaseURL} {
			if u, err := url.Parse(raw); s.BaseURL != "" && (err != nil || u.Host == "") {
				return fmt.Errorf("fallback: step %d: it and the fallback need a base URL with a host", i+1)
			}
		}
	}
	for outcome, rule := range f.Rules {
		known := slices.ContainsFunc(f.Steps, func(s Step) bool { return s.name() == rule })
		if !outcome.Valid() || !known && rule != Next && rule != Stop {
			return fmt.Errorf("fallback: rule %s: %s: allowed are an outcome, and next, stop or a step's name", outcome, rule)
		}
	}
	return nil
}

func (a Adaptive) check() error {
	if !(a.Min > 0) || a.Initial < a.Min || a.Max < a.Initial || a.Increase < 0 ||
		a.Decrease <= 0 || a.Decrease >= 1 || a.Hold < 0 {
		return errors.New("adaptive: need 0 < min <= initial <= max, increase >= 0, 0 < decrease < 1, hold >= 0")
	}
	return nil
}
