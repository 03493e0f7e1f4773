package attack_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
)

func TestScheduleIsExact(t *testing.T) {
	tests := []struct {
		name  string
		stage search.Stage
	}{
		{"constant rate", stage(50, 7)},
		{"volley", search.Stage{Hits: 100, Offsets: make([]time.Duration, 100), Sizes: []search.Size{{Prompt: 20}}}},
		{"volleys a minute apart", search.Stage{Hits: 4, Offsets: []time.Duration{0, 0, time.Minute, time.Minute}, Sizes: []search.Size{{Prompt: 20}}}},
		{"one request without a rate", search.Stage{Hits: 1, Sizes: []search.Size{{Prompt: 20}}}},
		{"more than is rendered ahead", stage(5000, 3000)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
				tt.stage.Rest = 5 * time.Second
				r := send(t, a, tt.stage)
				if r.Sent != tt.stage.Hits || r.Scheduled != tt.stage.Hits || r.Delay != 0 || r.Void != "" {
					t.Fatalf("sent %d of %d, delay %v, void %q", r.Sent, r.Scheduled, r.Delay, r.Void)
				}
				if r.Start != 5*time.Second {
					t.Errorf("started at %v, want after the rest", r.Start)
				}
				for i, x := range r.Exchanges {
					if x.Sent != x.Scheduled || x.Seq != uint64(i) || x.Task != x.Seq || x.Outcome != exchange.Success {
						t.Fatalf("exchange %d: %+v", i, x)
					}
				}
				if last := r.Exchanges[len(r.Exchanges)-1]; last.Sent != r.Start+lastOffset(tt.stage) || r.End != last.Done {
					t.Errorf("last was sent at %v, ended %v", last.Sent, r.End)
				}
			})
		})
	}
}

func lastOffset(s search.Stage) time.Duration {
	if s.Hits == 1 {
		return 0
	}
	return s.Duration()
}

func TestTenMinutes(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(2 * time.Second)
		answer(w, r)
	}
	inBubble(t, slow, nil, func(t *testing.T, a *attack.Attacker) {
		r := send(t, a, stage(10*60*12, 12))
		if r.Sent != 7200 || r.Void != "" {
			t.Fatalf("sent %d, void %q", r.Sent, r.Void)
		}
		for _, x := range r.Exchanges {
			if x.Latency() != 2*time.Second || x.Sent != x.Scheduled {
				t.Fatalf("latency %v, sent %v for %v", x.Latency(), x.Sent, x.Scheduled)
			}
		}
	})
}

func TestExchangeIsComplete(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer "+canary {
			t.Errorf("authorization %q", got)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "X-Vegeta") || strings.HasPrefix(name, "X-Probe") {
				t.Errorf("header %s went out", name)
			}
		}
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("X-Extra") != "yes" {
			t.Errorf("got %s, headers %v", r.URL.Path, r.Header)
		}
		n := promptTokens(r)
		time.Sleep(50 * time.Millisecond)
		w.Header().Set("Req-Arrive-Time", "1766635349727")
		w.(http.Flusher).Flush()
		time.Sleep(50 * time.Millisecond)
		complete(w, n)
	}
	change := func(c *attack.Config) {
		c.ServerClockHeader = "req-arrive-time"
		c.Headers = map[string]string{"x-extra": "yes"}
		c.FirstSeq = 7
	}
	inBubble(t, handler, change, func(t *testing.T, a *attack.Attacker) {
		s := stage(1, 1)
		s.Number = 3
		got := send(t, a, s).Exchanges[0]
		want := exchange.Exchange{
			Seq: 7, Task: 7, Stage: 3, Attempt: 1, Target: "test", Key: "main", Model: "small",
			FirstByte: 50 * time.Millisecond, Done: 100 * time.Millisecond,
			Arrived: 1766635349727 * time.Millisecond,
			Status:  200, PromptTokens: 40, MaxTokens: 1,
			Usage:     exchange.Usage{Prompt: 41, Completion: 1, Total: 42, Cached: 3},
			Truncated: true, Verdict: exchange.Verdict{Outcome: exchange.Success},
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(exchange.Exchange{}, "BytesIn", "BytesOut")); diff != "" {
			t.Errorf("exchange (-want +got):\n%s", diff)
		}
		if got.BytesIn == 0 || got.BytesOut == 0 {
			t.Errorf("bytes in %d, out %d", got.BytesIn, got.BytesOut)
		}
	})
}

func TestPromptSizesAreHit(t *testing.T) {
	inBubble(t, answer, nil, func(t *testing.T, a *attack.Attacker) {
		send(t, a, stage(1, 1))
		s := stage(30, 10)
		s.Sizes = []search.Size{{Prompt: 30}, {Prompt: 500}, {Prompt: 8000}}
		for _, x := range send(t, a, s).Exchanges {
			want := s.Size(int(x.Seq - 1)).Prompt
			if off := float64(x.Usage.Prompt) - float64(want); off > 0.01*float64(want) || -off > 0.01*float64(want) {
				t.Errorf("wanted %d tokens, got %d", want, x.Usage.Prompt)
			}
		}
	})
}

func TestSpeed(t *testing.T) {
	inBubble(t, answer, func(c *attack.Config) { c.Clock = attack.NewClock(time.Now(), 20) }, func(t *testing.T, a *attack.Attacker) {
		began := time.Now()
		r := send(t, a, stage(601, 10))
		if got := time.Since(began); got != 3*time.Second {
			t.Errorf("60 s of endpoint time took %v, want 3s", got)
		}
		if r.End < 60*time.Second || r.End > 60*time.Second+20 || r.Void != "" {
			t.Errorf("ended at %v, void %q", r.End, r.Void)
		}
		for _, x := range r.Exchanges {
			if late := x.Sent - x.Scheduled; late < 0 || late > 20 {
				t.Fatalf("sent %v, scheduled %v", x.Sent, x.Scheduled)
			}
		}
		s := stage(1, 1)
		s.Rest = 20 * time.Second
		if next := send(t, a, s); next.Start < r.End+20*time.Second || next.Start > r.End+20*time.Second+20 {
			t.Errorf("next stage at %v", next.Start)
		}
	})
}

func TestTooFewWorkersVoid(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(time.Second)
		answer(w, r)
	}
	inBubble(t, slow, func(c *attack.Config) { c.MaxWorkers = 2 }, func(t *testing.T, a *attack.Attacker) {
		r := send(t, a, stage(60, 10))
		if r.Void == "" || !r.Exchanges[0].Void {
			t.Errorf("void %q, delay %v", r.Void, r.Delay)
		}
		if r.Sent == 60 {
			t.Error("the stage went on when it could tell nothing any more")
		}
		if len(r.Exchanges) != r.Sent {
			t.Errorf("sent %d, recorded %d", r.Sent, len(r.Exchanges))
		}
	})
}

// retry is a strategy that tries a refused request again after a second.

type retry struct{ next http.RoundTripper }

func (rt retry) RoundTrip(req *http.Request) (*http.Response, error) {
	for {
		if req.GetBody != nil {
			req.Body, _ = req.GetBody()
		}
		resp, err := rt.next.RoundTrip(req)
		if err != nil || resp.StatusCode != 429 {
			return resp, err
		}
		resp.Body.Close()
		time.Sleep(time.Second)
	}
}

func TestStrategyIsSeenAttemptByAttempt(t *testing.T) {
	wrap := func(next http.RoundTripper) http.RoundTripper { return retry{next} }
	inBubble(t, limited(1, 2500*time.Millisecond), func(c *attack.Config) { c.Wrap = wrap }, func(t *testing.T, a *attack.Attacker) {
		s := search.Stage{Hits: 2, Offsets: []time.Duration{0, time.Second}, Sizes: []search.Size{{Prompt: 20}}}
		r := send(t, a, s)
		if r.Sent != 2 || r.Void != "" || len(r.Exchanges) != 4 {
			t.Fatalf("sent %d, %d exchanges, void %q", r.Sent, len(r.Exchanges), r.Void)
		}
		for i, x := range r.Exchanges[1:] {
			if x.Task != 1 || x.Attempt != i+1 || x.Scheduled != time.Second || x.Sent != time.Duration(i+1)*time.Second {
				t.Errorf("attempt %d: %+v", i, x)
			}
		}
	})
}

func TestKeyGoesNowhereElse(t *testing.T) {
	var elsewhere atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}))
	defer target.Close()
	cfg := config()
	cfg.BaseURL = target.URL
	a, err := attack.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	x := send(t, a, stage(1, 1)).Exchanges[0]
	if elsewhere.Load() != 0 || x.Status != http.StatusTemporaryRedirect {
		t.Errorf("status %d, %d requests elsewhere", x.Status, elsewhere.Load())
	}
}

// A stage may have requests with several keys, with a strategy and without.
func TestKeyOfEachRequest(t *testing.T) {
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"plain": nil, "strategy": func(next http.RoundTripper) http.RoundTripper { return next },
	} {
		t.Run(name, func(t *testing.T) {
			signed := make(chan string, 4)
			handler := func(w http.ResponseWriter, r *http.Request) {
				signed <- r.Header.Get("Authorization")
				answer(w, r)
			}
			change := func(c *attack.Config) {
				c.Keys, c.Wrap = []string{"main", "second"}, wrap
				c.Reveal = func(name string) (string, error) { return "sk-" + name, nil }
			}
			inBubble(t, handler, change, func(t *testing.T, a *attack.Attacker) {
				st := stage(4, 1)
				st.Keys = []string{"", "second", "main", "second"}
				for i, x := range send(t, a, st).Exchanges {
					want := []string{"main", "second", "main", "second"}[i]
					if got := <-signed; got != "Bearer sk-"+want || x.Key != want {
						t.Errorf("request %d went out with %q, recorded as %q; want %s", i, got, x.Key, want)
					}
				}
			})
		})
	}
}

func TestCanaryStaysHidden(t *testing.T) {
	var written strings.Builder
	sink := func(x exchange.Exchange) error { return json.NewEncoder(&written).Encode(x) }
	inBubble(t, limited(0, time.Minute), func(c *attack.Config) { c.Sink = sink }, func(t *testing.T, a *attack.Attacker) {
		send(t, a, stage(2, 1))
	})
	if !strings.Contains(written.String(), "[key main]") || strings.Contains(written.String(), "canary") {
		t.Errorf("written: %s", written.String())
	}
	broken := func(c *attack.Config) {
		c.Transport = failing{fmt.Errorf("proxy said: Bearer %s", canary)}
	}
	inBubble(t, answer, broken, func(t *testing.T, a *attack.Attacker) {
		x := send(t, a, stage(1, 1)).Exchanges[0]
		if x.Outcome != exchange.Transport || x.Error != "proxy said: Bearer [key main]" {
			t.Errorf("%s: %s", x.Outcome, x.Error)
		}
	})
}

type failing struct{ err error }

func (f failing) RoundTrip(*http.Request) (*http.Response, error) { return nil, f.err }

func TestPlainHTTP(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.Method != "PUT" || r.URL.String() != "/v1/things?n=1" || r.ContentLength != 5 {
			t.Errorf("got %s %s, %d bytes", r.Method, r.URL, r.ContentLength)
		}
		w.WriteHeader(204)
	}
	change := func(c *attack.Config) {
		c.Kind, c.HTTP.Method, c.HTTP.Path, c.HTTP.Body = attack.KindHTTP, "PUT", "/things?n=1", "hello"
	}
	inBubble(t, handler, change, func(t *testing.T, a *attack.Attacker) {
		x := send(t, a, search.Stage{Hits: 1, Rate: 1}).Exchanges[0]
		if x.Outcome != exchange.Success || x.PromptTokens != 0 || x.Status != 204 {
			t.Errorf("%+v", x)
		}
	})
}

func TestImpossible(t *testing.T) {
	a, err := attack.New(config())
	if err != nil {
		t.Fatal(err)
	}
	size := []search.Size{{Prompt: 1}}
	for want, s := range map[string]search.Stage{
		"0 hits":           {},
		"rate 0":           {Hits: 2, Sizes: size},
		"1 offsets":        {Hits: 2, Offsets: make([]time.Duration, 1), Sizes: size},
		"not decrease":     {Hits: 2, Offsets: []time.Duration{1, 0}, Sizes: size},
		"no sizes":         {Hits: 2, Rate: 1},
		`key "x" is not`:   {Hits: 2, Rate: 1, Sizes: size, Key: "x"},
		`key "y" is not`:   {Hits: 2, Rate: 1, Sizes: size, Keys: []string{"", "y"}},
		"1 keys for 2":     {Hits: 2, Rate: 1, Sizes: size, Keys: []string{"main"}},
		"rest -1s":         {Hits: 2, Rate: 1, Sizes: size, Rest: -time.Second},
		"rate NaN: must b": {Hits: 2, Rate: nan(), Sizes: size},
	} {
		if _, err := a.Send(t.Context(), s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
	for want, change := range map[string]func(*attack.Config){
		"classifier":    func(c *attack.Config) { c.Classify = nil },
		"allowed are":   func(c *attack.Config) { c.Kind = "ftp" },
		"needs a model": func(c *attack.Config) { c.Model = "" },
		"http://":       func(c *attack.Config) { c.BaseURL = "example.com" },
		"password":      func(c *attack.Config) { c.BaseURL = "http://a:b@example.com" },
		"Host":          func(c *attack.Config) { c.Headers = map[string]string{"host": "x"} },
		"key main":      func(c *attack.Config) { c.Reveal = func(string) (string, error) { return "", nil } },
	} {
		cfg := config()
		change(&cfg)
		if _, err := attack.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", want, err)
		}
	}
}

func nan() float64 { var zero float64; return zero / zero }
