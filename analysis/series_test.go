package analysis

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
)

// sent is an exchange that matters to a series by two fields only.
func sent(at time.Duration, o exchange.Outcome) exchange.Exchange {
	return exchange.Exchange{Sent: at, Verdict: exchange.Verdict{Outcome: o}}
}

func TestTimeSeries(t *testing.T) {
	const s = time.Second
	tests := []struct {
		name string
		xs   []exchange.Exchange
		bin  time.Duration
		want Series
	}{
		{
			name: "nothing",
			bin:  s,
			want: Series{Bin: s, Failed: map[exchange.Outcome][]int64{}},
		},
		{
			name: "a bin of zero means a second",
			xs:   []exchange.Exchange{sent(0, exchange.Success)},
			want: Series{Bin: s, Offered: []int64{1}, Accepted: []int64{1}, Failed: map[exchange.Outcome][]int64{}},
		},
		{
			name: "the edge belongs to the later bin, order does not matter",
			bin:  2 * s,
			xs: []exchange.Exchange{
				sent(4*s, exchange.RequestRate), sent(2*s-1, exchange.Success),
				sent(2*s, exchange.Success), sent(0, exchange.Server), sent(4*s+1, exchange.RequestRate),
			},
			want: Series{
				Bin: 2 * s, Offered: []int64{2, 1, 2}, Accepted: []int64{1, 1, 0},
				Failed: map[exchange.Outcome][]int64{
					exchange.RequestRate: {0, 0, 2}, exchange.Server: {1, 0, 0},
				},
			},
		},
		{
			name: "a time before the start counts at the start",
			bin:  s,
			xs:   []exchange.Exchange{sent(-s, exchange.Success)},
			want: Series{Bin: s, Offered: []int64{1}, Accepted: []int64{1}, Failed: map[exchange.Outcome][]int64{}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := TimeSeries(slices.Values(test.xs), test.bin)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A day of traffic at one-second bins must not take 86,400 bins, and no
// request may be lost when bins are joined.
func TestTimeSeriesBoundsMemory(t *testing.T) {
	const n = 200_000
	got := TimeSeries(func(yield func(exchange.Exchange) bool) {
		for k := range n {
			o := exchange.Success
			if k%4 == 0 {
				o = exchange.TokenRate
			}
			if !yield(sent(time.Duration(k)*(24*time.Hour/n), o)) {
				return
			}
		}
	}, time.Second)

	if len(got.Offered) > maxBins {
		t.Errorf("got %d bins, want at most %d", len(got.Offered), maxBins)
	}
	if want := 32 * time.Second; got.Bin != want {
		t.Errorf("got bins of %v, want %v", got.Bin, want)
	}
	if o, a, f := sum(got.Offered), sum(got.Accepted), sum(got.Failed[exchange.TokenRate]); o != n || a+f != n || f != n/4 {
		t.Errorf("got %d offered, %d accepted, %d refused of %d", o, a, f, n)
	}
}

func TestCoarsen(t *testing.T) {
	xs := make([]exchange.Exchange, 0, 300)
	for k := range 300 {
		xs = append(xs, sent(time.Duration(k)*time.Second, exchange.Success))
	}
	series := TimeSeries(slices.Values(xs), time.Second)
	tests := []struct {
		limit int
		want  time.Duration
	}{
		{0, time.Second},   // no limit
		{300, time.Second}, // fits as it is
		{299, 2 * time.Second},
		{100, 5 * time.Second}, // 3 would do, 5 reads better
		{20, 15 * time.Second},
		{1, 300 * time.Second},
	}
	for _, test := range tests {
		got := series.Coarsen(test.limit)
		if got.Bin != test.want {
			t.Errorf("Coarsen(%d): got bins of %v, want %v", test.limit, got.Bin, test.want)
		}
		if n := sum(got.Offered); n != 300 {
			t.Errorf("Coarsen(%d): %d requests left of 300", test.limit, n)
		}
		if rate := got.PerMinute(got.Offered[0]); rate != 60 {
			t.Errorf("Coarsen(%d): got %v a minute, want 60", test.limit, rate)
		}
	}
	if got := (Series{}).PerMinute(3); got != 0 {
		t.Errorf("a series without bins: got %v a minute, want 0", got)
	}
}

func sum(v []int64) int64 {
	var s int64
	for _, n := range v {
		s += n
	}
	return s
}
