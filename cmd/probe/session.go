package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/shopspring/decimal"

	"probe/analysis"
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/runfolder"
	"probe/reports/live"
	"probe/scenarios"
	"probe/scenarios/providers"
)

// A session is one process's part of a run: it joins the search, which asks,
// with the attacker, which sends, and the run folder, which remembers.
type session struct {
	app
	scenario *scenarios.Scenario
	folder   *runfolder.Folder
	sender   attack.Sender
	budget   *attack.Budget
	clock    attack.Clock
	watch    live.Watcher
	keys     keyring
	fleet    *fleetFlags // many machines send; nil: this process does

	closeSender func() error

	// recorded answers the first questions of a resumed run.
	recorded map[int]search.Reply
	// cooled is how long a resumed run is silent before it sends again.
	cooled time.Duration
	// outdated is what was concluded before the run was resumed; it goes when
	// more is sent.
	outdated string

	transport http.RoundTripper // nil: the attacker's own
	stop      func() error      // ends the embedded endpoint
}

// newSession prepares a run into a new folder.
// Beside the scenario, in its directory home, the user may keep profiles.
func newSession(ctx context.Context, a app, s *scenarios.Scenario, home, dir string, many *fleetFlags) (*session, error) {
	ses := &session{app: a, scenario: s, fleet: many, stop: func() error { return nil }}
	if err := ses.readKeys(); err != nil {
		return nil, err
	}
	profile, own, err := openProfile(s.Target.Provider, home)
	if err != nil {
		return nil, err
	}
	given, err := s.YAML()
	if err != nil {
		return nil, err
	}
	baseURL, err := ses.serve(ctx)
	if err != nil {
		return nil, err
	}
	meta := runfolder.Meta{
		Program: version(), Scenario: s.Name, Target: s.Target.Name, Method: method(s),
		URL: baseURL, Started: a.now(), Speed: s.Target.Speed, Seed: seedOf(a.now()),
	}
	if ses.folder, err = runfolder.Create(dir, meta, given); err != nil {
		return nil, errors.Join(err, ses.stop())
	}
	if own != nil { // a resumed run needs it, wherever the scenario is by then
		if err := os.WriteFile(profileFile(dir, s.Target.Provider), own, 0o644); err != nil {
			return nil, errors.Join(err, ses.close())
		}
	}
	return ses, ses.arm(ctx, baseURL, profile, own, attack.Spent{}, 0)
}

// readKeys reads the scenario's keys.
func (s *session) readKeys() (err error) {
	s.keys.scenario = s.scenario
	s.keys.secrets, err = s.scenario.ReadKeys(s.getenv, readFile)
	return err
}

// seedOf makes prompts differ from run to run, or a prompt cache would answer.
func seedOf(now time.Time) uint64 { return uint64(now.UnixNano()) }

// serve starts the scenario's own endpoint, if that is the target, and
// returns the base URL to probe.
func (s *session) serve(ctx context.Context) (baseURL string, err error) {
	if s.scenario.Target.BaseURL != scenarios.Embedded {
		return s.scenario.Target.BaseURL, nil
	}
	server, err := newEndpoint(s.scenario)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	if s.network != nil {
		l, dial := s.network()
		s.transport = attack.NewTransportDial(dial)
		served := make(chan error, 1)
		go func() { served <- server.Serve(ctx, l) }()
		s.stop = func() error { cancel(); return <-served }
		return "http://127.0.0.1/v1", nil
	}
	url, wait, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		cancel()
		return "", err
	}
	s.stop = func() error { cancel(); return wait() }
	return url, nil
}

// arm makes the sender: an attacker in this process, or a fleet. Own is the
// text of a profile that is the user's.
func (s *session) arm(ctx context.Context, baseURL string, profile *providers.Profile, own []byte, spent attack.Spent, after time.Duration) error {
	sc, meta := s.scenario, s.folder.Meta()
	s.budget = attack.NewBudget(limitsOf(sc.Budget), spent, priceOf(sc.Prices))
	s.clock = attack.NewClock(meta.Started, meta.Speed)
	cfg, err := targetConfig(sc, profile, &s.keys, baseURL)
	if err != nil {
		return errors.Join(err, s.close())
	}
	cfg.Budget, cfg.Sink, cfg.Announce = s.budget, s.record, s.announce
	cfg.Clock, cfg.After = s.clock, after
	cfg.Seed, cfg.FirstSeq, cfg.Transport = meta.Seed, s.folder.FirstSeq(), s.transport
	if s.fleet != nil {
		if err := s.coordinate(ctx, cfg, own); err != nil {
			return errors.Join(err, s.close())
		}
		return nil
	}
	attacker, err := attack.New(cfg)
	if err != nil {
		return errors.Join(err, s.close())
	}
	s.sender, s.closeSender = attacker, func() error { attacker.Close(); return nil }
	return nil
}

// search asks and sends until the search is done, and writes down how it ended.
// It returns an error when the endpoint or this machine failed.
func (s *session) search(ctx context.Context) error {
	var q *search.Search
	q = search.New(searchConfig(s.scenario), func(st search.Stage) (search.Reply, error) { return s.send(ctx, st, q.Known()) })
	err := q.Run()
	stopped, warnings := analysis.ByPrecision, q.Warnings
	switch {
	case err == nil && q.RangeEnded:
		stopped = analysis.ByRange
	case err == nil:
	case errors.Is(err, search.ErrBudget):
		stopped = analysis.ByBudget
	case ctx.Err() != nil:
		stopped = analysis.BySignal
	default:
		stopped = analysis.ByError
	}
	if err != nil {
		warnings = append(warnings, err.Error())
	}
	written := s.folder.Conclude(runfolder.Conclusion{StoppedBy: string(stopped), Warnings: warnings})
	if stopped != analysis.ByError {
		err = nil
	}
	return errors.Join(err, written)
}

// send sends one stage, or answers it from the record of a resumed run.
// What is known by now is for those who watch.
func (s *session) send(ctx context.Context, st search.Stage, known []search.Known) (search.Reply, error) {
	if reply, ok := s.recorded[st.Number]; ok {
		return reply, nil
	}
	if s.cooled > 0 {
		st.Rest, s.cooled = max(st.Rest, s.cooled), 0
	}
	if err := s.forget(); err != nil {
		return search.Reply{}, err
	}
	if err := s.folder.BeginStage(st); err != nil {
		return search.Reply{}, err
	}
	s.watch.Begin(st, known)
	r, err := s.sender.Send(ctx, st)
	s.watch.End(st, live.Result{Exchanges: r.Exchanges, Sent: r.Sent, End: r.End, Void: r.Void})
	reply := search.Reply{Exchanges: r.Exchanges, Void: r.Void, End: r.End}
	if err != nil && r.Void == "" {
		return reply, err
	}
	if err := errors.Join(err, s.folder.EndStage(st.Number, r)); err != nil {
		return reply, err
	}
	if r.Spent {
		return reply, search.ErrBudget
	}
	return reply, nil
}

// forget removes what was concluded before: a process that is killed from here
// on must not leave it behind as what the whole run came to.
func (s *session) forget() error {
	if s.outdated == "" {
		return nil
	}
	if err := os.Remove(s.outdated); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	s.outdated = ""
	return nil
}

// record writes down an exchange, and shows it.
func (s *session) record(x exchange.Exchange) error {
	s.watch.Observe(x)
	return s.folder.Append(x)
}

// announce writes down that an attempt is about to be sent, and shows it.
func (s *session) announce(a attack.Announcement) error {
	if err := s.folder.Announce(a); err != nil {
		return err
	}
	s.watch.Started()
	return nil
}

func (s *session) close() error {
	var err error
	if s.closeSender != nil {
		err = s.closeSender() // what comes late is recorded until then
		s.closeSender = nil
	}
	return errors.Join(err, s.folder.Close(), s.stop())
}

// searchConfig reads how to look from a scenario. What is declared and how an
// embedded endpoint is configured stay out of it.
func searchConfig(s *scenarios.Scenario) search.Config {
	c := search.Config{
		LookFor: s.LookFor, Precision: float64(s.Search.Precision), MaxRPS: float64(s.Search.MaxRPS),
		MaxWindow: s.Search.MaxWindow.Std(), MaxPrompt: int(s.Search.MaxPrompt), MaxTokens: int(s.Search.MaxTokens),
		MaxOutput: int(s.Search.MaxOutput),
		Verify:    s.Search.Verify == nil || *s.Search.Verify,
		OtherKeys: otherKeys(s),
	}
	for _, k := range s.Keys {
		if k.Trial && c.TrialKey == "" {
			c.TrialKey = k.Name
		}
	}
	if s.Search.Method == scenarios.MethodStaircase && s.Search.Staircase != nil {
		st := s.Search.Staircase
		c.Staircase = &search.Staircase{Hold: st.Hold.Std(), Rest: st.Rest.Std()}
		for _, rps := range st.RPS {
			c.Staircase.RPS = append(c.Staircase.RPS, float64(rps))
		}
		for _, n := range st.Tokens {
			c.Staircase.Tokens = append(c.Staircase.Tokens, int(n))
		}
	}
	return c
}

func limitsOf(b scenarios.Budget) attack.Limits {
	return attack.Limits{
		Requests: int64(b.Requests), Tokens: int64(b.Tokens), Money: b.Money.Amount, Time: b.Time.Std(),
	}
}

func priceOf(p *scenarios.Prices) attack.Price {
	if p == nil {
		return nil
	}
	return func(prompt, completion, cached int64) decimal.Decimal {
		return analysis.Price(p, exchange.Usage{Prompt: prompt, Completion: completion, Cached: cached})
	}
}

// method returns the HTTP method of the requests.
func method(s *scenarios.Scenario) string {
	if s.Target.Kind == scenarios.KindHTTP && s.Target.HTTP != nil {
		return s.Target.HTTP.Method
	}
	return http.MethodPost
}
