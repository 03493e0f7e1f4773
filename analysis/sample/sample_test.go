package sample_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/sample"
)

// at makes an exchange that was sent after so many seconds.
func at(stage, seconds int, o exchange.Outcome) exchange.Exchange {
	return exchange.Exchange{
		Seq: uint64(1000*stage + seconds), Stage: stage, Sent: time.Duration(seconds) * time.Second,
		Verdict: exchange.Verdict{Outcome: o},
	}
}

// seconds returns when what was kept was sent, negative what is void.
func seconds(xs []exchange.Exchange) []int {
	var out []int
	for _, x := range xs {
		n := int(x.Sent / time.Second)
		if x.Void {
			n = -n
		}
		out = append(out, n)
	}
	return out
}

func TestStretches(t *testing.T) {
	const window = 3 * time.Second
	refusedFrom := func(n, last int) (xs []exchange.Exchange) {
		for i := 1; i <= last; i++ {
			o := exchange.Success
			if i >= n {
				o = exchange.RequestRate
			}
			xs = append(xs, at(0, i, o))
		}
		return xs
	}
	for _, test := range []struct {
		name   string
		most   int // an eighth of which is one stretch
		xs     []exchange.Exchange
		stages int
		want   []int
	}{
		{"all fit", 10, refusedFrom(3, 4), 1, []int{1, 2, 3, 4}},
		{"no refusal: the end", 80, refusedFrom(101, 100), 1, []int{96, 97, 98, 99, 100}},
		{"around the first refusal", 64, refusedFrom(90, 100), 1, []int{86, 87, 88, 89, 90, 91, 92, 93}},
		{"refusals within a window after a gap", 32, refusedFrom(90, 100), 1, []int{88, 89, -90, 91}},
		{"refused from the start", 32, refusedFrom(1, 100), 1, []int{1, 2, 3, 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := sample.New(test.most, test.stages)
			for _, x := range test.xs {
				s.Add(x)
			}
			if diff := cmp.Diff(test.want, seconds(s.Exchanges(window))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if s.Seen() != int64(len(test.xs)) {
				t.Errorf("saw %d, want %d", s.Seen(), len(test.xs))
			}
		})
	}
}

// What follows a stage that was cut off at its end is judged with care too.
func TestGapBeforeTheNextStage(t *testing.T) {
	s := sample.New(32, 2)
	for i := 1; i <= 100; i++ {
		s.Add(at(0, i, exchange.RequestRate))
	}
	for i := 101; i <= 104; i++ {
		s.Add(at(1, i, exchange.RequestRate))
	}
	if diff := cmp.Diff([]int{1, 2, 3, 4, -101, -102, 103, 104}, seconds(s.Exchanges(3*time.Second))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Only so many stages with refusals are kept at length.
func TestRoomEnds(t *testing.T) {
	s := sample.New(64, 10)
	for i := range 1000 {
		o := exchange.Success
		if i%100 >= 50 {
			o = exchange.RequestRate
		}
		s.Add(at(i/100, i, o))
	}
	n := map[int]int{}
	for _, x := range s.Exchanges(0) {
		n[x.Stage]++
	}
	want := map[int]int{0: 8, 1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 2, 7: 2, 8: 2, 9: 8} // the last is still under way
	if diff := cmp.Diff(want, n); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// However a run is made up, the bound holds, and nothing is kept twice.
func TestBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		sizes := map[int]int{}
		var xs []exchange.Exchange
		now := 0
		for stage := range 1 + rng.IntN(8) {
			sizes[stage] = 1 + rng.IntN(300)
			for range sizes[stage] {
				now++
				o := exchange.Success
				if rng.IntN(50) == 0 {
					o = exchange.TokenRate
				}
				x := at(stage, now, o)
				x.Seq = uint64(now)
				xs = append(xs, x)
			}
		}
		most := 20 + rng.IntN(400)
		s := sample.New(most, len(sizes))
		for _, x := range xs {
			s.Add(x)
		}
		kept := s.Exchanges(time.Second)
		if len(kept) > most+most/4+2*len(sizes) || len(xs) <= most && len(kept) != len(xs) {
			t.Fatalf("kept %d of %d, at most %d", len(kept), len(xs), most)
		}
		for i := 1; i < len(kept); i++ {
			if kept[i].Seq <= kept[i-1].Seq {
				t.Fatalf("%d after %d", kept[i].Seq, kept[i-1].Seq)
			}
		}
	}
}
