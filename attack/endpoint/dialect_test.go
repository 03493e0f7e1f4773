package endpoint

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
)

var update = flag.Bool("update", false, "write golden files")

// golden compares got with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
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
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestRefusalWords writes down everything that each dialect says.
func TestRefusalWords(t *testing.T) {
	all := append(slices.Clone(refusals),
		exchange.Auth, exchange.InvalidRequest, exchange.Server, exchange.Overload)
	quota := []exchange.Outcome{exchange.FreeQuota}
	for name, test := range map[string]struct {
		cfg      Config
		outcomes []exchange.Outcome
	}{
		"alibaba":            {Config{Dialect: Alibaba}, all},
		"alibaba-native":     {Config{Dialect: Alibaba, Native: true}, all},
		"alibaba-quota-429":  {Config{Dialect: Alibaba, FreeQuotaStatus: 429}, quota},
		"alibaba-native-429": {Config{Dialect: Alibaba, Native: true, FreeQuotaStatus: 429}, quota},
		"openai":             {Config{Dialect: OpenAI}, all},
		"generic":            {Config{Dialect: Generic}, all},
		"generic-quota-429":  {Config{Dialect: Generic, FreeQuotaStatus: 429}, quota},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := test.cfg.withDefaults()
			d := dialects[cfg.Dialect](cfg)
			var b strings.Builder
			for _, o := range test.outcomes {
				for seq := range uint64(3) {
					r := &refusal{outcome: o, id: "ID", seq: seq, model: "m"}
					if o == exchange.InvalidRequest {
						r.message = "messages must not be empty"
					}
					writeWords(&b, d, r)
				}
			}
			golden(t, name+".golden", b.String())
		})
	}
}

// writeWords appends a refusal unless the last one was the same.
func writeWords(b *strings.Builder, d dialect, r *refusal) {
	var one bytes.Buffer
	reply := d.refuse(r)
	fmt.Fprintf(&one, "== %s\nstatus %d\n", r.outcome, reply.status)
	for _, k := range slices.Sorted(maps.Keys(reply.header)) {
		fmt.Fprintf(&one, "%s: %s\n", k, reply.header[k])
	}
	fmt.Fprintf(&one, "%s\n-- as an event\n%s", reply.body, d.event(r))
	if !strings.HasSuffix(b.String(), one.String()) {
		b.Write(one.Bytes())
	}
}

// TestOpenAISentence holds the sentence against messages that users of the
// real API published: the wait follows from the other three numbers.
func TestOpenAISentence(t *testing.T) {
	for _, test := range []struct {
		name                   string
		dimension              Dimension
		amount, used, cost     float64
		window                 time.Duration
		want, retryAfter, kind string
	}{
		{"tokens per minute", Tokens, 50000, 47949, 3006, time.Minute,
			"on tokens per min (TPM): Limit 50000, Used 47949, Requested 3006. Please try again in 1.146s.", "2", "tokens"},
		{"milliseconds", Tokens, 200000, 195869, 4412, time.Minute,
			"on tokens per min (TPM): Limit 200000, Used 195869, Requested 4412. Please try again in 84ms.", "1", "tokens"},
		{"tokens per minute, longer", Tokens, 30000, 22999, 12528, time.Minute,
			"Limit 30000, Used 22999, Requested 12528. Please try again in 11.054s.", "12", "tokens"},
		{"requests per minute", Requests, 3, 3, 1, time.Minute,
			"on requests per min (RPM): Limit 3, Used 3, Requested 1. Please try again in 20s.", "20", "requests"},
		{"requests per day", Requests, 50, 50, 1, 24 * time.Hour,
			"on requests per day (RPD): Limit 50, Used 50, Requested 1. Please try again in 28m48s.", "1728", "requests"},
		{"too large for ever", Tokens, 200000, 0, 480002, time.Minute,
			"Request too large for m in organization org-embedded on tokens per min (TPM): Limit 200000, Requested 480002. The input", "", "tokens"},
		{"a window of its own", Requests, 7, 7, 1, 7 * time.Second,
			"on requests per 7s: Limit 7, Used 7, Requested 1. Please try again in 1s.", "1", "requests"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := limit(test.dimension, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: test.amount, Window: test.window}).withDefaults()
			a := newAccount([]Limit{l}, 0)
			a.rules[0].Charge(0, test.used)
			denied := a.ask(0, demand{prompt: int(test.cost)})
			if denied == nil {
				t.Fatal("not refused")
			}
			got := openAI{}.refuse(&refusal{outcome: l.Refusal, denial: denied, model: "m"})
			body := decode[struct {
				Error struct{ Message, Type, Code string }
			}](t, string(got.body))
			if !strings.Contains(body.Error.Message, test.want) {
				t.Errorf("message %q lacks %q", body.Error.Message, test.want)
			}
			if got.header["Retry-After"] != test.retryAfter || body.Error.Type != test.kind || got.status != 429 {
				t.Errorf("Retry-After %q, type %q, status %d; want %q, %q, 429",
					got.header["Retry-After"], body.Error.Type, got.status, test.retryAfter, test.kind)
			}
		})
	}
}

// TestOpenAITruthfulWait: whoever waits as long as the sentence says, and
// sends nothing else, is let in by a limiter that is no bucket as well.
func TestOpenAITruthfulWait(t *testing.T) {
	for _, algorithm := range []limiter.Algorithm{limiter.TokenBucket, limiter.SlidingLog, limiter.FixedWindow} {
		t.Run(string(algorithm), func(t *testing.T) {
			l := limit(Requests, limiter.Spec{Algorithm: algorithm, Amount: 6, Window: time.Minute})
			inBubble(t, Config{Dialect: OpenAI, Limits: []Limit{l}}, func(w *world) {
				w.at(5 * time.Second)
				var got answer
				for range 7 {
					got = w.chat(10, 1)
				}
				wait, err := time.ParseDuration(got.header.Get("Retry-After") + "s")
				if err != nil || got.status != 429 {
					t.Fatalf("status %d, %v", got.status, err)
				}
				time.Sleep(wait)
				if got := w.chat(10, 1).status; got != 200 {
					t.Errorf("status %d after the wait of %v", got, wait)
				}
			})
		})
	}
}

func TestOpenAIHeaders(t *testing.T) {
	cfg := Config{Dialect: OpenAI, Limits: []Limit{
		limit(Requests, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 60, Window: time.Minute}),
		limit(Requests, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 5, Window: time.Second}),
		limit(Tokens, limiter.Spec{Algorithm: limiter.TokenBucket, Amount: 150000, Window: time.Minute}),
	}}
	inBubble(t, cfg, func(w *world) {
		h := w.chat(24, 1).header
		got := map[string]string{}
		for k := range h {
			if name, ok := strings.CutPrefix(k, "X-Ratelimit-"); ok {
				got[name] = h.Get(k)
			}
		}
		want := map[string]string{
			"Limit-Requests": "60", "Remaining-Requests": "59", "Reset-Requests": "1s",
			"Limit-Tokens": "150000", "Remaining-Tokens": "149975", "Reset-Tokens": "10ms",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
	})
}

// TestAlibabaHeaders: the stamps are the endpoint's clock, also on refusals,
// and nothing tells a limit.
func TestAlibabaHeaders(t *testing.T) {
	cfg := Config{
		Dialect: Alibaba, Speed: 10, Latency: Latency{TTFT: 873 * time.Millisecond},
		Limits: []Limit{limit(Requests, limiter.Spec{Amount: 1, Window: time.Hour})},
	}
	inBubble(t, cfg, func(w *world) {
		w.at(3 * time.Second) // 30 s of the endpoint
		for i, want := range []map[string]string{
			{"Req-Arrive-Time": "946684830000", "Resp-Start-Time": "946684830873", "Req-Cost-Time": "873"},
			{"Req-Arrive-Time": "946684830873", "Resp-Start-Time": "946684830873", "Req-Cost-Time": "0"},
		} {
			got := w.chat(10, 1)
			for k, v := range want {
				if got.header.Get(k) != v {
					t.Errorf("request %d: %s: %q, want %q", i, k, got.header.Get(k), v)
				}
			}
			if got.header.Get("X-Request-Id") == "" || got.header.Get("X-Dashscope-Call-Gateway") != "true" {
				t.Errorf("request %d: headers are not the gateway's: %v", i, got.header)
			}
			if i == 0 && got.header.Get("Date") != "Sat, 01 Jan 2000 00:00:30 GMT" {
				t.Errorf("Date: %q", got.header.Get("Date"))
			}
		}
	})
}

// TestNothingLeaks lists every header of the dialects that disclose nothing.
func TestNothingLeaks(t *testing.T) {
	allowed := map[Dialect][]string{
		Generic: {"Content-Length", "Content-Type", "Date"},
		Alibaba: {"Content-Length", "Content-Type", "Date", "Req-Arrive-Time", "Req-Cost-Time", "Resp-Start-Time",
			"Server", "X-Dashscope-Call-Gateway", "X-Envoy-Upstream-Service-Time", "X-Request-Id"},
	}
	for d, want := range allowed {
		t.Run(string(d), func(t *testing.T) {
			l := limit(Tokens, limiter.Spec{Amount: 11, Window: time.Minute})
			inBubble(t, Config{Dialect: d, Limits: []Limit{l}}, func(w *world) {
				for range 2 {
					got := slices.Sorted(maps.Keys(w.chat(10, 1).header))
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("headers (-want +got):\n%s", diff)
					}
				}
			})
		})
	}
}

// TestHold: a request that asks for it waits until burst protection lets it
// pass; without the header, past the deadline and for other limits it does
// not.
func TestHold(t *testing.T) {
	ramp := limit(Requests, limiter.Spec{Algorithm: limiter.Ramp, Amount: 1, Window: 10 * time.Second})
	rate := limit(Requests, limiter.Spec{Amount: 1, Window: 10 * time.Second})
	for _, test := range []struct {
		name    string
		dialect Dialect
		limit   Limit
		header  string
		status  int
		after   time.Duration
	}{
		{"held until it passes", Alibaba, ramp, "30", 200, 10 * time.Second},
		{"held until the deadline", Alibaba, ramp, "4.5", 429, 4500 * time.Millisecond},
		{"not asked for", Alibaba, ramp, "", 429, 0},
		{"nonsense", Alibaba, ramp, "-3", 429, 0},
		{"another limit", Alibaba, rate, "30", 429, 0},
		{"another dialect", Generic, ramp, "30", 429, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			inBubble(t, Config{Dialect: test.dialect, Limits: []Limit{test.limit}}, func(w *world) {
				w.chat(10, 1)
				got := w.chat(10, 1, "X-DashScope-Wait-Timeout", test.header)
				if took := time.Since(w.start); got.status != test.status || took != test.after {
					t.Errorf("status %d after %v, want %d after %v", got.status, took, test.status, test.after)
				}
			})
		})
	}
}

// TestHeldPassOneByOne: requests that wait at once pass at the rate allowed.
func TestHeldPassOneByOne(t *testing.T) {
	ramp := limit(Requests, limiter.Spec{Algorithm: limiter.Ramp, Amount: 1, Window: time.Second})
	inBubble(t, Config{Dialect: Alibaba, Limits: []Limit{ramp}}, func(w *world) {
		passed := w.volley(20, func() bool { return w.chat(10, 1, "X-DashScope-Wait-Timeout", "60").status == 200 })
		if took := time.Since(w.start).Round(time.Second); passed != 20 || took != 19*time.Second {
			t.Errorf("%d of 20 passed in %v, want all in 19s", passed, took)
		}
	})
}
