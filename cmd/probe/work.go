package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"probe/attack/fleet"
	"probe/attack/fleet/natsbus"
	"probe/scenarios"
)

const workLong = `Work sends a share of every stage of a run that probe run --workers N
coordinates, and ends with the run. It reads the keys that the run's scenario
names where it runs; the run's folder is where the coordinator is.

The index and number of workers that a scheduler gives (Slurm, Kubernetes, AWS
Batch, Cloud Run) label the worker; its identity is a random name.

Exit status: 0 the run has ended; 2 usage error; 3 interrupted; 75 no
coordinator was found, or it was not heard of any more, in which case nothing
was sent from two seconds after that on.`

type workOptions struct {
	busFlags
	join, index string
	skew        time.Duration
}

func newWork(a app) *cobra.Command {
	var o workOptions
	c := &cobra.Command{
		Use: "work", Short: "send a share of a run that another machine coordinates", Long: workLong,
		Example: "  probe work --join shared/join.json\n" +
			"  PROBE_BUS_TOKEN=... probe work --bus tls://probe-bus:4222 --bus-ca /bus/tls.crt",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.work(c.Context(), a) },
	}
	o.addFlags(c.Flags())
	c.Flags().StringVar(&o.join, "join", "", "file that the coordinator writes with --join-file; it is waited for")
	c.Flags().StringVar(&o.index, "index", "", "label of this worker (default: the scheduler's index)")
	c.Flags().DurationVar(&o.skew, "clock-skew", 0, "take this machine's clock to be wrong by so much, to rehearse that")
	return c
}

func (w *workOptions) work(ctx context.Context, a app) error {
	at, err := w.bus(ctx, a)
	if err != nil {
		return err
	}
	bus, err := natsbus.Dial(ctx, at)
	if err != nil {
		return &exitError{exitLease, err}
	}
	defer bus.Close()
	host, _ := os.Hostname() // a label: none is as good
	err = fleet.Work(ctx, fleet.WorkerConfig{
		Bus: bus, Index: cmp.Or(w.index, schedulerIndex(a.getenv)), Host: host, Arm: w.arm(a),
		Patience: w.patience, Skew: w.skew,
		Log: func(format string, args ...any) { fmt.Fprintf(a.stderr, format+"\n", args...) },
	})
	switch {
	case errors.Is(err, fleet.ErrLease), errors.Is(err, fleet.ErrNoCoordinator):
		return &exitError{exitLease, err}
	case err != nil && ctx.Err() != nil:
		return &exitError{exitUndecided, errors.New("interrupted")}
	}
	return err
}

// bus returns how to reach the bus, from a join file or from flags.
func (w *workOptions) bus(ctx context.Context, a app) (natsbus.Options, error) {
	switch {
	case (w.join == "") == (w.url == ""):
		return natsbus.Options{}, errors.New("work needs --join FILE or --bus URL, one of them")
	case w.join == "":
		at, err := w.options(a, w.url)
		if err != nil {
			return at, err
		}
		return at, at.Check()
	}
	join, err := natsbus.ReadJoin(ctx, w.join, w.patience)
	if err != nil {
		return natsbus.Options{}, &exitError{exitLease, err}
	}
	at, err := w.options(a, join.URL)
	if err != nil {
		return at, err
	}
	at.Token = cmp.Or(join.Token, at.Token)
	if join.CA != "" {
		at.CA = []byte(join.CA)
	}
	return at, at.Check()
}

// schedulerIndex returns the number that a scheduler has given this process
// among its like, with their number where it tells: "1/3".
func schedulerIndex(getenv func(string) string) string {
	for _, s := range []struct{ index, count string }{
		{"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"},
		{"JOB_COMPLETION_INDEX", ""},
		{"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"},
		{"CLOUD_RUN_TASK_INDEX", "CLOUD_RUN_TASK_COUNT"},
	} {
		index := getenv(s.index)
		if index == "" {
			continue
		}
		if s.count != "" && getenv(s.count) != "" {
			index += "/" + getenv(s.count)
		}
		return index
	}
	return ""
}

// loadScenario loads a scenario that came over the bus.
func loadScenario(text []byte) (*scenarios.Scenario, error) {
	s, err := scenarios.Load("the run's scenario", text)
	if err != nil {
		return nil, fmt.Errorf("what the coordinator sent does not load: %w", err)
	}
	return s, nil
}
