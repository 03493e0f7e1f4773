package bench

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/endpoint"
	"probe/attack/runfolder"
)

var (
	soakTime = flag.Duration("soak", 4*time.Second, "how long TestSoak lasts; an hour is the real one")
	soakRate = flag.Float64("soak-rps", 0, "requests a second of TestSoak; 0: 1,000 in a long one, 200 in one below a minute")
)

// soakStage is how long one stage of a soak lasts: what a run holds of a stage
// in memory is let go when it ends.
const soakStage = 10 * time.Second

// mostMemory is what a soak may hold, resident, with the endpoint in it.
const mostMemory = 256 << 20

// TestSoak sends at a steady rate to an endpoint that limits, in this process,
// for as long as it is told to. At the end the endpoint must have seen as many
// requests as the log holds, and the memory must have stayed where it was. It
// asserts no times: a busy machine falls behind, and the stages say so.
func TestSoak(t *testing.T) {
	rate := *soakRate
	if rate == 0 {
		rate = 1000
		if *soakTime < time.Minute {
			rate = 200
		}
	}
	server, url := soakEndpoint(t, rate)
	dir := filepath.Join(t.TempDir(), "run")
	folder, err := runfolder.Create(dir, runfolder.Meta{Scenario: "soak", Method: "POST", URL: url}, []byte("soak\n"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := attack.New(attack.Config{
		Target: "soak", BaseURL: url, Model: "m", Keys: []string{"main"},
		Reveal:   func(string) (string, error) { return "probe-soak-key", nil },
		Classify: classify.Unknown().Classify, Sink: folder.Append, Announce: folder.Announce,
		Clock: attack.NewClock(folder.Meta().Started, 1),
	})
	if err != nil {
		t.Fatal(err)
	}
	memory := soak(t, a, rate)
	a.Close()
	if err := folder.Close(); err != nil {
		t.Error(err)
	}
	checkCounts(t, dir, server.Stats())
	checkMemory(t, memory)
}

// soak sends stage after stage and returns the memory at the end of each.
func soak(t *testing.T, a *attack.Attacker, rate float64) (memory []int64) {
	void, sent := 0, 0
	worst := time.Duration(0)
	for began, n := time.Now(), 0; time.Since(began) < *soakTime; n++ {
		last := min(soakStage, *soakTime)
		r, err := a.Send(t.Context(), search.Stage{
			Number: n, Question: "soak", Hits: int(rate * last.Seconds()), Rate: rate,
			Sizes: []search.Size{{Prompt: 150, MaxTokens: 16}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sent, worst = sent+r.Sent, max(worst, r.Delay)
		if r.Void != "" {
			void++
		}
		memory = append(memory, resident(t))
	}
	t.Logf("%d requests in %d stages, %d of them void; worst delay (p99 of a stage) %v", sent, len(memory), void, worst)
	return memory
}

// soakEndpoint serves an endpoint that refuses a part of what a soak sends.
func soakEndpoint(t *testing.T, rate float64) (*endpoint.Server, string) {
	t.Helper()
	server, err := endpoint.New(endpoint.Config{Limits: []endpoint.Limit{{
		Dimension: endpoint.Requests, Refusal: exchange.RequestRate,
		Spec: limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 0.9 * rate, Window: time.Second, Burst: rate / 2},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	url, wait, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
	return server, url
}

// checkCounts compares the log with the endpoint's own count.
func checkCounts(t *testing.T, dir string, stats endpoint.Stats) {
	t.Helper()
	r, err := runfolder.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	var logged, answered, admitted int64
	for x, err := range r.Exchanges() {
		if err != nil {
			t.Fatal(err)
		}
		logged++
		if x.Status != 0 {
			answered++
		}
		if x.Outcome == exchange.Success {
			admitted++
		}
	}
	announced, err := r.Announced()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("log: %d attempts, %d answered, %d admitted; endpoint: %d requests, %d admitted",
		logged, answered, admitted, stats.Requests, stats.Admitted)
	// What ended without an answer, as when a connection was lost, the
	// endpoint may have seen or not. On a machine that keeps up there is none.
	if stats.Requests < answered || stats.Requests > logged || admitted > stats.Admitted || int64(len(announced)) != logged {
		t.Errorf("the log and the endpoint disagree; %d were announced", len(announced))
	}
}

// checkMemory wants the second half of a soak to need no more than the first.
func checkMemory(t *testing.T, memory []int64) {
	t.Helper()
	top := slices.Max(memory)
	t.Logf("memory: at most %d MiB, by stage: %s", top>>20, mebibytes(memory))
	if top > mostMemory {
		t.Errorf("it held %d MiB, at most %d are allowed", top>>20, mostMemory>>20)
	}
	if half := len(memory) / 2; half >= 10 {
		first, second := slices.Max(memory[:half]), slices.Max(memory[half:])
		if second > first+first/4 {
			t.Errorf("the memory grows: at most %d MiB in the first half, %d in the second", first>>20, second>>20)
		}
	}
}

// mebibytes writes at most 24 of the figures.
func mebibytes(memory []int64) string {
	var b strings.Builder
	for i := 0; i < len(memory); i += 1 + len(memory)/24 {
		fmt.Fprintf(&b, "%d ", memory[i]>>20)
	}
	return b.String()
}

// resident returns the resident memory of this process; where the system does
// not tell, what the runtime has from it.
func resident(t *testing.T) int64 {
	t.Helper()
	if text, err := os.ReadFile("/proc/self/statm"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return pages * int64(os.Getpagesize())
			}
		}
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys)
}
