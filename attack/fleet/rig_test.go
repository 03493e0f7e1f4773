package fleet

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/endpoint"
	"probe/attack/endpoint/endpointtest"
	"probe/scenarios/providers"
)

// canary is a key that must never be on the bus.
const canary = "sk-canary-0123456789abcdef"

// A rig is a fleet in a bubble: an endpoint, a wire, a coordinator and workers
// that share a clock and nothing else.
type rig struct {
	t      *testing.T
	server *endpoint.Server
	dial   endpointtest.DialFunc
	wire   *wire
	clock  attack.Clock
	start  time.Time

	coordinator *Coordinator
	office      *client // the coordinator's end of the wire
	budget      *attack.Budget
	workers     []*handle
	ends        []func()

	mu        sync.Mutex
	recorded  []exchange.Exchange
	announced map[uint64]bool
	again     int
}

// A handle is a worker as the test holds it.
type handle struct {
	client *client
	cancel context.CancelFunc
	wires  *cuttable
	done   chan struct{}
	err    error
	skew   time.Duration
}

// cuttable is a worker's way to the endpoint: a process that is killed takes
// its connections with it.
type cuttable struct {
	dial  endpointtest.DialFunc
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (c *cuttable) connect(ctx context.Context, network, addr string) (net.Conn, error) {
	c.mu.Lock()
	dead := c.dead
	c.mu.Unlock()
	if dead {
		return nil, net.ErrClosed
	}
	conn, err := c.dial(ctx, network, addr)
	if err == nil {
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
	}
	return conn, err
}

func (c *cuttable) kill() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for _, conn := range c.conns {
		conn.Close()
	}
}

// distant is a way to the endpoint that takes as long as the one to the bus.
type distant struct {
	wire *wire
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (d distant) RoundTrip(req *http.Request) (*http.Response, error) {
	d.wire.travel()
	resp, err := d.next.RoundTrip(req)
	d.wire.travel()
	return resp, err
}

// requests limits requests.
func requests(a limiter.Algorithm, amount float64, window time.Duration) endpoint.Limit {
	return endpoint.Limit{Dimension: endpoint.Requests, Spec: limiter.Spec{Algorithm: a, Amount: amount, Window: window}}
}

// inBubble runs f in virtual time with an endpoint of the given limits.
func inBubble(t *testing.T, limits []endpoint.Limit, f func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := endpoint.New(endpoint.Config{
			Dialect: endpoint.Alibaba, Limits: limits, Latency: endpoint.Latency{TTFT: 20 * time.Millisecond, Jitter: 5 * time.Millisecond},
		})
		if err != nil {
			t.Fatal(err)
		}
		l, dial := endpointtest.Pipe()
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, l) }()
		r := &rig{
			t: t, server: server, dial: dial, wire: newWire(), start: time.Now(), clock: attack.NewClock(time.Now(), 1),
			announced: map[uint64]bool{},
		}
		f(t, r)
		r.end()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // for messages that are still on their way
		synctest.Wait()
	})
}

func (r *rig) end() {
	if r.coordinator != nil {
		if err := r.coordinator.Close(); err != nil {
			r.t.Error(err)
		}
	}
	for _, h := range r.workers {
		h.cancel()
		<-h.done
	}
	for _, end := range r.ends {
		end()
	}
}

// attacker makes an attacker against the endpoint, as the command does.
func (r *rig) attacker(dial endpointtest.DialFunc, s Sending) (*attack.Attacker, error) {
	profile, err := providers.Named("alibaba")
	if err != nil {
		return nil, err
	}
	transport := attack.NewTransportDial(dial)
	r.mu.Lock()
	r.ends = append(r.ends, transport.CloseIdleConnections)
	r.mu.Unlock()
	return attack.New(attack.Config{
		Target: "test", BaseURL: "http://endpoint.test/v1", Model: "m", Keys: []string{"main"},
		Reveal: func(string) (string, error) { return canary, nil }, ServerClockHeader: profile.ServerClockHeader,
		Classify: func(a classify.Answer) exchange.Verdict { return classify.New(profile).Classify(a) },
		Clock:    s.Clock, Calibrator: s.Calibrator, Budget: s.Budget, Sink: s.Sink, Grace: s.Grace, Transport: distant{r.wire, transport}, Seed: 7,
	})
}

// hire starts workers.
func (r *rig) hire(skews ...time.Duration) {
	for _, skew := range skews {
		h := &handle{client: r.wire.client(), wires: &cuttable{dial: r.dial}, done: make(chan struct{}), skew: skew}
		ctx, cancel := context.WithCancel(r.t.Context())
		h.cancel = cancel
		r.workers = append(r.workers, h)
		go func() {
			defer close(h.done)
			h.err = Work(ctx, WorkerConfig{
				Bus: h.client, Skew: h.skew, Patience: time.Minute,
				Arm: func(Spec) (func(Sending) (*attack.Attacker, error), error) {
					return func(s Sending) (*attack.Attacker, error) { return r.attacker(h.wires.connect, s) }, nil
				},
			})
		}()
	}
}

// kill ends a worker as a signal that cannot be caught does.
func (h *handle) kill() {
	h.client.cut(true)
	h.wires.kill()
	h.cancel()
}

// coordinate starts the coordinator and waits for the workers.
func (r *rig) coordinate(limits attack.Limits) {
	r.t.Helper()
	r.budget = attack.NewBudget(limits, attack.Spent{}, nil)
	r.office = r.wire.client()
	var err error
	r.coordinator, err = New(Config{
		Bus: r.office, Program: "test", Workers: len(r.workers), Rest: 5 * time.Second,
		Chat: true, Model: "m", Budget: r.budget, Clock: r.clock,
		Sink: func(x exchange.Exchange) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.recorded = append(r.recorded, x)
			return nil
		},
		Announce: func(a attack.Announcement) error { r.announced[a.Seq] = true; return nil },
		Withdraw: func(seq uint64) error { delete(r.announced, seq); return nil },
		Again:    func(search.Stage) error { r.again++; return nil },
		Log:      r.t.Logf,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	if err := r.coordinator.Gather(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
}

// single returns an attacker that sends alone, on the same clock.
func (r *rig) single() attack.Sender {
	a, err := r.attacker(r.dial, Sending{Clock: r.clock})
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// checkBooks checks what must hold however a run went: nothing is recorded
// twice or unannounced, and the endpoint saw no more than the budget counts.
func (r *rig) checkBooks() {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[uint64]bool{}
	for _, x := range r.recorded {
		if seen[x.Seq] {
			r.t.Errorf("request %d is recorded twice", x.Seq)
		}
		if seen[x.Seq] = true; !r.announced[x.Seq] {
			r.t.Errorf("request %d is recorded, and withdrawn or never announced", x.Seq)
		}
	}
	if asked, spent := r.server.Stats().Requests, r.budget.Spent().Requests; asked > spent {
		r.t.Errorf("the endpoint saw %d requests, the budget counts %d", asked, spent)
	}
	if spent := r.budget.Spent().Requests; spent != int64(len(r.announced)) {
		r.t.Errorf("the budget counts %d requests, %d stay announced", spent, len(r.announced))
	}
}

func stage(hits int, rate float64) search.Stage {
	return search.Stage{Question: "step", Hits: hits, Rate: rate, Sizes: []search.Size{{Prompt: 40, MaxTokens: 1}}}
}
