// Package search decides what to try next. It asks for stages, reads what
// came back, and narrows the limits down at the lowest price it knows.
//
// The order of questions is the order in which a person would ask them. How
// fast does the endpoint answer, and how does it count tokens? How many
// requests fit in at once (a volley, ended by the first refusals)? When is
// room again? Which models explain that, and which small experiment parts
// them? Does a rate just below the limit hold for the longest window that may
// hide behind it? If not, there is a second, slower limiter, and the same
// questions are asked of that one. Then the same for tokens, with large
// requests sent more slowly than the request limit found before; then the
// step and the slope at which burst protection begins, how far it opens with use,
// how long it refuses and when it is cold again; then the trial key's allocation;
// then which tokens the token limit charges; then, where it may be limited apart,
// the same questions about what is answered; then whether further keys have a
// quota of their own.
//
// Overload is never the estimate: a stage of the search ends at the first
// refusals. The search is deterministic and knows nothing about a network: it
// is given a function that sends a stage, and asks it again and again. A run
// is resumed by answering the first questions from the record.
package search

import (
	"errors"
	"fmt"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

// Send sends one stage and returns its exchanges. An error that is
// [ErrBudget], or wraps it, comes with what was sent before the budget ended.
type Send func(Stage) (Reply, error)

// Reply is what came back from one stage.
type Reply struct {
	Exchanges []exchange.Exchange
	Void      string        // why it is no evidence; empty when it is
	End       time.Duration // when the last answer was in
}

// ErrBudget says that the budget does not allow the next request.
var ErrBudget = errors.New("budget is spent")

// A HopelessError says that the endpoint answered something after which no
// further request makes sense.
type HopelessError struct{ Reason string }

// Error implements error.
func (e *HopelessError) Error() string { return "search ended early: " + e.Reason }

// What a search may look for.
const (
	LookRequests  = "requests"
	LookTokens    = "tokens"
	LookBurst     = "burst"
	LookFreeQuota = "free_quota"
)

// Config says how to look and how far.
type Config struct {
	LookFor   []string
	Precision float64       // relative width of an interval that is narrow enough, e.g. 0.01
	MaxRPS    float64       // never offer more requests a second
	MinWindow time.Duration // shortest window to look for; default 200 ms
	MaxWindow time.Duration // longest window to look for
	MaxPrompt int           // largest prompt, in tokens
	MaxTokens int           // completion tokens asked for in each request
	MaxOutput int           // the most asked for, to learn which tokens are charged; not tried if not above MaxTokens
	TrialKey  string        // key whose allocation may be used up; empty: none
	OtherKeys []string      // further keys that may share the quota of the first one; none for trial
	Verify    bool          // close with a soak below and above the limit
	// Staircase replaces the adaptive questions by fixed steps.
	Staircase *Staircase
}

// smallPrompt is the size of requests whose tokens should not matter.
const smallPrompt = 16

// tokenPrompt is the size of the smallest requests that ask about tokens, unless
// no larger ones fit: smaller ones speak for a request limit where refusals do
// not say.
const tokenPrompt = fit.SmallPrompt + 1

// A Search is one run of questions. Use [New].
type Search struct {
	cfg   Config
	send  Send
	stage int           // number of the next stage
	now   time.Duration // end of the last stage

	main []exchange.Exchange // exchanges of the first key
	axes map[fit.Dimension]*axis
	fits map[fit.Dimension]fitted
	read reading

	memory fit.Memory    // of the fits so far
	slack  time.Duration // with which they were made

	flooded bool                         // refusals were asked for that all replicas must have given
	untyped fit.Dimension                // what unclassified refusals of small requests speak for; empty: not known
	charged fit.Charge                   // by token limits, which are not named here
	settled map[wording]exchange.Verdict // wordings that behaviour has overruled
	asked   []Asked                      // about burst protection
	warmth  []Asked                      // about what is let in after use: see Warms
	warming bool                         // from idle less is let in than after use

	reopened bool // requests: what was refused for them was taken to be for tokens

	pacedFrom int         // the first stage that asks about requests after tokens; 0: none does
	keptBelow []fit.Limit // of tokens, as they were known then, if untyped refusals were theirs before
	heldBack  float64     // requests a second at which no limit of them was met, because those of tokens let no more pass; 0: none was tried

	outer   *Search             // asks about everything but output tokens, which this one asks about; nil: this is it
	first   int                 // the first stage of this search, after those of the outer one
	trials  []exchange.Exchange // of the first key, about token accounting
	longest *unhurried          // answers; nil: not asked for

	// Warnings are shown to the user; they never stop a search.
	Warnings []string
	// RangeEnded tells that some dimension showed no limit within the range.
	RangeEnded bool
}

// New returns a search that has asked nothing yet.
func New(cfg Config, send Send) *Search {
	if cfg.MinWindow == 0 {
		cfg.MinWindow = 200 * time.Millisecond
	}
	return &Search{
		cfg: cfg, send: send, axes: map[fit.Dimension]*axis{}, fits: map[fit.Dimension]fitted{},
		charged: fit.Charge{Accounting: fit.PromptPlusCompl}, settled: map[wording]exchange.Verdict{},
	}
}

// Run asks until everything that was looked for is answered, and returns nil
// then. An error wraps [ErrBudget] when the budget ended first, is a
// [*HopelessError] when the endpoint put an end to it, and is the sender's
// otherwise.
func (s *Search) Run() error {
	if err := s.calibrate(); err != nil {
		return err
	}
	if s.cfg.Staircase != nil {
		return s.climb(s.cfg.Staircase)
	}
	for _, q := range []struct {
		what string
		ask  func() error
	}{
		{LookRequests, s.requests},
		{LookTokens, s.tokens},
		{LookRequests, s.requestsAgain},
		{LookBurst, s.burst},
		{LookFreeQuota, s.freeQuota},
	} {
		if !s.looksFor(q.what) {
			continue
		}
		if err := q.ask(); err != nil {
			return err
		}
	}
	if err := s.inTheEnd("token accounting: it", s.accounting); err != nil {
		return err
	}
	if err := s.inTheEnd("output tokens: whether they are limited apart", s.outputs); err != nil {
		return err
	}
	return s.inTheEnd("keys: whether they share a quota", s.keys)
}

// inTheEnd asks a question when the limits are known: neither the end of the
// budget nor an endpoint that fails now makes less of them, so that both leave
// only this question open.
func (s *Search) inTheEnd(what string, ask func() error) error {
	err := ask()
	var hopeless *HopelessError
	if errors.Is(err, ErrBudget) || errors.As(err, &hopeless) {
		s.warn("%s was not asked to the end: %v", what, err)
		return nil
	}
	return err
}

func (s *Search) looksFor(what string) bool {
	for _, l := range s.cfg.LookFor {
		if l == what {
			return true
		}
	}
	return false
}

func (s *Search) warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
}

// ask sends a stage and remembers what came back.
func (s *Search) ask(st Stage) ([]exchange.Exchange, error) {
	const tries = 3
	for try := 1; ; try++ {
		st.Number, st.Output = s.stage, s.outer != nil
		s.stage++
		reply, err := s.send(st)
		s.reread(reply.Exchanges)
		if reply.End > s.now {
			s.now = reply.End
		}
		if reply.Void != "" {
			for i := range reply.Exchanges {
				reply.Exchanges[i].Void = true
			}
		}
		switch {
		case st.Key != "" || st.Keys != nil:
		case st.Question == Accounting:
			s.trials = append(s.trials, reply.Exchanges...)
		default:
			s.main = append(s.main, reply.Exchanges...)
		}
		if err != nil {
			return reply.Exchanges, err
		}
		switch {
		case reply.Void != "" && try == tries:
			return nil, &HopelessError{fmt.Sprintf("stage %d (%s) was void %d times: %s", st.Number, st.Question, tries, reply.Void)}
		case reply.Void != "":
			s.warn("stage %d (%s) is no evidence: %s", st.Number, st.Question, reply.Void)
			st = st.slower()
			st.Rest = max(st.Rest, s.cfg.MaxWindow/2)
		case try < tries && lost(reply.Exchanges) && !lost(s.main):
			s.warn("nothing of stage %d (%s) was answered: it is asked again", st.Number, st.Question)
			st.Rest = max(st.Rest, time.Duration(try)*outage)
		default:
			s.remember(st, reply.Exchanges)
			return s.goOn(st, reply.Exchanges)
		}
	}
}

// outage is waited for, and twice that once more, when an endpoint that has
// answered before answers nothing at all: one broken connection or a restart
// behind a proxy ends no run.
const outage = 2 * time.Second

// lost tells that no request was answered.
func lost(xs []exchange.Exchange) bool {
	for i := range xs {
		if o := xs[i].Outcome; o != exchange.Transport && o != exchange.Timeout {
			return false
		}
	}
	return len(xs) > 0
}

// mustGoOn returns an error when what came back makes further questions
// pointless: a refused key, an empty purse, nothing but faults.
func (s *Search) mustGoOn(st Stage, xs []exchange.Exchange) error {
	faults := 0
	for i := range xs {
		switch o := xs[i].Outcome; {
		case st.Key == "" && !s.isOther(xs[i].Key) && o.EndsRun():
			return &HopelessError{fmt.Sprintf("the endpoint answered %s: %s", o, xs[i].Rule)}
		case o == exchange.Transport, o == exchange.Timeout, o == exchange.InvalidRequest:
			faults++
		}
	}
	if len(xs) > 0 && faults == len(xs) {
		last := xs[len(xs)-1]
		return &HopelessError{fmt.Sprintf("all %d requests of stage %d (%s) ended as %s %s",
			faults, st.Number, st.Question, last.Outcome, last.Error)}
	}
	return nil
}

// log is what the fit reads: the first key's exchanges so far.
func (s *Search) log() *fit.Log {
	if s.read.log == nil || s.read.exchanges != len(s.main) || s.read.log.Untyped != s.untyped || s.read.log.PacedFrom != s.pacedFrom {
		s.read = reading{exchanges: len(s.main), log: fit.NewLog(s.main)}
		s.read.log.Untyped, s.read.log.PacedFrom = s.untyped, s.pacedFrom
		s.read.usually = longestAnswer(s.main)
		s.steady(s.read.log)
	}
	return s.read.log
}

// steady keeps the slack of the log before where it is not much less now: what
// was worked out with it still holds.
func (s *Search) steady(l *fit.Log) {
	const much = 0.7
	if l.Slack > s.slack || float64(l.Slack) < much*float64(s.slack) {
		s.slack = l.Slack
	}
	l.Slack = s.slack
}

// A reading is the log, and what was worked out from it, for as long as
// nothing new was seen.
type reading struct {
	exchanges int
	log       *fit.Log
	usually   time.Duration             // how long an answer took at most
	guards    map[fit.Dimension][]guard // by what an axis is about
}

func (s *Search) options() fit.Options {
	return fit.Options{MinWindow: s.cfg.MinWindow, MaxWindow: s.cfg.MaxWindow, Replicas: s.flooded, Memory: &s.memory}
}

// calibrate sends two single requests of different size, both small, to learn
// how fast the endpoint answers and how it counts tokens.
func (s *Search) calibrate() error {
	_, err := s.ask(Stage{
		Question: "calibrate", Why: "how fast the endpoint answers and how it counts tokens",
		// Apart, so that a sliding log gives them back one by one.
		Hits: 2, Offsets: []time.Duration{0, 500 * time.Millisecond},
		Sizes: []Size{s.size(min(fit.SmallPrompt, s.cfg.MaxPrompt)), s.size(smallPrompt)},
	})
	return err
}

func (s *Search) size(prompt int) Size { return Size{Prompt: prompt, MaxTokens: s.cfg.MaxTokens} }

// slower returns the stage at half its speed.
func (st Stage) slower() Stage {
	st.Rate /= 2
	if st.Offsets != nil {
		slow := make([]time.Duration, len(st.Offsets))
		for i, at := range st.Offsets {
			slow[i] = 2 * at
		}
		st.Offsets = slow
	}
	return st
}
