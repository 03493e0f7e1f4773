package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"

	"probe/analysis"
	"probe/analysis/compare"
	"probe/analysis/limiter"
	"probe/attack"
	"probe/attack/runfolder"
	"probe/attack/strategy"
	"probe/attack/workload"
	"probe/scenarios"
	"probe/scenarios/providers"
)

// A destination is a target with all that it takes to send to it.
type destination struct {
	target  scenarios.Variant
	url     string // base URL
	profile *providers.Profile
	keys    []scenarios.Secret
}

// destination prepares a target. Only the keys that are meant for it are read.
func (c *comparison) destination(v scenarios.Variant, home string) (*destination, error) {
	d := &destination{target: v, url: v.BaseURL}
	var err error
	if d.profile, _, err = openProfile(v.Provider, home); err != nil {
		return nil, err
	}
	loopback := scenarios.Target{BaseURL: v.BaseURL}.Loopback()
	for _, k := range c.scenario.Keys {
		if !slices.Contains(v.Keys, k.Name) {
			continue
		}
		secret, err := k.Read(c.getenv, readFile, loopback)
		if err != nil {
			return nil, err
		}
		d.keys = append(d.keys, secret)
	}
	return d, nil
}

// keyNames lists the keys, the one that is used without rotation first.
func (d *destination) keyNames() []string {
	names := []string{}
	for _, k := range d.keys {
		names = append(names, k.Name())
	}
	return names
}

// reveal returns a key of the target; others are not told.
func (d *destination) reveal(name string) (string, error) {
	for _, k := range d.keys {
		if k.Name() == name {
			return k.Reveal(), nil
		}
	}
	return "", fmt.Errorf("target %s has no key named %q", d.target.Name, name)
}

// rotated returns the keys that a strategy may rotate.
func (d *destination) rotated(st scenarios.Strategy) []string {
	if len(st.Rotate.Keys) > 0 {
		return st.Rotate.Keys
	}
	return d.keyNames()
}

// wrap makes the chain of an arm anew: queues, rests and rates of an earlier
// round are not known to it.
func (a *arm) wrap(c *comparison, url string) (func(http.RoundTripper) http.RoundTripper, error) {
	cfg := strategy.FromScenario(a.strategy)
	cfg.Speed = c.scenario.Target.Speed
	cfg.Judge = strategy.Classified(classifierOf(a.profile))
	cfg.Cost, cfg.Keys = attack.Cost, a.reveal
	cfg.Fallback.BaseURL = url
	cfg.Rotate.Keys = a.rotated(a.strategy)
	if len(cfg.Queue.Limits)+len(cfg.Queue.Models) == 0 && cfg.Queue.MaxInFlight == 0 {
		cfg.Queue.Limits = queueLimits(c.record.Quota)
	}
	wrap, err := strategy.Parse(a.strategy.Chain, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; limits come from strategies[].queue, --limits RUN or the key declared", a.strategy.Name, err)
	}
	return wrap, nil
}

// queueLimits are the limits of a quota. Those whose algorithm is not known are
// read as sliding logs: who keeps to one keeps to fixed windows and sliding
// counters of the same amount as well, wherever they begin.
func queueLimits(q compare.Quota) []strategy.Limit {
	var limits []strategy.Limit
	for _, l := range q.Limits {
		spec := limiter.Spec{Algorithm: l.Algorithm, Amount: l.Amount, Window: secondsOf(l.WindowS), Burst: l.Burst}
		if spec.Algorithm == "" {
			spec.Algorithm = limiter.SlidingLog
		}
		limits = append(limits, strategy.Limit{Tokens: l.Dimension == "tokens", Spec: spec})
	}
	return limits
}

// round lets one arm do the workload once and reports whether the budget is
// spent. What was sent is recorded whatever the error.
func (c *comparison) round(ctx context.Context, a *arm, n int) (spent bool, err error) {
	name := filepath.Join(c.armFolder(a), fmt.Sprintf("round-%d", n+1))
	folder, err := c.roundFolder(name, a)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	attacker, err := c.attacker(a, folder)
	if err != nil {
		return false, err
	}
	defer attacker.Close()
	stage := attack.WorkStage(0, c.tasks)
	stage.Rest = c.rest()
	if err := folder.BeginStage(stage); err != nil {
		return false, err
	}
	w, workers := c.scenario.Workload, 0
	if !w.Open() {
		workers = workload.Workers(*w)
	}
	r, tasks, sendErr := attacker.Work(ctx, stage, c.tasks, workers, w.Kind == scenarios.WorkloadCodegen)
	c.end, c.sent = max(c.end, r.End, c.clock.Now()), c.sent+1
	a.record.Rounds = append(a.record.Rounds, filepath.ToSlash(name))
	err = errors.Join(
		folder.EndStage(stage.Number, r), writeTasks(filepath.Join(folder.Dir(), tasksFile), tasks),
		folder.Conclude(conclusionOf(ctx, r, sendErr)), c.record.write(c.dir),
	)
	c.tell(a, n, tasks, r)
	return r.Spent, errors.Join(sendErr, err)
}

// conclusionOf says why a round ended.
func conclusionOf(ctx context.Context, r attack.Result, err error) runfolder.Conclusion {
	end := runfolder.Conclusion{StoppedBy: string(analysis.ByRange)}
	switch {
	case ctx.Err() != nil:
		end.StoppedBy = string(analysis.BySignal)
	case err != nil:
		end.StoppedBy = string(analysis.ByError)
		end.Warnings = []string{err.Error()}
	case r.Spent:
		end.StoppedBy = string(analysis.ByBudget)
	}
	return end
}

// attacker makes the sender of one round.
func (c *comparison) attacker(a *arm, folder *runfolder.Folder) (*attack.Attacker, error) {
	t := c.scenario.Target
	wrap, err := a.wrap(c, a.url)
	if err != nil {
		return nil, err
	}
	api, err := a.profile.Speak(t.API)
	if err != nil {
		return nil, err
	}
	cfg := attack.Config{
		Target: a.target.Name, BaseURL: a.url, Model: a.target.Model, Kind: t.Kind, Stream: t.Stream,
		Headers: t.Headers, Timeout: t.Timeout.Std(), Keys: a.keyNames(), Reveal: a.reveal,
		API: api, AuthHeader: api.AuthHeader, AuthPrefix: api.AuthPrefix, Usage: a.profile.OwnUsage(), ServerClockHeader: a.profile.ServerClockHeader,
		Classify: classifierOf(a.profile), Budget: c.budget, Sink: folder.Append, Announce: folder.Announce,
		Clock: c.clock, After: c.end, Seed: folder.Meta().Seed, Wrap: wrap,
	}
	if a.target.BaseURL == scenarios.Embedded {
		cfg.Transport = c.transport
	}
	return attack.New(cfg)
}
