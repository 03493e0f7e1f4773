package exchange_test

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
)

func with(o exchange.Outcome, status int, whose exchange.Whose) *exchange.Exchange {
	return &exchange.Exchange{Status: status, Verdict: exchange.Verdict{Outcome: o, Whose: whose}}
}

// What counts as evidence for a limit of the account, outcome by outcome.
func TestRefused(t *testing.T) {
	refused := map[exchange.Outcome]bool{
		exchange.RequestRate: true, exchange.TokenRate: true, exchange.Burst: true, exchange.FreeQuota: true,
		exchange.Concurrency: true, exchange.DailyQuota: true,
	}
	for _, o := range exchange.Outcomes {
		x := with(o, 418, "")
		if got := x.Refused(); got != refused[o] {
			t.Errorf("%s: refused %v, want %v", o, got, refused[o])
		}
		if got := x.Admitted(); got != (o == exchange.Success) {
			t.Errorf("%s: admitted %v", o, got)
		}
		for _, whose := range []exchange.Whose{exchange.WhoseShared, exchange.WhoseGateway, exchange.WhoseUpstream} {
			if with(o, 429, whose).Refused() {
				t.Errorf("%s of %s speaks for the account's own limit", o, whose)
			}
		}
		if got := with(o, 429, exchange.WhoseYours).Refused(); got != (refused[o] || o == exchange.Unclassified) {
			t.Errorf("%s of one's own, 429: refused %v", o, got)
		}
	}
	for status, want := range map[int]bool{429: true, 503: true, 500: false, 200: false} {
		if got := with(exchange.Unclassified, status, "").Refused(); got != want {
			t.Errorf("unclassified %d: refused %v, want %v", status, got, want)
		}
	}
}

func TestOutcomes(t *testing.T) {
	seen := map[exchange.Outcome]bool{}
	var limits, ends []exchange.Outcome
	for _, o := range exchange.Outcomes {
		if seen[o] || !o.Valid() {
			t.Errorf("%q is listed twice or not valid", o)
		}
		seen[o] = true
		if o.IsLimit() {
			limits = append(limits, o)
		}
		if o.EndsRun() {
			ends = append(ends, o)
		}
	}
	if want := []exchange.Outcome{"request_rate", "token_rate", "burst", "free_quota"}; !slices.Equal(limits, want) {
		t.Errorf("the four types are %v, want %v", limits, want)
	}
	if want := []exchange.Outcome{"free_quota", "billing", "auth"}; !slices.Equal(ends, want) {
		t.Errorf("no waiting helps after %v, want %v", ends, want)
	}
	for _, o := range []exchange.Outcome{"", "Success", "rate_limit"} {
		if o.Valid() {
			t.Errorf("%q is valid", o)
		}
	}
}

func TestTimes(t *testing.T) {
	x := exchange.Exchange{Sent: 2 * time.Second, Done: 5 * time.Second}
	if _, ok := x.TTFT(); ok || x.Latency() != 3*time.Second {
		t.Errorf("no stream: latency %v, TTFT known %v", x.Latency(), ok)
	}
	x.FirstToken = 2500 * time.Millisecond
	if ttft, ok := x.TTFT(); !ok || ttft != 500*time.Millisecond {
		t.Errorf("TTFT %v, %v, want 500ms", ttft, ok)
	}
}

func TestSort(t *testing.T) {
	xs := []exchange.Exchange{{Seq: 3, Sent: 2}, {Seq: 2, Sent: 1}, {Seq: 0, Sent: 2}, {Seq: 1, Sent: 0}}
	exchange.Sort(xs)
	var got []uint64
	for _, x := range xs {
		got = append(got, x.Seq)
	}
	if diff := cmp.Diff([]uint64{1, 2, 0, 3}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Whatever the order, every exchange ends up where it belongs, once.
func TestSortAny(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 200 {
		xs := make([]exchange.Exchange, n)
		for i := range xs {
			xs[i] = exchange.Exchange{Seq: uint64(i), Sent: time.Duration(rng.IntN(1 + n/2))}
		}
		want := slices.Clone(xs)
		slices.SortStableFunc(want, func(a, b exchange.Exchange) int { return int(a.Sent - b.Sent) })
		rng.Shuffle(n, func(i, j int) { xs[i], xs[j] = xs[j], xs[i] })
		if exchange.Sort(xs); !slices.EqualFunc(xs, want, func(a, b exchange.Exchange) bool { return a.Seq == b.Seq && a.Sent == b.Sent }) {
			t.Fatalf("%d exchanges are not in order", n)
		}
	}
}

// A verdict is written with its words, and says nothing of what it does not know.
func TestVerdictJSON(t *testing.T) {
	for want, v := range map[string]exchange.Verdict{
		`{"outcome":"success"}`: {Outcome: exchange.Success},
		`{"outcome":"token_rate","rule":"dashscope/allocated","recovers":"window","whose":"yours","retry_after_s":0}`: {
			Outcome: exchange.TokenRate, Rule: "dashscope/allocated", Recovers: exchange.RecoversWindow,
			Whose: exchange.WhoseYours, RetryAfterS: new(float64),
		},
	} {
		got, err := json.Marshal(v)
		if err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
}
