package live

import (
	"maps"
	"sync"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis/exchange"
	"probe/analysis/search"
)

// Config says what a [Monitor] watches.
type Config struct {
	Scenario, Target, Model string
	// Now is the endpoint time since the start of the run.
	Now func() time.Duration
	// Speed is how many times faster than the wall's the endpoint's clock
	// runs; 0 counts as 1.
	Speed float64
	// Precision is the relative width at which an interval is narrow enough.
	Precision float64
	// Account tells what has been used; nil: nobody counts.
	Account func() Account
}

// An Account is what a run has used and may use. A limit of zero is none.
type Account struct {
	Requests, RequestLimit int64
	Tokens, TokenLimit     int64
	Money, MoneyLimit      decimal.Decimal
	Currency               string // of the money; empty: nothing has a price
	TimeLimit              time.Duration
}

// A Result is how a stage went.
type Result struct {
	Exchanges []exchange.Exchange
	Sent      int
	End       time.Duration // when the last answer was in
	Void      string        // why it is no evidence; empty when it is
}

// A Watcher is told what happens in a run, in this order for each stage.
// Started and Observe are called from many goroutines at once and must return
// at once: the attack waits for them.
type Watcher interface {
	// Begin is called before a stage is sent, with the limits known by then.
	Begin(search.Stage, []search.Known)
	// Started is called when a request is about to go out.
	Started()
	// Observe is called when its answer is in, or will never be.
	Observe(exchange.Exchange)
	// End is called when the stage is over.
	End(search.Stage, Result)
}

// Watchers tells several watchers, one after the other.
type Watchers []Watcher

// Begin implements [Watcher].
func (ws Watchers) Begin(st search.Stage, known []search.Known) {
	for _, w := range ws {
		w.Begin(st, known)
	}
}

// Started implements [Watcher].
func (ws Watchers) Started() {
	for _, w := range ws {
		w.Started()
	}
}

// Observe implements [Watcher].
func (ws Watchers) Observe(x exchange.Exchange) {
	for _, w := range ws {
		w.Observe(x)
	}
}

// End implements [Watcher].
func (ws Watchers) End(st search.Stage, r Result) {
	for _, w := range ws {
		w.End(st, r)
	}
}

// A Monitor counts what happens in a run. Its methods may be called from many
// goroutines at once.
type Monitor struct {
	cfg Config

	mu       sync.Mutex
	stage    search.Stage
	running  bool
	since    time.Duration // when the stage was asked for
	sent     int           // of this stage
	answered int
	inStage  map[exchange.Outcome]int64
	total    map[exchange.Outcome]int64
	inFlight int
	stages   int
	known    []search.Known
	rates    rates
	lastEnd  time.Duration
}

var _ Watcher = (*Monitor)(nil)

// NewMonitor returns a monitor of a run that has sent nothing yet.
func NewMonitor(cfg Config) *Monitor {
	if cfg.Speed <= 0 {
		cfg.Speed = 1
	}
	return &Monitor{
		cfg: cfg, inStage: map[exchange.Outcome]int64{}, total: map[exchange.Outcome]int64{},
		rates: rates{bin: time.Duration(cfg.Speed * float64(time.Second))},
	}
}

// Begin implements [Watcher].
func (m *Monitor) Begin(st search.Stage, known []search.Known) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stage, m.running, m.since = st, true, m.cfg.Now()
	m.sent, m.answered = 0, 0
	m.known = known
	clear(m.inStage)
}

// Started implements [Watcher].
func (m *Monitor) Started() {
	now := m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent++
	m.inFlight++
	m.rates.at(now).offered++
}

// Observe implements [Watcher].
func (m *Monitor) Observe(x exchange.Exchange) {
	now := m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.inFlight--
	m.answered++
	m.inStage[x.Outcome]++
	m.total[x.Outcome]++
	if x.Admitted() {
		m.rates.at(now).accepted++
	}
}

// End implements [Watcher].
func (m *Monitor) End(_ search.Stage, r Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running = false
	m.stages++
	m.lastEnd = max(m.lastEnd, r.End)
}

// A Snapshot is the state of a run at one moment.
type Snapshot struct {
	Scenario, Target, Model string
	Precision               float64
	Speed                   float64
	Now                     time.Duration // endpoint time

	Stage    search.Stage
	Running  bool          // the stage is under way
	Silence  time.Duration // left before the first request of the stage
	Sent     int           // of the stage
	Answered int
	InStage  map[exchange.Outcome]int64

	Stages   int // that came to their end
	InFlight int
	Total    map[exchange.Outcome]int64
	Known    []search.Known

	// Offered and Accepted are requests per minute of endpoint time, over the
	// last few seconds of the wall's clock.
	Offered, Accepted float64
	// Course is both over the last minute of the wall's clock, oldest first,
	// a value a second.
	Course []Rate

	Account Account
}

// A Rate is requests per minute of endpoint time.
type Rate struct{ Offered, Accepted float64 }

// Snapshot returns the state of the run.
func (m *Monitor) Snapshot() Snapshot {
	var account Account
	if m.cfg.Account != nil {
		account = m.cfg.Account()
	}
	now := m.cfg.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := Snapshot{
		Scenario: m.cfg.Scenario, Target: m.cfg.Target, Model: m.cfg.Model,
		Precision: m.cfg.Precision, Speed: m.cfg.Speed, Now: now,
		Stage: m.stage, Running: m.running, Sent: m.sent, Answered: m.answered, InStage: maps.Clone(m.inStage),
		Stages: m.stages, InFlight: m.inFlight, Total: maps.Clone(m.total), Known: m.known,
		Account: account,
	}
	if m.running && m.sent == 0 {
		s.Silence = max(0, m.lastEnd+m.stage.Rest-now)
	}
	s.Offered, s.Accepted = m.rates.recent(now)
	s.Course = m.rates.course(now)
	return s
}
