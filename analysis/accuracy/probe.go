package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/search"
	"probe/analysis/sim"
)

// A result is what was found of one endpoint.
type result struct {
	n        uint64
	subject  subject
	document *analysis.Document
	err      error

	// What the search used, without the soaks that close it.
	searchAdmitted, searchTokens float64
	searchTook                   time.Duration
	spent                        map[string]price // by question, each relative to the least

	computed time.Duration // on the wall clock

	staircase *float64 // the staircase's estimate of the RPM; nil for none
}

// maxWindow is the longest window that is looked for.
const maxWindow = 100 * time.Second

// probe searches one endpoint as a user would have it searched, knowing
// nothing of it.
func probe(of population, seed, n uint64, trace io.Writer) result {
	r := result{n: n, subject: of(seed, n), spent: map[string]price{}}
	e := &r.subject.endpoint
	in := analysis.Input{Fit: fit.Options{MaxWindow: maxWindow}, LookFor: []string{search.LookRequests}}
	if r.subject.tpm > 0 {
		in.LookFor = append(in.LookFor, search.LookTokens)
	}
	known := map[fit.Dimension][]fit.Limit{}
	var memory fit.Memory
	s := search.New(search.Config{
		LookFor: in.LookFor, Precision: 0.01, MaxRPS: fastest, MaxWindow: maxWindow,
		MaxPrompt: largest, MaxTokens: 1, Verify: true,
	}, func(st search.Stage) (search.Reply, error) {
		began, admitted, tokens, refused := e.Clock, e.Admitted, e.Tokens, e.Refused
		reply, err := e.Send(st)
		if !closing(st, reply) {
			r.searchAdmitted += float64(e.Admitted - admitted)
			r.searchTokens += e.Tokens - tokens
			r.searchTook += e.Clock - began
			name := string(st.Dimension) + " " + st.Question
			r.spent[name] = r.spent[name].plus(r.price(float64(e.Admitted-admitted), e.Tokens-tokens, e.Clock-began))
		}
		in.Stages = append(in.Stages, analysis.Stage{Stage: st, End: reply.End, Scheduled: st.Hits, Sent: len(reply.Exchanges)})
		in.Exchanges = append(in.Exchanges, reply.Exchanges...)
		fmt.Fprintf(trace, "%12v %-12s rest %v, %d of size %d: %d admitted, %d refused in %v\n",
			began.Round(time.Millisecond), st.Question, st.Rest.Round(time.Millisecond), len(reply.Exchanges), st.Sizes[0].Prompt,
			e.Admitted-admitted, e.Refused-refused, (e.Clock - began - st.Rest).Round(time.Millisecond))
		if trace != io.Discard {
			o := in.Fit
			o.Memory = &memory
			o.Replicas = slices.ContainsFunc(in.Stages, func(s analysis.Stage) bool { return s.Question == search.Flood })
			candidates(trace, in.Exchanges, analysis.PacedFrom(in.Stages), known, o)
		}
		return reply, err
	})
	r.err = s.Run()
	exchange.Sort(in.Exchanges)
	in.StoppedBy, in.Warnings = analysis.ByPrecision, s.Warnings
	r.document, _ = analysis.Analyze(in)
	r.staircase = climb(of(seed, n))
	return r
}

// closing reports whether a stage was one of the soaks that verify what was
// found. A soak below that was refused has met another limit, and one above that
// was not has met none: those were search.
func closing(st search.Stage, reply search.Reply) bool {
	refused := slices.ContainsFunc(reply.Exchanges, func(x exchange.Exchange) bool { return x.Refused() })
	return st.Question == "verify_below" && !refused || st.Question == "verify_above" && refused
}

// climb is the usual way: the rate is doubled every minute, and the best rate
// without a refusal is the answer.
func climb(s subject) (best *float64) {
	for rpm := float64(1); rpm <= 2*highestRPM; rpm *= 2 {
		reply, _ := s.endpoint.Send(search.Stage{
			Rate: rpm / 60, Hits: int(rpm), Sizes: []search.Size{{Prompt: 16, MaxTokens: 1}},
		})
		if slices.ContainsFunc(reply.Exchanges, func(x exchange.Exchange) bool { return x.Refused() }) {
			return best
		}
		rate := rpm
		best = &rate
	}
	return best
}

// candidates prints what explains the log so far, and keeps it for the next time.
// From stage paced on, if that is not 0, small requests were kept below token limits.
func candidates(w io.Writer, xs []exchange.Exchange, paced int, known map[fit.Dimension][]fit.Limit, o fit.Options) {
	l := fit.NewLog(xs)
	l.PacedFrom = paced
	l.Untyped = fit.UntypedDimension(l, fit.PromptPlusCompl, o)
	for _, dim := range []fit.Dimension{fit.Requests, fit.Tokens} {
		wanted := l.Refusals(dim)
		if dim == fit.Tokens {
			wanted, o = l.RefusalsBeside(dim, known[fit.Requests]), o.Beside(known[fit.Requests])
		}
		o.Known = known[dim]
		limits, left := fit.Explain(l, dim, fit.PromptPlusCompl, wanted, o)
		known[dim] = limits
		if len(limits) == 0 && len(left) > 0 {
			fmt.Fprintf(w, "%16s %s: nothing explains %d refusals\n", "", dim, len(left))
		}
		for _, l := range limits {
			for _, c := range l.Candidates() {
				fmt.Fprintf(w, "%16s %v: amount in [%v, %v], parameter in [%.5g, %.5g], %d refusals explained, %d left\n",
					"", c.Shape, c.Low, c.High, c.ParamLow, c.ParamHigh, len(c.Explained), len(left))
			}
		}
	}
}

func describe(l *sim.Limit) string {
	unit := "requests"
	if l.Tokens {
		unit = "tokens"
	}
	text := fmt.Sprintf("%s: %v %s per %v", l.Algorithm, l.Amount, unit, l.Window)
	if l.Aligned {
		text += ", aligned"
	}
	if l.Round != "" {
		text += ", rounded " + string(l.Round)
	}
	if l.CountRefused {
		text += ", refusals counted"
	}
	if l.Penalty > 0 {
		text += fmt.Sprintf(", then shut for %v", l.Penalty)
	}
	return text
}

func bound(b analysis.Bound) string {
	if b.Value == nil {
		return "nothing"
	}
	low, high := ends(b)
	return fmt.Sprintf("%.5g [%.5g, %.5g]", *b.Value, low, high)
}

// ends are those of an interval; what is not bounded has none.
func ends(b analysis.Bound) (low, high float64) {
	high = math.Inf(1)
	if b.Low != nil {
		low = *b.Low
	}
	if b.High != nil {
		high = *b.High
	}
	return low, high
}
