package endpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"probe/analysis/exchange"
)

// A call is one request on its way through the endpoint.
type call struct {
	request
	id      string
	seq     uint64
	key     string
	native  bool // came by the native path
	retry   bool // a client's library says that it has tried before
	known   bool // the fields below have been set
	account *account
	demand  demand
	luck    luck // which faults befall it
	levels  []level

	arrived time.Duration // endpoint time at which the request was complete
	first   time.Duration // when the first token is due
}

// An answerer writes the answer of a call that was let in. It returns early
// when ctx is done.
type answerer func(ctx context.Context, w http.ResponseWriter, c *call)

// A route is how calls of one path are read and answered.
type route struct {
	parse  parser
	answer answerer
	native bool // refusals are worded as the native API does
	open   bool // no key is needed
}

// handle is the way of every limited request: read, decide, wait, answer.
func (s *Server) handle(to route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{retry: isRetry(r.Header)}
		var wrong *refusal
		if c.key = bearer(r.Header); c.key == "" && !to.open {
			wrong = &refusal{outcome: exchange.Auth}
		} else {
			c.request, wrong = readRequest(w, r, to.parse)
		}
		c.native = to.native
		if wrong == nil {
			c.demand = s.demandOf(c.request)
		}
		no := s.admit(r.Context(), c, wrong, s.holdFor(r.Header))
		if no != nil {
			s.writeRefusal(w, c, no)
			return
		}
		defer s.finish(c)
		if s.clock.sleepUntil(r.Context(), c.first) != nil {
			return // the client has gone
		}
		if c.luck.serverError {
			s.writeRefusal(w, c, s.refusal(c, exchange.Server))
			return
		}
		to.answer(r.Context(), w, c)
	}
}

// readRequest reads and parses the body.
func readRequest(w http.ResponseWriter, r *http.Request, parse parser) (request, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		wrong := &refusal{outcome: exchange.InvalidRequest, message: "the body could not be read"}
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
			wrong.status = http.StatusRequestEntityTooLarge
			wrong.message = fmt.Sprintf("the body is larger than %d bytes", MaxBody)
		}
		return request{}, wrong
	}
	req, err := parse(r, body)
	if err != nil {
		return req, &refusal{outcome: exchange.InvalidRequest, message: err.Error()}
	}
	return req, nil
}

// demandOf settles how long the answer to r will be and what that asks of
// the limiters.
func (s *Server) demandOf(r request) demand {
	d := demand{plain: r.plain, prompt: r.prompt, completion: s.cfg.AnswerTokens, maxTokens: s.cfg.AnswerTokens}
	if r.maxTokens > 0 {
		d.maxTokens = r.maxTokens
		d.completion = min(d.completion, r.maxTokens)
	}
	if r.plain {
		d.completion = 0
	}
	return d
}

// holdFor returns for how long the dialect lets a request wait that burst
// protection would refuse.
func (s *Server) holdFor(h http.Header) time.Duration {
	if d, ok := s.dialect.(holder); ok {
		return d.hold(h)
	}
	return 0
}

// admit decides about c and returns nil when it may pass. A request that may
// be held is asked again whenever it could pass, until its hold is over.
func (s *Server) admit(ctx context.Context, c *call, wrong *refusal, hold time.Duration) *refusal {
	for {
		no, until := s.decide(c, wrong, hold)
		if until == 0 {
			return no
		}
		if s.clock.sleepUntil(ctx, until) != nil {
			hold = 0 // the client has gone: decide for the record
		}
	}
}

// decide is one decision, in one step: at a time later than that of the
// decision before, with everything asked before anything is charged. until is
// when to ask again, 0 when the decision stands.
func (s *Server) decide(c *call, wrong *refusal, hold time.Duration) (no *refusal, until time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.clock.now()
	s.register(c, t)

	switch {
	case wrong != nil:
		wrong.id, wrong.seq, wrong.model, wrong.native = c.id, c.seq, c.model, c.native
		no = wrong
	case c.luck.htmlError:
		no = s.refusal(c, exchange.Overload)
	case c.luck.random429:
		no = s.refusal(c, exchange.RequestRate)
	default:
		denied := c.account.ask(t, c.demand)
		if denied == nil {
			break
		}
		if held := c.arrived + hold; denied.isBurst() && denied.clears && t < held {
			return nil, min(t+max(denied.wait, time.Millisecond), held)
		}
		c.account.refuse(t, c.demand, denied.by)
		no = s.refusal(c, denied.limit.Refusal)
		no.denial = denied
	}
	if no == nil {
		wait := c.account.charge(t, c.demand)
		c.first = t + wait + s.firstToken()
	}
	c.levels = c.account.levels(t)
	s.stats.decided(c, no)
	return no, 0
}

// register gives c its number, its account and its luck, once.
func (s *Server) register(c *call, t time.Duration) {
	if c.known {
		return
	}
	c.known, c.arrived, c.seq = true, t, s.seq
	s.seq++
	c.id = requestID(s.cfg.Seed, c.seq)
	c.account = s.account(c.key, c.model)
	c.luck = s.faults.draw(s.chance)
	s.stats.arrived(c)
}

// firstToken draws how long a request takes until its first token.
func (s *Server) firstToken() time.Duration {
	d := s.cfg.Latency.TTFT
	if j := s.cfg.Latency.Jitter; j > 0 {
		d += time.Duration(s.jitter.Int64N(int64(j)))
	}
	return d
}

// finish books the end of a call that was let in.
func (s *Server) finish(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.account.finish(s.clock.now(), c.demand)
	s.stats.InFlight--
}

// refusal starts a refusal of c.
func (s *Server) refusal(c *call, why exchange.Outcome) *refusal {
	return &refusal{outcome: why, id: c.id, seq: c.seq, model: c.model, native: c.native}
}

// begin sets the headers of an answer that starts now.
func (s *Server) begin(w http.ResponseWriter, c *call, stream bool) {
	now, h := s.clock.now(), w.Header()
	h.Set("Date", date(now).Format(http.TimeFormat))
	if stream {
		h.Set("Content-Type", "text/event-stream; charset=utf-8")
		h.Set("Cache-Control", "no-cache")
	}
	s.dialect.headers(h, meta{
		id: c.id, arrived: c.arrived, started: now, native: c.native, stream: stream, levels: c.levels,
	})
}

// writeRefusal answers c with a refusal, in the way that the faults and
// options have for it.
func (s *Server) writeRefusal(w http.ResponseWriter, c *call, no *refusal) {
	switch {
	case c.luck.htmlError && no.outcome == exchange.Overload:
		writeHTML503(w) // from in front of the endpoint: none of its headers
	case s.streamErrors && c.stream:
		s.begin(w, c, true)
		_, _ = w.Write(s.dialect.event(no))
	default:
		s.begin(w, c, false)
		out := s.dialect.refuse(no)
		if c.luck.emptyBody && out.status == http.StatusTooManyRequests {
			out.body = nil
			delete(out.header, "Content-Type")
		}
		for k, v := range out.header {
			w.Header().Set(k, v)
		}
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body) // a client that went away needs no answer
	}
}

// bearer returns the key of a request, "" when there is none.
func bearer(h http.Header) string {
	if key := h.Get("X-Api-Key"); key != "" {
		return key
	}
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") {
		return ""
	}
	return strings.TrimSpace(key)
}

// isRetry reports whether the client's library says that this is not its first
// try; the official SDKs do.
func isRetry(h http.Header) bool {
	n := h.Get("X-Stainless-Retry-Count")
	return n != "" && n != "0"
}
