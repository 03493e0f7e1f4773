// Package endpoint is an embedded OpenAI-compatible endpoint with limits: what
// `probe serve` runs, what the quick start attacks, and what tests probe.
//
// It answers chat completions (streamed and not), DashScope's native
// generation calls and plain HTTP requests, and it refuses by any set of
// limiters from analysis/limiter, in the words of a provider. It tells
// nothing about its configuration but what that provider would tell: whoever
// probes it has to find out.
//
// # Tokens
//
// Tokens are counted without a tokenizer and without chance: a prompt has as
// many tokens as its messages have whitespace-separated words, plus
// [PromptOverhead] for the chat format, as real endpoints add some. An answer
// has [Config.AnswerTokens] words, fewer when max_tokens or
// max_completion_tokens says so (finish_reason is then "length"). Where a
// limiter charges max_tokens and a request names none, the answer's usual
// length takes its place.
//
// # Order of decisions
//
// Missing credentials first; then burst protection, which sees every request
// offered; then quotas, limits on requests, limits on tokens, and requests in
// flight. All limiters are asked before any is charged, under one lock, at
// the moment of the endpoint's clock at which the request was complete. The
// first to refuse words the refusal.
//
// # Time
//
// The endpoint's clock starts at the wall's time and runs [Config.Speed]
// times faster. Windows, latencies, waits and time stamps are all in endpoint
// time. Clients notice by the header X-Probe-Speed, which is sent only when
// the speed is not 1. Everything takes its time from package time, so that it
// works in testing/synctest bubbles.
package endpoint

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
)

// SpeedHeader tells how many times faster than the wall's the endpoint's clock
// runs. It is absent when both run alike.
const SpeedHeader = "X-Probe-Speed"

// A Server is one endpoint: an [http.Handler] with its own limiters and
// clock. Make it with [New]. It is safe for concurrent use.
type Server struct {
	cfg          Config
	clock        clock
	dialect      dialect
	mux          *http.ServeMux
	faults       Faults
	streamErrors bool
	serveStats   bool

	// mu makes each decision one step: the clock is read under it, so the
	// limiters never see time go back.
	mu       sync.Mutex
	accounts map[payer]*account // the rest share the one of nobody
	jitter   *rand.Rand
	chance   *rand.Rand // faults have a sequence of their own, so that adding one changes no latency
	seq      uint64
	stats    Stats
}

// An Option changes how a Server behaves beyond its limits.
type Option func(*Server)

// WithFaults makes the endpoint fail in ways that have nothing to do with its
// limits.
func WithFaults(f Faults) Option { return func(s *Server) { s.faults = f } }

// WithStreamErrors words refusals of streaming requests as events under HTTP
// 200, as DashScope does, instead of giving them a status of their own.
func WithStreamErrors() Option { return func(s *Server) { s.streamErrors = true } }

// WithStats serves [Server.Stats] as JSON at GET /probe/stats.
func WithStats() Option { return func(s *Server) { s.serveStats = true } }

// New returns an endpoint whose clock starts now. It fails when cfg or the
// faults are not valid; the error names every field that is wrong.
func New(cfg Config, opts ...Option) (*Server, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{
		cfg:      cfg,
		clock:    newClock(cfg.Speed),
		dialect:  dialects[cfg.Dialect](cfg),
		accounts: newAccounts(cfg),
		jitter:   rand.New(rand.NewPCG(cfg.Seed, 1)),
		chance:   rand.New(rand.NewPCG(cfg.Seed, 2)),
	}
	for _, o := range opts {
		o(s)
	}
	if err := s.faults.Validate(); err != nil {
		return nil, err
	}
	s.mux = s.routes()
	return s, nil
}

// routes lists every path that is answered. The compatible paths come with
// and without Alibaba's prefix.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	plain := s.handle(route{parse: parsePlain, answer: s.answerPlain, open: true})
	for _, prefix := range []string{"", "/compatible-mode"} {
		mux.HandleFunc("POST "+prefix+"/v1/chat/completions", s.handle(route{parse: parseChat, answer: s.answerChat}))
		mux.HandleFunc("POST "+prefix+"/v1/messages", s.handle(route{parse: parseMessages, answer: s.answerMessages}))
		mux.HandleFunc("GET "+prefix+"/v1/models", s.handleModels)
		mux.HandleFunc(prefix+"/v1/limited/", plain)
	}
	mux.HandleFunc("/limited/", plain)
	if s.cfg.Dialect == Alibaba {
		for _, base := range []string{"/api/v1", "/v1"} { // the provider's, and the one that this endpoint goes by
			mux.HandleFunc("POST "+base+"/services/aigc/text-generation/generation",
				s.handle(route{parse: parseNative, answer: s.answerNative, native: true}))
		}
	}
	if s.serveStats {
		mux.HandleFunc("GET /probe/stats", s.handleStats)
	}
	mux.HandleFunc("/", s.handleUnknown)
	return mux
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Speed != 1 {
		w.Header().Set(SpeedHeader, formatFloat(s.cfg.Speed))
	}
	s.mux.ServeHTTP(w, r)
}

// A payer is what a set of limiters belongs to. The empty key stands for the
// account that all keys share which are not configured, as the keys of one
// owner do at providers; the empty model for all models without limiters of
// their own.
type payer struct{ key, model string }

func newAccounts(cfg Config) map[payer]*account {
	owners := append([]Account{{}}, cfg.Accounts...)
	accounts := make(map[payer]*account, len(owners)*(1+len(cfg.PerModel)))
	for _, a := range owners {
		accounts[payer{key: a.Key}] = newAccount(cfg.Limits, a.FreeQuota)
		for _, m := range cfg.PerModel {
			accounts[payer{a.Key, m.Name}] = newAccount(m.Limits, a.FreeQuota)
		}
	}
	return accounts
}

// account returns the limiters that answer for a key and a model.
func (s *Server) account(key, model string) *account {
	if _, own := s.accounts[payer{key: key}]; !own {
		key = ""
	}
	if a, own := s.accounts[payer{key, model}]; own {
		return a
	}
	return s.accounts[payer{key: key}]
}

func (s *Server) handleStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.Stats()) // a client that went away needs no answer
}
