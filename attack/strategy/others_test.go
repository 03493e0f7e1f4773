package strategy_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

func TestByStatus(t *testing.T) {
	after := func(s float64) *float64 { return &s }
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	spent := header("x-ratelimit-remaining-requests", "3", "x-ratelimit-reset-requests", "9s",
		"x-ratelimit-remaining-tokens", "0", "x-ratelimit-reset-tokens", "6m0s")
	for name, tt := range map[string]struct {
		status int
		header http.Header
		want   exchange.Verdict
	}{
		"success":            {200, header("Retry-After", "3"), exchange.Verdict{Outcome: exchange.Success}},
		"429":                {429, nil, exchange.Verdict{Outcome: exchange.Unclassified}},
		"401":                {401, nil, exchange.Verdict{Outcome: exchange.Auth}},
		"402":                {402, nil, exchange.Verdict{Outcome: exchange.Billing}},
		"404":                {404, nil, exchange.Verdict{Outcome: exchange.InvalidRequest}},
		"504":                {504, nil, exchange.Verdict{Outcome: exchange.Timeout}},
		"529":                {529, nil, exchange.Verdict{Outcome: exchange.Overload}},
		"500":                {500, nil, exchange.Verdict{Outcome: exchange.Server}},
		"seconds":            {429, header("Retry-After", "1.5"), exchange.Verdict{Outcome: exchange.Unclassified, RetryAfterS: after(1.5)}},
		"milliseconds first": {429, header("Retry-After", "1", "retry-after-ms", "250"), exchange.Verdict{Outcome: exchange.Unclassified, RetryAfterS: after(0.25)}},
		"a date, by the server's clock": {503, header("Retry-After", "Mon, 23 Nov 2026 10:00:30 GMT", "Date", "Mon, 23 Nov 2026 10:00:00 GMT"),
			exchange.Verdict{Outcome: exchange.Overload, RetryAfterS: after(30)}},
		"a date in the past": {503, header("Retry-After", "Mon, 23 Nov 2020 10:00:30 GMT"), exchange.Verdict{Outcome: exchange.Overload, RetryAfterS: after(0)}},
		"what is spent":      {429, spent, exchange.Verdict{Outcome: exchange.Unclassified, RetryAfterS: after(360)}},
		"nonsense":           {429, header("Retry-After", "soon"), exchange.Verdict{Outcome: exchange.Unclassified}},
		"negative":           {429, header("Retry-After", "-1"), exchange.Verdict{Outcome: exchange.Unclassified}},
	} {
		t.Run(name, func(t *testing.T) {
			got := strategy.ByStatus(&http.Response{StatusCode: tt.status, Header: tt.header})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPeek(t *testing.T) {
	closed := false
	body := struct {
		io.Reader
		io.Closer
	}{iotest.OneByteReader(strings.NewReader("0123456789")), closing(func() { closed = true })}
	resp := &http.Response{Body: body}
	if got := strategy.Peek(resp, 4); string(got) != "0123" {
		t.Errorf("peeked %q", got)
	}
	if got := strategy.Peek(resp, 100); string(got) != "0123456789" {
		t.Errorf("peeked %q the second time", got)
	}
	if all, err := io.ReadAll(resp.Body); string(all) != "0123456789" || err != nil {
		t.Errorf("the body is %q, %v", all, err)
	}
	if resp.Body.Close(); !closed {
		t.Error("closing the body did not reach the connection")
	}

	reset := errors.New("reset")
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("01"), iotest.ErrReader(reset)))
	if got := strategy.Peek(resp, 4); string(got) != "01" {
		t.Errorf("peeked %q of a broken body", got)
	}
	if all, err := io.ReadAll(resp.Body); string(all) != "01" || !errors.Is(err, reset) {
		t.Errorf("the broken body is %q, %v", all, err)
	}
	if got := strategy.Peek(&http.Response{}, 4); got != nil {
		t.Errorf("peeked %q of nothing", got)
	}
}

type closing func()

func (c closing) Close() error { c(); return nil }

func TestEstimateCost(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"chat":       {`{"messages":[{"role":"system","content":"12345678"},{"role":"user","content":"1234"}],"max_tokens":100}`, 103},
		"newer name": {`{"messages":[{"content":"12345"}],"max_tokens":1,"max_completion_tokens":7}`, 9},
		"no bound":   {`{"messages":[{"content":"1234"}]}`, 1},
		"no JSON":    {`hello`, 0},
		"negative":   {`{"max_tokens":-5}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			req, _ := http.NewRequest("POST", "http://primary.test/", strings.NewReader(tt.body))
			if got := strategy.EstimateCost(req); got != tt.want {
				t.Errorf("%d tokens, want %d", got, tt.want)
			}
		})
	}
	get, _ := http.NewRequest("GET", "http://primary.test/", nil)
	if got := strategy.EstimateCost(get); got != 0 {
		t.Errorf("%d tokens without a body", got)
	}
	get.Body = io.NopCloser(iotest.ErrReader(errors.New("gone")))
	if got := strategy.EstimateCost(get); got != 0 {
		t.Errorf("%d tokens of an unreadable body", got)
	}
}

func TestProviderQueue(t *testing.T) {
	s := newServer(nil)
	s.latency = 0
	cfg := strategy.Config{ProviderQueue: strategy.ProviderQueue{Wait: 4500 * time.Millisecond}}
	rt := chain(t, "provider-queue", cfg, s)
	send(t, rt, newRequest(t.Context(), 1))
	own := newRequest(t.Context(), 1)
	own.Header.Set(strategy.WaitHeader, "7")
	send(t, rt, own)
	for i, want := range []string{"5", "7"} {
		if got := s.seen[i].header.Get("X-DashScope-Wait-Timeout"); got != want {
			t.Errorf("request %d asks for %q, want %q", i, got, want)
		}
	}
}

// Adaptive settles near the limit: after its start it is refused now and then
// only, and gives away less than a third.
func TestAdaptive(t *testing.T) {
	for name, cfg := range map[string]strategy.Config{
		"from below":   {Adaptive: strategy.Adaptive{Initial: 1}},
		"from above":   {Adaptive: strategy.Adaptive{Initial: 50}},
		"at speed ten": {Speed: 10, Adaptive: strategy.Adaptive{Initial: 1, Increase: 0.1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				speed := max(1, cfg.Speed)
				s := newServer(strategy.Minutes(0, 10*speed, 0, 0))
				r := batch(t, "adaptive", cfg, s, make([]int, 2000), 60)
				half := s.seen[1000:]
				refused := 0
				for _, a := range half {
					if a.outcome != exchange.Success {
						refused++
					}
				}
				span := (half[len(half)-1].at - half[0].at).Seconds()
				rate := float64(len(half)-refused) / span / speed
				if rate < 6.7 || rate > 10 || refused > len(half)*5/100 {
					t.Errorf("%.1f requests a second accepted, limit 10; %d of %d refused (%+v)", rate, refused, len(half), r)
				}
			})
		})
	}
}

func TestAdaptiveDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := strategy.Config{Deadline: 900 * time.Millisecond}
		errs := each(t, chain(t, "adaptive", cfg, newServer(nil)), t.Context(), 1, 1)
		if errs[0] != nil || !errors.Is(errs[1], strategy.ErrDeadline) {
			t.Errorf("errors %v; the second would go after a second", errs)
		}
	})
}

// A request behind one that has more time does not wait past its own deadline.
func TestAdaptiveDeadlineInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rt := chain(t, "adaptive", strategy.Config{Adaptive: strategy.Adaptive{Initial: 0.1}}, newServer(nil))
		for range 2 { // the second is at the head for ten seconds
			go send(t, rt, newRequest(t.Context(), 1))
			synctest.Wait()
		}
		begin := time.Now()
		ctx := strategy.WithTask(t.Context(), strategy.Task{Deadline: begin.Add(2 * time.Second)})
		if _, err := send(t, rt, newRequest(ctx, 1)); !errors.Is(err, strategy.ErrDeadline) || time.Since(begin) != 2*time.Second {
			t.Errorf("%v after %v, its deadline was 2s", err, time.Since(begin))
		}
		time.Sleep(time.Minute)
	})
}

// Refusals that come in a row are one sign, not three.
func TestAdaptiveHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := faulty("", "", "", "", "", "", "", "", "", "", exchange.RequestRate, exchange.Burst, exchange.Overload, "", "")
		s.latency = 0
		cfg := strategy.Config{Adaptive: strategy.Adaptive{Initial: 10}}
		rt := chain(t, "adaptive", cfg, s)
		for range 15 {
			send(t, rt, newRequest(t.Context(), 1))
		}
		times := s.times()
		gap := times[14] - times[13]
		if gap < 130*time.Millisecond || gap > 160*time.Millisecond {
			t.Errorf("after three refusals requests are %v apart, want 1/7 s: one decrease from 10 a second", gap)
		}
	})
}
