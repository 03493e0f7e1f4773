package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

// StrategyNames lists the strategies that a chain may name; package
// attack/strategy says what they do.
var StrategyNames = []string{"direct", "backoff", "queue", "rotate", "fallback", "provider-queue", "adaptive"}

// ParseChain parts the name of a chain, such as queue+backoff+fallback, into
// its strategies, outermost first. Unknown and repeated parts are errors, and
// so is direct in company: it means that there is no strategy.
func ParseChain(chain string) ([]string, error) {
	parts := strings.Split(chain, "+")
	for i, part := range parts {
		part = strings.TrimSpace(part)
		switch {
		case !slices.Contains(StrategyNames, part):
			return nil, fmt.Errorf("chain %q: unknown strategy %q; allowed are %s, joined by +",
				clip(chain), clip(part), strings.Join(StrategyNames, ", "))
		case slices.Contains(parts[:i], part):
			return nil, fmt.Errorf("chain %q: %s stands in it twice", clip(chain), part)
		case part == "direct" && len(parts) > 1:
			return nil, fmt.Errorf("chain %q: direct means no strategy; leave it out", clip(chain))
		}
		parts[i] = part
	}
	return parts, nil
}

// A Strategy is a way in which the client copes with refusals, for probe
// compare: a chain of strategies and their settings. See docs/strategies.md.
type Strategy struct {
	// Name in reports. Default: the chain.
	Name string `yaml:"name,omitempty"`
	// Strategies joined by +, outermost first: direct, backoff, queue, rotate, fallback, provider-queue, adaptive.
	Chain string `yaml:"chain"`
	// Most attempts of one task, the first included.
	MaxAttempts Quantity `yaml:"max_attempts,omitempty" default:"10" check:"positive,whole"`
	// Longest time from a task's arrival to its last attempt. Default: the workload's deadline.
	Deadline Duration `yaml:"deadline,omitempty" check:"positive"`
	// Settings of backoff.
	Backoff StrategyBackoff `yaml:"backoff,omitempty"`
	// Settings of queue.
	Queue StrategyQueue `yaml:"queue,omitempty"`
	// Settings of rotate.
	Rotate StrategyRotate `yaml:"rotate,omitempty"`
	// Settings of fallback.
	Fallback StrategyFallback `yaml:"fallback,omitempty"`
	// Settings of provider-queue.
	ProviderQueue StrategyProviderQueue `yaml:"provider_queue,omitempty"`
	// Settings of adaptive.
	Adaptive StrategyAdaptive `yaml:"adaptive,omitempty"`
}

// Check returns what is impossible about the strategy at the given path of a
// scenario ("strategies[0]"), as [Workload.Check] does. Whether its keys and
// limits are to be had is known only when it is used.
func (s Strategy) Check(path string) []error {
	c := pathChecker{path: path}
	parts, err := ParseChain(s.Chain)
	if err != nil {
		c.fail("chain", "%s", err)
		return c.errs
	}
	if slices.Contains(parts, "fallback") && len(s.Fallback.Steps) == 0 {
		c.fail("", "fallback: needs steps: with the models to use")
	}
	for i, step := range s.Fallback.Steps {
		at := fmt.Sprintf("fallback.steps[%d]", i)
		if step == (FallbackStep{}) {
			c.fail(at, "%s: names no model, no base_url and no key", at)
		}
		if step.BaseURL != "" {
			if why := wrongURL(step.BaseURL); why != "" {
				c.fail(at+".base_url", "base_url: %s; want a URL such as https://host/v1", why)
			}
		}
	}
	if b := s.Backoff; b.Max != 0 && b.Max < b.Initial {
		c.fail("backoff.max", "max: is shorter than initial (%s)", b.Initial)
	}
	if b := s.Backoff; b.Multiplier != 0 && b.Multiplier < 1 {
		c.fail("backoff.multiplier", "multiplier: waits must not shrink; want 1 or more")
	}
	return c.errs
}

// StrategyBackoff tries again after growing waits.
type StrategyBackoff struct {
	// Longest wait before the first retry.
	Initial Duration `yaml:"initial,omitempty" default:"1s" check:"positive"`
	// Growth from retry to retry.
	Multiplier float64 `yaml:"multiplier,omitempty" default:"2" check:"positive"`
	// Longest wait before any retry that the answer does not ask for.
	Max Duration `yaml:"max,omitempty" default:"60s" check:"positive"`
	// Full: wait for a random part of the time. None: all of it, as many clients do.
	Jitter string `yaml:"jitter,omitempty" enum:"full,none" default:"full"`
	// Longest wait that an answer may ask for (Retry-After); above it there is no retry.
	MaxHint Duration `yaml:"max_hint,omitempty" default:"2m" check:"positive"`
	// Wait by the formula whatever the answer asks for.
	IgnoreHints bool `yaml:"ignore_hints,omitempty"`
}

// StrategyQueue lets requests out as limits allow. Without limits here those
// that were measured, or else declared, are used.
type StrategyQueue struct {
	// Requests a minute.
	RPM Quantity `yaml:"rpm,omitempty" per:"minute" check:"positive"`
	// Requests a second.
	RPS Quantity `yaml:"rps,omitempty" per:"second" check:"positive"`
	// Tokens a minute.
	TPM Quantity `yaml:"tpm,omitempty" per:"minute" check:"positive"`
	// Tokens a second.
	TPS Quantity `yaml:"tps,omitempty" per:"second" check:"positive"`
	// Limits over other windows or by other algorithms.
	Limits []QueueLimit `yaml:"limits,omitempty"`
	// Limits of single models; all others share the limits above.
	Models []QueueModel `yaml:"models,omitempty"`
	// Windows are made longer by this share, because requests arrive unevenly. It costs as much throughput.
	Margin Percent `yaml:"margin,omitempty" default:"2%" check:"positive"`
	// Let requests out all at once when the limits allow it, not an even distance apart.
	Volleys bool `yaml:"volleys,omitempty"`
	// Most requests under way with one key and model. Default: no bound.
	MaxInFlight Quantity `yaml:"max_in_flight,omitempty" check:"positive,whole"`
	// Most requests that wait; one more is turned away.
	MaxWaiting Quantity `yaml:"max_waiting,omitempty" default:"10000" check:"positive,whole"`
	// Longest wait. Default: until the deadline.
	MaxWait Duration `yaml:"max_wait,omitempty" check:"positive"`
}

// QueueLimit is one limit that a queue keeps to.
type QueueLimit struct {
	// What is counted.
	Dimension string `yaml:"dimension" enum:"requests,tokens"`
	// How it is counted.
	Algorithm string `yaml:"algorithm,omitempty" enum:"sliding_log,sliding_counter,fixed_window,token_bucket,leaky_bucket" default:"sliding_log"`
	// How much a window lets through.
	Amount Quantity `yaml:"amount" check:"positive"`
	// Length of the window.
	Window Duration `yaml:"window" check:"positive"`
	// The most a bucket holds. Default: amount.
	Burst Quantity `yaml:"burst,omitempty" check:"positive"`
}

// QueueModel gives one model limits of its own.
type QueueModel struct {
	// Model name as fallback uses it.
	Model string `yaml:"model"`
	// Its limits.
	Limits []QueueLimit `yaml:"limits"`
}

// StrategyRotate spreads requests over keys.
type StrategyRotate struct {
	// Names of the keys. Default: all keys of the scenario that are not for trial.
	Keys []string `yaml:"keys,omitempty"`
	// How the next key is chosen: in turn, or the one with the fewest tokens under way.
	Order string `yaml:"order,omitempty" enum:"round_robin,least_loaded" default:"round_robin"`
	// How long a refused key rests when the answer does not say; doubles from refusal to refusal.
	Rest Duration `yaml:"rest,omitempty" default:"1s" check:"positive"`
	// Longest rest.
	MaxRest Duration `yaml:"max_rest,omitempty" default:"60s" check:"positive"`
}

// StrategyFallback goes on to other models or endpoints.
type StrategyFallback struct {
	// What is tried, in this order.
	Steps []FallbackStep `yaml:"steps,omitempty"`
	// What follows an outcome: next, stop, or the name of a step. Default: next for limits and faults, stop otherwise.
	Rules map[string]string `yaml:"rules,omitempty"`
}

// FallbackStep is one model or endpoint. Keys that are left out stay as the
// target has them.
type FallbackStep struct {
	// Name for rules. Default: the model.
	Name string `yaml:"name,omitempty"`
	// Model name.
	Model string `yaml:"model,omitempty"`
	// URL up to and including /v1.
	BaseURL string `yaml:"base_url,omitempty" secret:"true"`
	// Name of the key to use; a key is never sent to another host than its own.
	Key string `yaml:"key,omitempty"`
}

// StrategyProviderQueue lets the provider hold requests that meet burst
// protection (Alibaba's X-DashScope-Wait-Timeout).
type StrategyProviderQueue struct {
	// How long it may hold one.
	Wait Duration `yaml:"wait,omitempty" default:"30s" check:"positive"`
}

// StrategyAdaptive finds a rate by itself. Rates are requests a second.
type StrategyAdaptive struct {
	// First rate.
	Initial Quantity `yaml:"initial_rps,omitempty" default:"1" per:"second" check:"positive"`
	// Lowest rate.
	Min Quantity `yaml:"min_rps,omitempty" default:"0.1" per:"second" check:"positive"`
	// Highest rate.
	Max Quantity `yaml:"max_rps,omitempty" default:"1000" per:"second" check:"positive"`
	// Gain for each second with a success.
	Increase Quantity `yaml:"increase_rps,omitempty" default:"0.1" per:"second" check:"positive"`
	// Factor on the accepted rate at a refusal.
	Decrease Percent `yaml:"decrease,omitempty" default:"70%" check:"positive"`
	// Time after a decrease in which refusals are its late echo.
	Hold Duration `yaml:"hold,omitempty" default:"2s" check:"positive"`
}
