package scenarios

import "fmt"

// Kinds of workload. Each is a way in which an application uses a model.
const (
	WorkloadAgent    = "agent"    // conversations of several turns whose context grows
	WorkloadBatch    = "batch"    // so many tasks, to be done as soon as possible
	WorkloadRealtime = "realtime" // independent arrivals (Poisson) with a deadline
	WorkloadCodegen  = "codegen"  // long answers, which are worthless when cut off
	WorkloadDev      = "dev"      // a few requests in quick succession, now and then
	WorkloadTrace    = "trace"    // arrivals and sizes from a file
)

// A Workload is what the application does, for probe compare: how tasks
// arrive, how large they are, and when they are done well enough.
//
// In an open loop tasks arrive when they arrive, whatever became of those
// before (realtime, dev, trace, and codegen with a rate). In a closed loop so
// many workers take one task after another (batch, agent, and codegen without
// a rate).
type Workload struct {
	// What kind of application it is.
	Kind string `yaml:"kind" enum:"agent,batch,realtime,codegen,dev,trace"`
	// Number of tasks; a conversation of an agent is one. Default: 100, or the whole trace.
	Tasks Quantity `yaml:"tasks,omitempty" check:"positive,whole"`
	// Tasks that arrive in a second, on average. Only realtime and dev, which need it, and codegen.
	Rate Quantity `yaml:"rate,omitempty" per:"second" check:"positive"`
	// Longest time from a request's arrival to its whole answer; what takes longer is a failure. realtime needs it.
	Deadline Duration `yaml:"deadline,omitempty" check:"positive"`
	// Workers of a closed loop. Default: 100.
	Concurrency Quantity `yaml:"concurrency,omitempty" check:"positive,whole"`
	// Sizes in tokens, input and output: D(100,1000), N(480,240)/(300,150) or U(50,100)/(200,250). Every kind but trace needs them.
	Tokens *TokenSizes `yaml:"tokens,omitempty"`
	// Most output tokens of an answer; what would be longer is cut off and, for codegen, a failure. Default: no bound.
	MaxTokens Quantity `yaml:"max_tokens,omitempty" check:"positive,whole"`
	// Requests of a task: turns of an agent's conversation, or of a dev's burst. Default: 8 and 3.
	Turns Quantity `yaml:"turns,omitempty" check:"positive,whole"`
	// JSON-lines file of kind: trace; every line has timestamp (seconds), input_tokens and output_tokens.
	Trace string `yaml:"trace,omitempty"`
	// Seed of arrivals and sizes. The same seed gives the same tasks.
	Seed uint64 `yaml:"seed,omitempty"`
	// When it is done well enough. probe compare names the cheapest strategy that meets this.
	Goal Goal `yaml:"goal,omitempty"`
}

// A Goal is what a workload asks of a strategy. Zero fields ask for nothing,
// except that without a share of successes 99 % are asked for.
type Goal struct {
	// Least share of tasks that must succeed.
	Success Percent `yaml:"success,omitempty" default:"99%" check:"positive"`
	// Longest time from the first arrival to the last answer.
	Makespan Duration `yaml:"makespan,omitempty" check:"positive"`
	// Longest time to success, retries included, of 95 of 100 tasks.
	P95 Duration `yaml:"p95,omitempty" check:"positive"`
}

// Open reports whether tasks arrive on a schedule of their own.
func (w Workload) Open() bool {
	switch w.Kind {
	case WorkloadRealtime, WorkloadDev, WorkloadTrace:
		return true
	case WorkloadCodegen:
		return w.Rate > 0
	}
	return false
}

// Check returns what is impossible about the workload at the given path of a
// scenario ("workload"). Every error is an [Error] with the path of the value
// that should change. What the tags of the fields say is not checked again.
func (w Workload) Check(path string) []error {
	c := pathChecker{path: path}
	c.kind(w)
	if w.Kind == WorkloadTrace {
		c.trace(w)
	} else {
		c.made(w)
	}
	c.only(w.Turns > 0, "turns", w.Kind == WorkloadAgent || w.Kind == WorkloadDev, "kinds agent and dev")
	c.only(w.Concurrency > 0, "concurrency", !w.Open(), "kinds batch and agent, and codegen without a rate")
	return c.errs
}

// A pathChecker collects mistakes below a path.
type pathChecker struct {
	path string
	errs []error
}

func (c *pathChecker) fail(key, format string, args ...any) {
	at := c.path
	if key != "" {
		at += "." + key
	}
	c.errs = append(c.errs, Error{Path: at, Message: fmt.Sprintf(format, args...)})
}

// only refuses a key that would be read by other kinds.
func (c *pathChecker) only(set bool, key string, allowed bool, kinds string) {
	if set && !allowed {
		c.fail(key, "%s: is read only by %s", key, kinds)
	}
}

func (c *pathChecker) kind(w Workload) {
	switch w.Kind {
	case WorkloadAgent, WorkloadBatch, WorkloadRealtime, WorkloadCodegen, WorkloadDev, WorkloadTrace:
	default:
		c.fail("kind", "kind: %q is unknown; allowed: agent, batch, realtime, codegen, dev, trace", clip(w.Kind))
	}
}

// trace checks a workload that is read from a file.
func (c *pathChecker) trace(w Workload) {
	if w.Trace == "" {
		c.fail("", "kind: trace needs trace: with the path of a JSON-lines file")
	}
	c.only(w.Tokens != nil, "tokens", false, "the other kinds; a trace brings its own sizes")
	c.only(w.Rate > 0, "rate", false, "realtime, dev and codegen; a trace brings its own arrivals")
}

// made checks a workload that is drawn from distributions.
func (c *pathChecker) made(w Workload) {
	c.only(w.Trace != "", "trace", false, "kind trace")
	if w.Tokens == nil {
		c.fail("", "kind: %s needs tokens: such as N(480,240)/(300,150)", clip(w.Kind))
	}
	needsRate := w.Kind == WorkloadRealtime || w.Kind == WorkloadDev
	if needsRate && w.Rate == 0 {
		c.fail("", "kind: %s needs rate: in tasks a second", w.Kind)
	}
	c.only(w.Rate > 0, "rate", needsRate || w.Kind == WorkloadCodegen, "realtime, dev and codegen")
	if w.Kind == WorkloadRealtime && w.Deadline == 0 {
		c.fail("", "kind: realtime needs deadline:, such as 10s")
	}
}
