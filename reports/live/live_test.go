package live

import (
	"bytes"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/fit"
	"probe/analysis/limiter"
	"probe/analysis/search"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; look at the change, then run with -update (-want +got):\n%s", name, diff)
	}
}

// A watched is a run whose clock the test moves.
type watched struct {
	*Monitor
	lines bytes.Buffer
	all   Watchers
	now   time.Duration
	used  Account
}

func watchRun() *watched {
	w := &watched{used: Account{
		MoneyLimit: decimal.RequireFromString("2"), Currency: "USD", RequestLimit: 4000, TimeLimit: 15 * time.Minute,
	}}
	account := func() Account { return w.used }
	w.Monitor = NewMonitor(Config{
		Scenario: "nightly", Target: "qwen3-max", Model: "qwen3-max-2026-01-23", Speed: 12, Precision: 0.01,
		Now: func() time.Duration { return w.now }, Account: account,
	})
	w.all = Watchers{w.Monitor, NewLines(&w.lines, account)}
	return w
}

// send answers n requests at a rate per second.
func (w *watched) send(n int, rate float64, o exchange.Outcome) {
	for range n {
		w.all.Started()
		w.now += time.Duration(float64(time.Second) / rate)
		w.all.Observe(exchange.Exchange{Verdict: exchange.Verdict{Outcome: o}})
		w.used.Requests++
		w.used.Money = w.used.Money.Add(decimal.RequireFromString("0.0012"))
	}
}

var (
	perSecondLimit = search.Known{
		Dimension: fit.Requests, Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second, Low: 9.98, High: 10.02,
	}
	tokenLimit = search.Known{
		Dimension: fit.Tokens, Algorithm: limiter.TokenBucket, Amount: 1e6, Window: time.Minute, Low: 15_000, High: 18_000, Rivals: 2,
	}
)

// half is a run in the middle of its second stage.
func half() *watched {
	w := watchRun()
	first := search.Stage{Number: 0, Question: "calibrate", Why: "how fast the endpoint answers", Hits: 30}
	w.all.Begin(first, nil)
	w.send(30, 0.5, exchange.Success)
	w.all.End(first, Result{Sent: 30, End: w.now})
	w.all.Begin(search.Stage{
		Number: 1, Dimension: fit.Tokens, Why: "how much fits in at once", Hits: 1200, Rest: 20 * time.Second,
	}, []search.Known{perSecondLimit, tokenLimit})
	w.now += 20 * time.Second
	w.send(900, 10, exchange.Success)
	w.send(40, 12, exchange.TokenRate)
	w.send(1, 12, exchange.Server)
	w.all.Started()
	return w
}

func TestView(t *testing.T) {
	for _, test := range []struct {
		name  string
		width int
		color bool
		run   func() *watched
	}{
		{"half.txt", 110, false, half},
		{"half-60.txt", 60, false, half},
		{"half-color.txt", 110, true, half},
		{"nothing.txt", 80, false, watchRun},
		{"silent.txt", 80, false, func() *watched {
			w := watchRun()
			w.all.Begin(search.Stage{Why: "when \x1b[31mroom\nis there again", Hits: 5, Rest: 90 * time.Second}, nil)
			w.now = 30 * time.Second
			return w
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := View(test.run().Snapshot(), test.width, test.color)
			for _, line := range strings.Split(got, "\n") {
				if n := ansi.StringWidth(line); n > test.width {
					t.Errorf("%d columns, want at most %d: %s", n, test.width, line)
				}
			}
			if !test.color && strings.Contains(got, "\x1b") {
				t.Error("there are escape sequences")
			}
			golden(t, test.name, got+"\n")
		})
	}
}

func TestLines(t *testing.T) {
	w := half()
	w.all.End(search.Stage{}, Result{
		Sent: 2, End: w.now, Void: "the client fell behind",
		Exchanges: []exchange.Exchange{{Verdict: exchange.Verdict{Outcome: exchange.Success}}, {Verdict: exchange.Verdict{Outcome: exchange.Burst}}},
	})
	golden(t, "lines.txt", w.lines.String())
}

func TestLeft(t *testing.T) {
	for _, test := range []struct {
		name string
		Account
		want string
	}{
		{"nothing is bounded", Account{}, ""},
		{"money before all", Account{MoneyLimit: decimal.NewFromInt(2), Money: decimal.NewFromInt(3), Currency: "EUR", RequestLimit: 5}, "; left 0.0000 EUR"},
		{"time", Account{TimeLimit: time.Hour, RequestLimit: 5}, "; left 59m50s"},
		{"requests", Account{RequestLimit: 5, Requests: 2}, "; left 3 requests"},
		{"tokens", Account{TokenLimit: 5}, "; left 5 tokens"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := NewLines(nil, func() Account { return test.Account })
			l.now = 10 * time.Second
			if got := l.left(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// Rates are over the last seconds of the wall's clock, in endpoint time; what
// is older than the course is forgotten.
func TestRates(t *testing.T) {
	r := rates{bin: 2 * time.Second}
	for k := range 400 {
		b := r.at(time.Duration(k) * 500 * time.Millisecond)
		b.offered++
		if k%2 == 0 {
			b.accepted++
		}
	}
	// Five whole bins are over, of 2 requests a second.
	if offered, accepted := r.recent(200*time.Second - 1); math.Round(offered) != 120 || math.Round(accepted) != 60 {
		t.Errorf("offered %v, accepted %v a minute", offered, accepted)
	}
	course := r.course(200 * time.Second)
	if len(course) != courseBins-1 || course[0] != (Rate{120, 60}) || course[courseBins-2] != (Rate{120, 60}) {
		t.Errorf("course %v", course)
	}
	if offered, _ := r.recent(time.Hour); offered != 0 {
		t.Errorf("an hour later %v a minute", offered)
	}
}

func TestNarrowed(t *testing.T) {
	for _, test := range []struct{ width, precision, want float64 }{
		{2, 0.01, 0}, {1, 0.01, 0}, {0.1, 0.01, 0.5}, {0.01, 0.01, 1}, {0, 0.01, 1}, {0.5, 0, 1},
	} {
		if got := narrowed(test.width, test.precision); got < test.want-1e-9 || got > test.want+1e-9 {
			t.Errorf("narrowed(%v, %v) = %v, want %v", test.width, test.precision, got, test.want)
		}
	}
}

// Lines that a terminal does not take are kept up to a bound, the newest.
func TestPending(t *testing.T) {
	var p pending
	for range mostLines {
		p.add("old\n")
	}
	p.add("new 1\nnew 2\n")
	lines := strings.Split(p.take(), "\n")
	if len(lines) != mostLines || lines[mostLines-1] != "new 2" || lines[mostLines-3] != "old" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-3:])
	}
	if p.take() != "" {
		t.Error("what was taken is still there")
	}
}
