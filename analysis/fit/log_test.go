package fit_test

import (
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/fit"
)

const ms = time.Millisecond

// answered is an exchange that took 40 ms, and arrived half way at a server
// whose clock is ahead by the given offset.
func answered(k int, o exchange.Outcome, offset time.Duration) exchange.Exchange {
	sent := time.Duration(k) * time.Second
	x := exchange.Exchange{
		Seq: uint64(k), Sent: sent, FirstByte: sent + 40*ms, Done: sent + 40*ms, Status: 200,
		PromptTokens: 16, MaxTokens: 5, Verdict: exchange.Verdict{Outcome: o},
	}
	if offset != 0 {
		x.Arrived = sent + 20*ms + offset
	}
	return x
}

func series(n int, offset func(k int) time.Duration) (xs []exchange.Exchange) {
	for k := range n {
		xs = append(xs, answered(k, exchange.Success, offset(k)))
	}
	return xs
}

// The server's clock is used when one offset places all arrivals between
// sending and answer; a clock that jumps, or that few answers show, is not.
func TestServerClock(t *testing.T) {
	const far = 400 * time.Hour
	for _, test := range []struct {
		name   string
		offset func(k int) time.Duration
		want   bool
	}{
		{"steady", func(int) time.Duration { return far }, true},
		{"within the way there and back", func(k int) time.Duration { return far + time.Duration(k%3)*5*ms }, true},
		{"set forward by a second", func(k int) time.Duration { return far + time.Duration(k/10)*time.Second }, false},
		{"set back by a second", func(k int) time.Duration { return far - time.Duration(k/10)*time.Second }, false},
		{"drifts by 1 %", func(k int) time.Duration { return far + time.Duration(k)*10*ms }, false},
		{"told by half of the answers", func(k int) time.Duration { return far * time.Duration(k%2) }, false},
		{"not told", func(int) time.Duration { return 0 }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := fit.NewLog(series(20, test.offset))
			if l.ServerClock != test.want {
				t.Errorf("server clock used: %v, want %v", l.ServerClock, test.want)
			}
			if want := map[bool]time.Duration{true: ms, false: 0}[test.want]; l.Slack != want {
				t.Errorf("slack %v, want %v: all round trips took the same", l.Slack, want)
			}
		})
	}
}

// What got no answer has no time of the server's and keeps its place.
func TestServerClockWithoutAnswer(t *testing.T) {
	xs := series(20, func(int) time.Duration { return time.Hour })
	xs[7] = answered(7, exchange.Timeout, 0)
	xs[7].Status, xs[7].FirstByte = 0, 0
	l := fit.NewLog(xs)
	if !l.ServerClock || len(l.Events) != 20 || l.Events[7].Fate != fit.Maybe {
		t.Errorf("server clock %v, %d events, the eighth %v", l.ServerClock, len(l.Events), l.Events[7].Fate)
	}
}

func TestFate(t *testing.T) {
	with := func(o exchange.Outcome, change func(*exchange.Exchange)) exchange.Exchange {
		x := answered(0, o, 0)
		if change != nil {
			change(&x)
		}
		return x
	}
	const left = fit.Fate(99) // left out of the log
	for _, test := range []struct {
		name string
		x    exchange.Exchange
		want fit.Fate
	}{
		{"success", with(exchange.Success, nil), fit.Admitted},
		{"judged after it was let in", with(exchange.ContentFilter, nil), fit.Admitted},
		{"request rate", with(exchange.RequestRate, nil), fit.Refused},
		{"burst", with(exchange.Burst, nil), fit.Refused},
		{"somebody else's limit", with(exchange.RequestRate, func(x *exchange.Exchange) { x.Whose = exchange.WhoseShared }), fit.Maybe},
		{"unknown 429", with(exchange.Unclassified, func(x *exchange.Exchange) { x.Status = 429 }), fit.Refused},
		{"unknown 418", with(exchange.Unclassified, func(x *exchange.Exchange) { x.Status = 418 }), fit.Maybe},
		{"fault", with(exchange.Server, nil), fit.Maybe},
		{"timeout", with(exchange.Timeout, nil), fit.Maybe},
		{"key refused", with(exchange.Auth, nil), left},
		{"wrong request", with(exchange.InvalidRequest, nil), left},
		{"void", with(exchange.Success, func(x *exchange.Exchange) { x.Void = true }), left},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := fit.NewLog([]exchange.Exchange{test.x})
			got := left
			if len(l.Events) == 1 {
				got = l.Events[0].Fate
			}
			if got != test.want {
				t.Errorf("fate %v, want %v", got, test.want)
			}
		})
	}
}

// The endpoint's own count of tokens counts, the size asked for where it told none.
func TestTokensOfEvents(t *testing.T) {
	counted := answered(0, exchange.Success, 0)
	counted.Usage = exchange.Usage{Prompt: 19, Completion: 4}
	l := fit.NewLog([]exchange.Exchange{counted, answered(1, exchange.RequestRate, 0)})
	if e := l.Events[0]; e.Prompt != 19 || e.Completion != 4 || e.MaxTokens != 5 {
		t.Errorf("answered: %+v", e)
	}
	if e := l.Events[1]; e.Prompt != 16 || e.Completion != 0 {
		t.Errorf("refused: %+v", e)
	}
	for acct, want := range map[fit.Accounting]float64{
		fit.Prompt: 19, fit.Completion: 4, fit.PromptPlusCompl: 23, fit.PromptPlusMax: 24, fit.MaxTokens: 5,
	} {
		s := fit.Shape{Dimension: fit.Tokens, Accounting: acct}
		if got := s.Cost(&l.Events[0]); got != want {
			t.Errorf("%s: cost %v, want %v", acct, got, want)
		}
	}
}

// The slack is what nearly all round trips keep to; few of them are all of them.
// rounded reports whether a slack is what is wanted, rounded up a little.
func rounded(slack, want time.Duration) bool { return slack >= want && slack <= want+want/20 }

func TestSlack(t *testing.T) {
	var xs []exchange.Exchange
	for k := range 200 {
		x := answered(k, exchange.Success, 0)
		x.FirstByte += time.Duration(k%100) * ms
		xs = append(xs, x)
	}
	if l := fit.NewLog(xs); !rounded(l.Slack, 98*ms) || l.Spread != 89*ms {
		t.Errorf("slack %v, spread %v, want 98ms and 89ms", l.Slack, l.Spread)
	}
	few := []exchange.Exchange{answered(0, exchange.RequestRate, 0), answered(1, exchange.RequestRate, 0)}
	few[1].FirstByte += 7 * ms
	if l := fit.NewLog(few); !rounded(l.Slack, 7*ms) {
		t.Errorf("slack %v, want 7ms", l.Slack)
	}
}

// A refusal that no rule knows speaks for requests when the request was small
// and for tokens when it was large.
func TestUnclassifiedRefusals(t *testing.T) {
	small, large := answered(0, exchange.Unclassified, 0), answered(1, exchange.Unclassified, 0)
	small.Status, large.Status, large.PromptTokens = 429, 429, 8000
	l := fit.NewLog([]exchange.Exchange{small, large})
	if r, tk := l.Refusals(fit.Requests), l.Refusals(fit.Tokens); len(r) != 1 || r[0] != 0 || len(tk) != 1 || tk[0] != 1 {
		t.Errorf("requests %v, tokens %v", r, tk)
	}
	if !fit.RefusedBy(fit.Tokens, &large) || fit.RefusedBy(fit.Requests, &large) {
		t.Error("RefusedBy differs from Refusals")
	}
}
