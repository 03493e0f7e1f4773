package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(tests{m}, map[string]func(){
		"probe": main,
	})
}

// TestScript runs the sessions of testdata/script, each as at a terminal, with
// the command as a user builds it: with the race detector in it the search
// would think ten times as long, while the endpoints' clocks run on.
func TestScript(t *testing.T) {
	probe := buildProbe(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve": serveCommand,
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "1")
			env.Setenv("PATH", pathWith(probe))
			return nil
		},
	})
}

// pathWith is a PATH on which a program is found first.
func pathWith(program string) string {
	return filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH")
}

// serveCommand is `serve VARIABLE ARGS...`: it starts probe serve in this
// process and puts its base URL into an environment variable.
func serveCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: serve VARIABLE SCENARIO [flags]")
	}
	r, w, err := os.Pipe()
	ts.Check(err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan int, 1)
	scenario := args[1]
	if _, err := os.Stat(ts.MkAbs(scenario)); err == nil {
		scenario = ts.MkAbs(scenario)
	}
	go func() {
		done <- run(ctx, app{
			args:   append([]string{"serve", scenario}, args[2:]...),
			stdout: w, stderr: os.Stderr, getenv: os.Getenv, now: time.Now,
		})
	}()
	ts.Defer(func() { cancel(); <-done })
	var line [256]byte
	n, err := r.Read(line[:])
	ts.Check(err)
	ts.Setenv(args[0], string(line[:n-1]))
}
