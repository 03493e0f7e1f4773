package attack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"probe/analysis/search"
)

// firstWorkers is how many workers Vegeta starts with; it adds more, up to
// Config.MaxWorkers, as soon as all are busy.
const firstWorkers = 64

// An Attacker sends stages as Vegeta attacks against one target.
type Attacker struct {
	cfg      Config
	url      string
	parsed   *url.URL
	header   http.Header
	empty    *http.Request // what all requests of closed loops are copies of
	render   renderer
	recorder *recorder
	chain    http.RoundTripper // the strategy, if any, around the recorder

	mu      sync.Mutex // held while a stage is under way
	lastEnd time.Duration
}

var _ Sender = (*Attacker)(nil)

// New returns an attacker. It reveals the keys and checks the configuration,
// and sends nothing.
func New(cfg Config) (*Attacker, error) {
	cfg = cfg.withDefaults()
	if err := cfg.check(); err != nil {
		return nil, err
	}
	u, err := cfg.endpointURL()
	if err != nil {
		return nil, err
	}
	keys, err := newKeyring(cfg, u)
	if err != nil {
		return nil, err
	}
	a := &Attacker{cfg: cfg, url: u.String(), parsed: u, header: cfg.headers(), lastEnd: cfg.After}
	a.empty = a.blank()
	a.render = plain{[]byte(cfg.HTTP.Body)}
	if cfg.Kind == KindChat {
		if a.render, err = newChat(cfg, cfg.Calibrator); err != nil {
			return nil, fmt.Errorf("attack: model: %w", err)
		}
	}
	a.recorder = &recorder{cfg: cfg, keys: keys, calibrator: cfg.Calibrator, next: cfg.Transport, room: newRoom(), seq: cfg.FirstSeq, clear: cleartext(cfg.Transport, u)}
	a.chain = a.recorder
	if cfg.Wrap != nil {
		a.chain = cfg.Wrap(a.recorder)
	}
	return a, nil
}

// headers returns the headers of every request, without a key.
func (c Config) headers() http.Header {
	h := http.Header{"User-Agent": {"probe"}}
	if c.Kind == KindChat {
		h.Set("Content-Type", "application/json")
		if c.Stream {
			h.Set("Accept", "text/event-stream")
		}
	}
	of := []map[string]string{c.Headers}
	if c.Kind == KindChat {
		of = []map[string]string{c.API.RequestHeaders, c.Headers}
		if c.Stream {
			of = []map[string]string{c.API.RequestHeaders, c.API.StreamHeaders, c.Headers}
		}
	}
	for _, headers := range of {
		for name, value := range headers {
			h.Set(name, value)
		}
	}
	return h
}

// method returns the HTTP method of the requests.
func (a *Attacker) method() string {
	if a.cfg.Kind == KindChat {
		return http.MethodPost
	}
	return a.cfg.HTTP.Method
}

// Calibrator returns what has been learnt of the endpoint's count of tokens.
func (a *Attacker) Calibrator() *Calibrator { return a.recorder.calibrator }

// Close gives the connections up. It does not wait for anything in flight.
func (a *Attacker) Close() {
	if t, ok := a.cfg.Transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Send sends one stage and returns when every answer is in. When ctx is done,
// it stops sending, lets what is in flight go on for the configured grace,
// cuts off the rest, and returns what there is together with the reason.
//
// Any other error means that an exchange could not be recorded, or that the
// stage is impossible.
func (a *Attacker) Send(ctx context.Context, s search.Stage) (Result, error) {
	return a.send(ctx, s, nil, nil)
}

// send sends a stage, as an attack of Vegeta's or, when it is the work of a
// closed loop, with workers of its own. A nil share is all of the stage.
func (a *Attacker) send(ctx context.Context, s search.Stage, w *work, share *Share) (Result, error) {
	if s.Hits == 1 && s.Offsets == nil {
		s.Offsets = []time.Duration{0} // one request needs no rate
	}
	key, err := a.accept(s)
	if err != nil {
		return Result{}, err
	}
	if ctx.Err() != nil {
		return Result{}, interrupted(ctx, s)
	}
	if !a.mu.TryLock() {
		return Result{}, errors.New("attack: two stages at once")
	}
	defer a.mu.Unlock()
	defer func() { a.lastEnd = a.cfg.Clock.Now() }()

	f := newFlight(ctx, s, key, a.cfg)
	defer f.cancel()
	f.work = w
	f.join(share)
	var r Result
	if w != nil && w.closed {
		defer a.cutOff(ctx, f)()
		r = a.loop(f)
	} else {
		f.attacker = a.vegeta(f)
		defer a.cutOff(ctx, f)()
		r = a.attack(f)
	}
	if ctx.Err() != nil && (r.Scheduled < f.hits() || r.Sent < f.hits()) {
		return r, cmp.Or(f.err, interrupted(ctx, s))
	}
	return r, f.err
}

// attack lets Vegeta send a flight.
func (a *Attacker) attack(f *flight) Result {
	feed := newFeed(f, a.render)
	<-feed.ready
	if !f.begin(max(a.cfg.Clock.Now(), a.lastEnd+f.stage.Rest)) {
		f.halt()
		<-feed.done
		return Result{}
	}
	for range f.attacker.Attack(feed.targeter(a.method(), a.url), newPacer(f), 0, "") {
		// Vegeta's results say nothing that the recorder does not know.
	}
	r := f.result()
	f.halt()
	<-feed.done
	return r
}

// vegeta returns the engine for one stage: an Attacker of Vegeta's cannot be
// used twice. What is worth keeping, the connections, is in the transport.
func (a *Attacker) vegeta(f *flight) *vegeta.Attacker {
	return vegeta.NewAttacker(
		vegeta.Client(a.client(f)),
		vegeta.Workers(min(uint64(f.hits()), firstWorkers, a.cfg.MaxWorkers)),
		vegeta.MaxWorkers(a.cfg.MaxWorkers),
		vegeta.MaxBody(0),
	)
}

// entry returns the transport through which the requests of a flight go.
func (a *Attacker) entry(f *flight) *entry {
	e := &entry{f: f, header: a.header, shared: a.cfg.Wrap == nil, next: a.chain}
	if !e.shared {
		return e
	}
	e.header = a.signed(f.key)
	for _, name := range f.stage.Keys {
		if name != "" && e.others[name] == nil {
			if e.others == nil {
				e.others = map[string]http.Header{}
			}
			e.others[name] = a.signed(name)
		}
	}
	return e
}

// signed returns the headers of requests with the key of the given name.
func (a *Attacker) signed(key string) http.Header {
	h := a.header.Clone()
	a.recorder.keys.sign(h, a.parsed, key)
	return h
}

// client returns the client through which the requests of a flight go.
func (a *Attacker) client(f *flight) *http.Client {
	return &http.Client{
		Transport: a.entry(f),
		// A redirect is an answer like any other. Followed, it would be a
		// request that no schedule knows, with a key that is not meant for it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// cutOff sees to it that the end of ctx stops the flight and, after the grace,
// what is in flight. The function that it returns ends the watch.
func (a *Attacker) cutOff(ctx context.Context, f *flight) func() {
	var grace *time.Timer
	var mu sync.Mutex
	enough := make(chan struct{})
	go func() { // another sender of the same stage has seen enough
		select {
		case <-f.share.Stop:
			f.halt()
		case <-enough:
		}
	}()
	stop := context.AfterFunc(ctx, func() {
		f.halt()
		mu.Lock()
		defer mu.Unlock()
		grace = time.AfterFunc(max(0, a.cfg.Grace), f.cancel)
	})
	return func() {
		close(enough)
		stop()
		mu.Lock()
		defer mu.Unlock()
		if grace != nil {
			grace.Stop()
		}
	}
}

// interrupted says why the end of ctx kept a stage from its own.
func interrupted(ctx context.Context, s search.Stage) error {
	return fmt.Errorf("attack: stage %d was interrupted: %w", s.Number, context.Cause(ctx))
}

// accept checks a stage and returns the name of the key that those of its
// requests use that name none.
func (a *Attacker) accept(s search.Stage) (key string, err error) {
	bad := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("attack: stage %d: "+format, append([]any{s.Number}, args...)...)
	}
	switch {
	case s.Hits <= 0:
		return bad("%d hits: must be at least 1", s.Hits)
	case s.Offsets != nil && len(s.Offsets) < s.Hits:
		return bad("%d offsets for %d hits", len(s.Offsets), s.Hits)
	case s.Offsets != nil && (s.Offsets[0] < 0 || !slices.IsSorted(s.Offsets[:s.Hits])):
		return bad("offsets must begin at 0 or later and not decrease")
	case s.Offsets == nil && !(s.Rate > 0):
		return bad("rate %v: must be above 0", s.Rate)
	case s.Keys != nil && len(s.Keys) < s.Hits:
		return bad("%d keys for %d hits", len(s.Keys), s.Hits)
	case s.Rest < 0:
		return bad("rest %v: must not be negative", s.Rest)
	case a.cfg.Kind == KindChat && len(s.Sizes) == 0:
		return bad("no sizes")
	}
	if key = s.Key; key == "" && len(a.cfg.Keys) > 0 {
		key = a.cfg.Keys[0]
	}
	for _, name := range append([]string{key}, s.Keys...) {
		if name != "" && !slices.Contains(a.cfg.Keys, name) {
			return bad("key %q is not among %v", name, a.cfg.Keys)
		}
	}
	return key, nil
}
