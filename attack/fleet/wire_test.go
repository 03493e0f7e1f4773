package fleet

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
)

// An exchange arrives as it was sent, every field of it.
func TestExchangesTravelWhole(t *testing.T) {
	after := 1.5
	x := exchange.Exchange{
		Seq: 7, Stage: 3, Task: 7, Attempt: 1, Target: "t", Key: "main", Model: "m",
		Scheduled: 1, Sent: 2, FirstByte: 3, FirstToken: 4, Done: 5, Arrived: 6,
		Status: 429, Streamed: true, PromptTokens: 40, MaxTokens: 1,
		Usage: exchange.Usage{Prompt: 1, Completion: 2, Total: 3, Cached: 1}, Truncated: true,
		Verdict: exchange.Verdict{Outcome: exchange.RequestRate, Rule: "r", RetryAfterS: &after, Whose: exchange.WhoseYours},
		Error:   "e", Body: "{}", BytesIn: 9, BytesOut: 8, Worker: "w", ClockError: 10,
	}
	raw, err := json.Marshal(&x)
	if err != nil {
		t.Fatal(err)
	}
	p, ok := decode[parcel](encode(&parcel{Worker: "w", Exchanges: []json.RawMessage{raw}}))
	if !ok {
		t.Fatal("a parcel cannot be read")
	}
	got, err := p.exchanges()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]exchange.Exchange{x}, got); diff != "" {
		t.Errorf("(-sent +got):\n%s", diff)
	}
}

// However unlike the ways there and back are, the true moment is within the
// error that a fix names.
func TestFixKeepsItsError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWire()
		began := time.Now().Add(-time.Hour)
		stop, err := w.client().Answer(subjectClock, func([]byte) []byte {
			return encode(reading{Elapsed: time.Since(began), Wall: time.Now()})
		})
		if err != nil {
			t.Fatal(err)
		}
		defer stop()
		for range 50 {
			const skew = -200 * time.Millisecond
			now := func() time.Time { return time.Now().Add(skew) }
			f, err := takeFix(t.Context(), w.client(), now)
			if err != nil {
				t.Fatal(err)
			}
			if off := f.start.Sub(began.Add(skew)).Abs(); off > f.err || f.err > 3*time.Millisecond {
				t.Errorf("off by %v, the error is said to be %v", off, f.err)
			}
			if off := (f.wall - skew).Abs(); off > f.err {
				t.Errorf("the wall clock is seen %v ahead, it is %v", f.wall, skew)
			}
		}
	})
}

func TestFixWithoutAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if f, err := takeFix(ctx, newWire().client(), time.Now); err == nil {
			t.Errorf("a fix without an answer: %+v", f)
		}
	})
}

// A clock that gains more than clocks do is found out; one within it is not.
func TestClockThatRunsAway(t *testing.T) {
	at := time.Unix(1000, 0)
	set := fix{start: at.Add(-time.Minute), err: time.Millisecond, at: at}
	for _, tt := range []struct {
		name  string
		moved time.Duration
		ok    bool
	}{
		{"not at all", 0, true},
		{"by the errors", 2 * time.Millisecond, true},
		{"by what crystals do in a minute", 8 * time.Millisecond, true},
		{"by more", 9 * time.Millisecond, false},
		{"back", -9 * time.Millisecond, false},
	} {
		later := fix{start: set.start.Add(tt.moved), err: time.Millisecond, at: at.Add(time.Minute)}
		if err := set.check(later); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Whatever is on the bus, a coordinator and a worker take no harm from it.
func FuzzMessages(f *testing.F) {
	f.Add([]byte(`{"run":"r","epoch":1,"worker":"w","exchanges":[{"Seq":3}],"report":{"sent":1}}`))
	f.Add([]byte(`{"run":"r","epoch":1,"worker":"w","exchanges":[{"Seq":18446744073709551615}]}`))
	f.Add([]byte(`{"run":"r","epoch":9,"phase":"going","start":-5,"workers":["w"],"grants":[]}`))
	f.Add([]byte(`{"worker":"w","run":"r","ready":1,"shift":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e := newEpoch(1, stage(10, 1), []*member{{hello: hello{Worker: "w"}}})
		e.got = make([]bool, 10)
		e.holds = nil
		if p, ok := decode[parcel](data); ok {
			xs, _ := p.exchanges()
			for i := range xs {
				if k, ok := e.claim(max(0, e.index(p.Worker)), &xs[i]); ok && (k < 0 || k >= 10) {
					t.Errorf("request %d of 10", k)
				}
			}
			if p.Report != nil {
				e.end(0, p.Report)
				e.result()
			}
		}
		w := &worker{state: hello{Worker: "w"}, ended: make(chan struct{})}
		if b, ok := decode[beat](data); ok {
			w.hear(b)
		}
		r := newRoll()
		if h, ok := decode[hello](data); ok {
			r.hear(h, time.Now())
		}
	})
}
