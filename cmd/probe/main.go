// Probe finds out what an LLM endpoint that limits its users will really
// sustain, and what a successful token costs by then. See the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"probe/attack"
)

// Exit codes. Scripts rely on them.
const (
	exitDone      = 0 // done, and all gates pass
	exitGate      = 1 // a gate failed
	exitUsage     = 2 // usage or scenario error
	exitUndecided = 3 // the run could not decide: budget, interrupted, endpoint down
	// exitLease is a worker's: it has lost its coordinator. It is EX_TEMPFAIL
	// of sysexits.h.
	exitLease = 75
)

func main() {
	// Package net/http logs what an endpoint sends unasked, as it came. That
	// may be a key that the endpoint was given, so nobody gets to see it.
	log.SetOutput(io.Discard)
	forbidDumps()
	attack.BoundMemory(os.Getenv)
	os.Exit(run(interruptible(), app{
		args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, getenv: os.Getenv, now: time.Now,
	}))
}

// interruptible returns a context that the first interrupt ends. By then a
// second one is not caught any more: it ends the program at once.
func interruptible() context.Context {
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, end := context.WithCancelCause(context.Background())
	context.AfterFunc(signalled, func() {
		stop()
		end(context.Cause(signalled))
	})
	return ctx
}

// An app is what the command may use of the world outside.
type app struct {
	args           []string
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time

	// network replaces TCP for an embedded endpoint of the run's own, so that
	// whole probes run in virtual time; nil: a port on loopback.
	network func() (net.Listener, dialer)
	// unplotted leaves the plots of a comparison out: under the race detector
	// drawing takes three times as long as all the rest.
	unplotted bool
}

// A dialer makes connections, as net.Dialer does.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

// An exitError ends the program with a code other than the one for usage.
type exitError struct {
	code int
	err  error // what to say; nil when everything has been said
}

func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit status %d", e.code)
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// run runs the command and returns its exit code.
func run(ctx context.Context, a app) int {
	root := newRoot(a)
	root.SetArgs(a.args)
	err := root.ExecuteContext(ctx)
	var exit *exitError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &exit):
		if exit.err != nil || err != error(exit) { // another error came with it
			a.complain(err)
		}
		return exit.code
	}
	a.complain(err)
	return exitUsage
}

// complain prints an error. Scenario errors come with their position and
// print as they are, so that editors find them.
func (a app) complain(err error) {
	fmt.Fprintln(a.stderr, "probe: "+strings.TrimRight(err.Error(), "\n"))
}

const rootLong = `probe finds the limits of an LLM endpoint before your users do.

A scenario file drives Vegeta attacks at increasing request rates and token
sizes; every answer is sorted into its kind; the limits behind them are worked
out, with an interval and the evidence; the cost per successful token follows.

Exit status: 0 done and all gates pass; 1 a gate failed; 2 usage or scenario
error; 3 the run could not decide (budget, interrupted, endpoint down).`

func newRoot(a app) *cobra.Command {
	var noColor bool
	getenv := a.getenv
	a.getenv = func(name string) string {
		if name == "NO_COLOR" && noColor {
			return "1"
		}
		return getenv(name)
	}
	root := &cobra.Command{
		Use: "probe", Short: "find the limits of an LLM endpoint", Long: rootLong,
		SilenceErrors: true, SilenceUsage: true,
		Example: "  probe run quickstart\n  DASHSCOPE_API_KEY=... probe run qwen3-max --budget '2 USD'",
	}
	root.PersistentFlags().BoolVar(&noColor, "no-color", false, "no colours, as with NO_COLOR in the environment")
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetIn(a.stdin)
	root.AddCommand(
		newRun(a), newPlan(a), newServe(a), newCompare(a), newReport(a), newGate(a), newSchema(a), newVersion(a),
		newClassify(a), newInit(a), newMan(a), newWork(a),
	)
	addCompletions(root)
	return root
}
