package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/runfolder"
	"probe/scenarios"
)

// resumeSession goes on with the run in a folder. The search is asked anew
// and given the recorded answers, so it comes to where it was; the stage that
// was under way when the last process ended is sent again, after a silence in
// which every limit has forgotten what was in flight.
func resumeSession(ctx context.Context, a app, dir, budget string, many *fleetFlags) (*session, error) {
	folder, err := runfolder.Resume(dir)
	if err != nil {
		return nil, err
	}
	ses := &session{app: a, folder: folder, fleet: many, stop: func() error { return nil }}
	if err := ses.resume(ctx, budget); err != nil {
		return nil, errors.Join(err, ses.close())
	}
	return ses, nil
}

func (s *session) resume(ctx context.Context, budget string) error {
	r := s.folder.Reader()
	text, err := r.Scenario()
	if err != nil {
		return err
	}
	if s.scenario, err = scenarios.Load(filepath.Join(s.folder.Dir(), "scenario.yaml"), text); err != nil {
		return err
	}
	if budget != "" {
		if err := s.scenario.SetBudget(budget); err != nil {
			return err
		}
	}
	if s.scenario.Target.BaseURL == scenarios.Embedded {
		return fmt.Errorf("%s probed the endpoint of its own scenario, which ended with it; run the scenario again", s.folder.Dir())
	}
	if err := s.readKeys(); err != nil {
		return err
	}
	profile, own, err := openProfile(s.scenario.Target.Provider, s.folder.Dir())
	if err != nil {
		return err
	}
	if s.recorded, err = recordedReplies(r); err != nil {
		return err
	}
	s.cooled = s.scenario.Search.MaxWindow.Std()
	s.outdated = filepath.Join(s.folder.Dir(), "analysis.json")
	announced, err := r.Announced()
	if err != nil {
		return err
	}
	spent, err := attack.Restore(r.Exchanges(), announced, priceOf(s.scenario.Prices), skipUnreadable)
	if err != nil {
		return err
	}
	elapsed, err := r.Elapsed()
	if err != nil {
		return err
	}
	return s.arm(ctx, s.scenario.Target.BaseURL, profile, own, spent, elapsed)
}

// skipUnreadable lets a resumed run go on without lines that cannot be read:
// they were announced, so the budget counts them in full.
func skipUnreadable(err error) error {
	var line *runfolder.LineError
	if errors.Is(err, runfolder.ErrTorn) || errors.As(err, &line) {
		return nil
	}
	return err
}

// recordedReplies returns what came back from each stage that came to its end.
func recordedReplies(r *runfolder.Reader) (map[int]search.Reply, error) {
	stages, err := r.Stages()
	if err != nil {
		return nil, err
	}
	replies := map[int]search.Reply{}
	for _, st := range stages {
		if res := st.Result; res != nil && !res.Spent {
			replies[st.Number] = search.Reply{Void: res.Void, End: res.End}
		}
	}
	byStage := map[int][]exchange.Exchange{}
	for x, err := range r.Exchanges() {
		if err := skipUnreadable(err); err != nil {
			return nil, err
		}
		if err == nil {
			byStage[x.Stage] = append(byStage[x.Stage], x)
		}
	}
	for n := range maps.Keys(replies) {
		reply := replies[n]
		reply.Exchanges = current(byStage[n], reply.Void != "")
		replies[n] = reply
	}
	forgetEnd(replies)
	return replies, nil
}

// forgetEnd drops the last stages as far as their answers ended the run: they
// are asked again now that it goes on, and things may be better.
func forgetEnd(replies map[int]search.Reply) {
	for len(replies) > 0 {
		last := slices.Max(slices.Collect(maps.Keys(replies)))
		if !endedRun(replies[last].Exchanges) {
			return
		}
		delete(replies, last)
	}
}

// endedRun reports whether the answers to a stage put an end to a run for a
// reason that may have gone by the time it is resumed: an endpoint that was
// down, a key that was refused, an empty purse.
func endedRun(xs []exchange.Exchange) bool {
	down := 0
	for i := range xs {
		switch xs[i].Outcome {
		case exchange.Auth, exchange.Billing:
			return true
		case exchange.Transport, exchange.Timeout:
			down++
		}
	}
	return 2*down > len(xs)
}

// current drops what an earlier, killed process sent of a stage that was sent
// again, and orders the rest. In a void stage everything is marked.
func current(xs []exchange.Exchange, void bool) []exchange.Exchange {
	var kept []exchange.Exchange
	for _, x := range xs {
		if void || !x.Void {
			kept = append(kept, x)
		}
	}
	exchange.Sort(kept)
	return kept
}
