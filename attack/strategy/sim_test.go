package strategy_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/attack/strategy"
)

// A server is an endpoint without a network: limiters, a latency, and answers
// that name their outcome. It stands behind a chain as its transport.
type server struct {
	limits  []strategy.Limit
	shared  bool            // all keys have one account
	latency time.Duration   // of an admitted request
	slow    bool            // refusals take as long
	jitter  time.Duration   // requests arrive up to this late
	travels []time.Duration // how late requests arrive, one after the other, instead of jitter
	// faults are the outcomes of requests, in turn; "" asks the limits.
	faults  []exchange.Outcome
	breaks  bool   // every fifth request gets no answer
	hint    string // Retry-After of every refusal
	refuses string // model that has no room

	mu       sync.Mutex
	start    time.Time
	rng      *rand.Rand
	accounts map[string][]*limiter.Rule
	seen     []seen
	inFlight int
	most     int // were in flight at once
	open     int // bodies not closed
}

// seen is one attempt as the server saw it.
type seen struct {
	strategy.Attempt
	at      time.Duration // when it was sent
	outcome exchange.Outcome
	body    string
	header  http.Header
	url     string // host and path
}

// Limits of qwen3-max as documented for the international regions.
var qwen3Max = []strategy.Limit{
	{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 600, Window: time.Minute}},
	{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 10, Window: time.Second}},
	{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1_000_000, Window: time.Minute}, Tokens: true},
	{Spec: limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1_000_000. / 60, Window: time.Second}, Tokens: true},
}

func newServer(limits []strategy.Limit) *server {
	return &server{
		limits: limits, latency: 500 * time.Millisecond, start: time.Now(),
		rng: rand.New(rand.NewPCG(1, 2)), accounts: map[string][]*limiter.Rule{},
	}
}

func (s *server) RoundTrip(req *http.Request) (*http.Response, error) {
	a, ok := strategy.AttemptOf(req.Context())
	if !ok {
		return nil, fmt.Errorf("no attempt in the request's context")
	}
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	req.Body.Close()
	s.enter()
	defer s.leave()
	sent := time.Since(s.start)
	if err := s.travel(req.Context()); err != nil {
		return nil, err
	}
	outcome := s.decide(a, req, raw, sent)
	if outcome == exchange.Success || s.slow {
		if err := pause(req.Context(), s.latency); err != nil {
			return nil, err
		}
	}
	if outcome == exchange.Transport {
		return nil, errors.New("connection reset by peer")
	}
	return s.answer(req, outcome), nil
}

// travel is the way to the server.
func (s *server) travel(ctx context.Context) error {
	s.mu.Lock()
	d := time.Duration(0)
	if len(s.travels) > 0 {
		d, s.travels = s.travels[0], s.travels[1:]
	} else if s.jitter > 0 {
		d = time.Duration(s.rng.Int64N(int64(s.jitter)))
	}
	s.mu.Unlock()
	return pause(ctx, d)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *server) decide(a strategy.Attempt, req *http.Request, raw []byte, sent time.Duration) exchange.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Since(s.start)
	outcome := exchange.Success
	if n := len(s.faults); n > 0 && s.faults[len(s.seen)%n] != "" {
		outcome = s.faults[len(s.seen)%n]
	} else {
		outcome = s.limit(now, req, raw)
	}
	if s.refuses != "" && a.Model == s.refuses {
		outcome = exchange.RequestRate
	}
	if s.breaks && len(s.seen)%5 == 4 {
		outcome = exchange.Transport
	}
	s.seen = append(s.seen, seen{a, sent, outcome, string(raw), req.Header.Clone(), req.URL.Host + req.URL.Path})
	return outcome
}

func (s *server) limit(now time.Duration, req *http.Request, raw []byte) exchange.Outcome {
	account := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	if s.shared {
		account = ""
	}
	rules := s.accounts[account]
	if rules == nil {
		for _, l := range s.limits {
			rules = append(rules, limiter.NewRule(l.Spec))
		}
		s.accounts[account] = rules
	}
	cost := []float64{1, float64(tokensOf(raw))}
	for i, l := range s.limits {
		if !rules[i].Admits(now, cost[dim(l)]) {
			return []exchange.Outcome{exchange.RequestRate, exchange.TokenRate}[dim(l)]
		}
	}
	for i, l := range s.limits {
		rules[i].Charge(now, cost[dim(l)])
	}
	return exchange.Success
}

func dim(l strategy.Limit) int {
	if l.Tokens {
		return 1
	}
	return 0
}

func (s *server) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight++
	s.most = max(s.most, s.inFlight)
}

func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inFlight--
}

func (s *server) answer(req *http.Request, o exchange.Outcome) *http.Response {
	status := map[exchange.Outcome]int{
		exchange.Success: 200, exchange.Server: 500, exchange.Overload: 503, exchange.Auth: 401,
		exchange.InvalidRequest: 400, exchange.ContentFilter: 400, exchange.FreeQuota: 403, exchange.Billing: 400,
	}[o]
	if status == 0 {
		status = 429
	}
	h := http.Header{"X-Outcome": {string(o)}}
	if s.hint != "" && o != exchange.Success {
		h.Set("Retry-After", s.hint)
	}
	s.mu.Lock()
	s.open++
	s.mu.Unlock()
	return &http.Response{
		StatusCode: status, Header: h, Request: req,
		Body: &countedBody{Reader: strings.NewReader("outcome " + string(o)), s: s},
	}
}

type countedBody struct {
	io.Reader
	s    *server
	once sync.Once
}

func (b *countedBody) Close() error {
	b.once.Do(func() {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		b.s.open--
	})
	return nil
}

// judge reads the outcome off the simulated server's header.
func judge(resp *http.Response) exchange.Verdict {
	v := strategy.ByStatus(resp)
	v.Outcome = exchange.Outcome(resp.Header.Get("X-Outcome"))
	return v
}

// prompt is the simulated request body: its size in tokens.
type prompt struct {
	Model  string `json:"model"`
	Tokens int    `json:"tokens"`
}

func tokensOf(raw []byte) int {
	var p prompt
	json.Unmarshal(raw, &p)
	return p.Tokens
}

func cost(req *http.Request) int {
	raw, _ := io.ReadAll(req.Body)
	return tokensOf(raw)
}

func newRequest(ctx context.Context, tokens int) *http.Request {
	raw, _ := json.Marshal(prompt{Model: "qwen3-max", Tokens: tokens})
	req, _ := http.NewRequestWithContext(ctx, "POST", "http://primary.test/v1/chat/completions", bytes.NewReader(raw))
	req.Header.Set("Authorization", "Bearer own")
	return req
}

// keys are names that are their own secrets.
func keys(name string) (string, error) { return "secret-" + name, nil }

// result is what became of a batch.
type result struct {
	done, attempts int
	makespan       time.Duration
	refused        int
}

func (r result) waste() float64 { return float64(r.refused) / float64(r.attempts) }

// batch runs tasks of the given sizes through a chain, so many at a time.
func batch(t *testing.T, chain string, cfg strategy.Config, s *server, sizes []int, workers int) result {
	t.Helper()
	return batchOf(t, chain, cfg, cost, s, sizes, workers)
}

// batchOf is [batch] where requests are thought to cost what guess says.
func batchOf(t *testing.T, chain string, cfg strategy.Config, guess strategy.Cost, s *server, sizes []int, workers int) result {
	t.Helper()
	if cfg.Judge == nil {
		cfg.Judge = judge
	}
	cfg.Cost, cfg.Keys = guess, keys
	wrap, err := strategy.Parse(chain, cfg)
	if err != nil {
		t.Fatal(err)
	}
	rt := wrap(s)
	begin := time.Now()
	work := make(chan int)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var r result
	for range workers {
		wg.Go(func() {
			for tokens := range work {
				resp, err := rt.RoundTrip(newRequest(t.Context(), tokens))
				if err != nil {
					continue
				}
				io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				mu.Lock()
				if resp.StatusCode == 200 {
					r.done++
				}
				mu.Unlock()
			}
		})
	}
	for _, n := range sizes {
		work <- n
	}
	close(work)
	wg.Wait()
	r.makespan = time.Since(begin)
	r.attempts = len(s.seen)
	for _, a := range s.seen {
		if a.outcome != exchange.Success {
			r.refused++
		}
	}
	if s.open != 0 {
		t.Errorf("%s: %d bodies were left open", chain, s.open)
	}
	return r
}

// normal draws n sizes around a mean, at least 50 tokens each.
func normal(n int, mean, sd float64) []int {
	rng := rand.New(rand.NewPCG(7, 7))
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = max(50, int(mean+sd*rng.NormFloat64()))
	}
	return sizes
}

// physical is the shortest time in which an endpoint of qwen3-max's limits can
// serve the sizes: max(requests/RPM*, tokens/TPM*).
func physical(sizes []int) time.Duration {
	var tokens float64
	for _, n := range sizes {
		tokens += float64(n)
	}
	minutes := max(float64(len(sizes))/600, tokens/1e6)
	return time.Duration(minutes * float64(time.Minute))
}
