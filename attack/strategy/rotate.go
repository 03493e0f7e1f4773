package strategy

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// rotation spreads requests over keys. A request whose key is refused goes on
// with the next key that is ready; when none is, its answer is handed back. A
// request that finds every key at rest waits for the first to come back.
type rotation struct {
	cfg  Config
	next http.RoundTripper

	mu   sync.Mutex
	keys []*key
	last int // index of the key that was chosen last
}

// A key is one API key by name, and how it fares.
type key struct {
	name string
	rest rest
	load float64 // tokens (plus one a request) under way
}

func newRotation(cfg Config, next http.RoundTripper) *rotation {
	r := &rotation{cfg: cfg, next: next, last: -1}
	for _, name := range cfg.Rotate.Keys {
		r.keys = append(r.keys, &key{name: name, rest: rest{first: cfg.Rotate.Rest, longest: cfg.Rotate.MaxRest}})
	}
	return r
}

// RoundTrip implements [http.RoundTripper].
func (r *rotation) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	outer := j.key
	defer func() { j.key = outer }()
	load := r.cfg.cost(req) + 1
	k, err := r.first(req.Context(), j, load)
	if err != nil {
		return nil, err
	}
	for {
		resp, refused, err := r.try(req, j, k, load)
		if !refused {
			return resp, err
		}
		following, wait := r.choose(load)
		if following == nil {
			return resp, nil
		}
		if wait > 0 {
			r.done(following, load)
			return resp, nil
		}
		more, resp, err := j.again(req, 0, resp, nil)
		if !more {
			r.done(following, load)
			return resp, err
		}
		k = following
	}
}

// first chooses the key for a task's first attempt here, waiting while all rest.
func (r *rotation) first(ctx context.Context, j *journey, load float64) (*key, error) {
	for {
		k, wait := r.choose(load)
		if k == nil {
			return nil, ErrNoKey
		}
		if wait == 0 {
			return k, nil
		}
		r.done(k, load)
		if j.late(wait) {
			return nil, ErrDeadline
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// try sends the request with key k and learns from the answer: refused says
// that another key may do better. The load is taken off the key when the
// answer's body is closed.
func (r *rotation) try(req *http.Request, j *journey, k *key, load float64) (resp *http.Response, refused bool, err error) {
	secret, err := r.cfg.Keys(k.name)
	if err != nil {
		r.done(k, load)
		return nil, false, unsent{fmt.Errorf("key %s: %w", k.name, err)}
	}
	j.key = k.name
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	out.Header.Set("Authorization", "Bearer "+secret)
	sentAt := time.Now()
	resp, err = r.next.RoundTrip(out)
	if err != nil {
		r.done(k, load)
		return nil, false, err
	}
	r.mu.Lock()
	refused = k.rest.saw(r.cfg, j.verdict, sentAt, time.Now())
	r.mu.Unlock()
	onClose(resp, func() { r.done(k, load) })
	return resp, refused, nil
}

// choose books the load on the key to use next and returns how long that key
// still rests; nil when no key will ever be ready.
func (r *rotation) choose(load float64) (*key, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var best *key
	var bestWait time.Duration
	bestAt := 0
	for n := range r.keys {
		at := (r.last + 1 + n) % len(r.keys)
		k := r.keys[at]
		wait, back := k.rest.ready(now)
		if !back {
			continue
		}
		lighter := r.cfg.Rotate.Order == LeastLoaded && best != nil && wait == bestWait && k.load < best.load
		if best == nil || wait < bestWait || lighter {
			best, bestWait, bestAt = k, wait, at
		}
	}
	if best != nil {
		best.load += load
		r.last = bestAt
	}
	return best, bestWait
}

// done takes the load off the key.
func (r *rotation) done(k *key, load float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	k.load -= load
}
