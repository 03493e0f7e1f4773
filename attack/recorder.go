package attack

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"sync"
	"time"

	"probe/analysis/exchange"
	"probe/attack/strategy"
)

// A recorder is the innermost transport before the wire. Every request that
// passes it is one attempt: it comes out of the budget, gets its key, and
// becomes one exchange.
type recorder struct {
	cfg        Config
	keys       *keyring
	calibrator *Calibrator
	next       http.RoundTripper
	room       *room
	clear      *url.URL // where requests go that certainly see no TLS; nil: unknown

	mu  sync.Mutex
	seq uint64
}

// RoundTrip implements [http.RoundTripper]. It returns when the whole answer
// has been read; the response's body then is what was kept of it.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	t, ok := taskOf(req.Context())
	if !ok {
		closeBody(req)
		return nil, errNoTask
	}
	prompt, completion := r.atMost(t.hit)
	hold, err := r.cfg.Budget.Reserve(r.cfg.Clock.Now(), prompt, completion)
	if err != nil {
		closeBody(req)
		t.f.spend()
		return nil, err
	}
	x := r.begin(req, t)
	if r.cfg.Announce != nil {
		if err := r.cfg.Announce(Announcement{x.Seq, prompt, completion}); err != nil {
			closeBody(req)
			hold.Settle(exchange.Usage{})
			t.f.fail(err)
			return nil, err
		}
	}
	resp, rd, err := r.exchange(req, &x)
	x.Done = max(cmp.Or(rd.done, r.cfg.Clock.Now()), x.FirstByte, x.FirstToken)
	r.room.read(len(rd.body), func() { r.judge(&x, resp, rd, err) })
	r.room.give(rd.held)
	r.settle(hold, &x, t.hit)
	t.f.record(&x)
	return resp, err
}

// atMost returns the most tokens that a request can use.
func (r *recorder) atMost(h hit) (prompt, completion int64) {
	if h.words == 0 {
		return 0, 0
	}
	return r.calibrator.Bound(h.words), int64(h.size.MaxTokens)
}

// begin starts the record of an attempt. Numbers and times of sending are
// drawn together, so that both put the attempts in the same order.
func (r *recorder) begin(req *http.Request, t *task) exchange.Exchange {
	x := exchange.Exchange{
		Stage:     t.f.stage.Number,
		Attempt:   int(t.attempts.Add(1)),
		Target:    r.cfg.Target,
		Key:       t.f.keyOf(t.hit.number),
		Model:     r.cfg.Model,
		Scheduled: t.due,
		MaxTokens: t.hit.size.MaxTokens,
		BytesOut:  uint64(max(0, req.ContentLength)),
	}
	if t.hit.words > 0 {
		x.PromptTokens = r.calibrator.Tokens(t.hit.words)
	}
	if r.cfg.Wrap != nil {
		if a, ok := strategy.AttemptOf(req.Context()); ok {
			x.Key, x.Model = cmp.Or(a.Key, x.Key), cmp.Or(a.Model, x.Model)
		}
	}
	r.mu.Lock()
	if x.Seq = r.seq; t.f.alone {
		r.seq++
	} else {
		x.Seq = t.f.share.FirstSeq + uint64(t.hit.number)
	}
	x.Sent = r.cfg.Clock.Now()
	r.mu.Unlock()
	if x.Attempt == 1 {
		t.number.Store(x.Seq)
		t.f.sent.Add(1)
	}
	x.Task = t.number.Load()
	if t.f.work != nil {
		x.Task = uint64(t.hit.number)
	}
	return x
}

// exchange sends the request and reads the answer within the time allowed for
// one attempt.
func (r *recorder) exchange(req *http.Request, x *exchange.Exchange) (*http.Response, reading, error) {
	ctx, cancel := context.WithTimeout(req.Context(), r.timeout())
	defer cancel()
	out := sendOnce(ctx, req, r.clear != nil && req.URL.Scheme == r.clear.Scheme && req.URL.Host == r.clear.Host)
	if r.cfg.Wrap != nil { // a strategy may send the request again, with another key
		out.Header = req.Header.Clone()
		r.keys.sign(out.Header, out.URL, x.Key)
	}
	resp, err := r.next.RoundTrip(out)
	if err != nil {
		return nil, reading{}, within(ctx, err)
	}
	x.FirstByte = r.cfg.Clock.Now()
	x.Status = resp.StatusCode
	x.Arrived = serverTime(resp.Header, r.cfg.ServerClockHeader)
	rd := readAnswer(ctx, resp, r.cfg.Clock, newOwnUsage(r.cfg.Usage), r.room, cancel)
	if rd.err != nil {
		rd.err = within(ctx, rd.err)
	}
	x.Streamed, x.FirstToken, x.Usage = rd.streamed, rd.firstToken, rd.usage
	x.Truncated, x.BytesIn = truncated(rd.finish), uint64(rd.size)
	resp.Request = req
	resp.Body = newKeptBody(rd.body)
	if rd.err != nil && !decided(x.Status, rd) {
		return nil, rd, rd.err
	}
	return resp, rd, nil
}

// timeout returns the time for one attempt by the wall's clock.
func (r *recorder) timeout() time.Duration {
	t := r.cfg.Timeout
	return max(r.cfg.Clock.Wall(t), min(t, time.Second))
}

// within returns the reason for err: a context that ended shows as all kinds
// of broken connections.
func within(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
