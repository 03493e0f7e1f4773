package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/shopspring/decimal"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/runfolder"
	"probe/attack/workload"
)

// promptTokens makes a request body of about 1 KB.
const promptTokens = 145

// play is what this program does in a role.
func play(role string, args []string) int {
	roles := map[string]func([]string) error{
		"generate": generate, "server": func([]string) error { return serve() },
		"probe-loop": probeLoop, "probe-rate": probeRate, "sdk": sdkLoop,
	}
	do, ok := roles[role]
	if !ok {
		fmt.Fprintf(os.Stderr, "no role %q\n", role)
		return 2
	}
	if path := os.Getenv(profileVariable); path != "" && role != "server" {
		stop, err := profile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer stop()
	}
	if err := do(args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// profileVariable names a file in which a client leaves a CPU profile. Each
// run of a client writes it anew.
const profileVariable = "PROBE_BENCH_PROFILE"

// profile starts a CPU profile; the function that it returns ends it.
func profile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		file.Close()
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		file.Close()
	}, nil
}

// attacker makes what probe run makes: an attacker that classifies and records
// into a run folder.
func attacker(url, dir string, stream bool) (*attack.Attacker, *runfolder.Folder, error) {
	folder, err := runfolder.Create(dir, runfolder.Meta{Scenario: "bench", Method: "POST", URL: url}, []byte("bench\n"))
	if err != nil {
		return nil, nil, err
	}
	attack.BoundMemory(os.Getenv)
	budget := attack.Limits{Requests: 1e9, Tokens: 1e12, Money: decimal.New(1, 6), Time: time.Hour}
	price := decimal.RequireFromString("0.0000012")
	a, err := attack.New(attack.Config{
		Budget: attack.NewBudget(budget, attack.Spent{}, func(prompt, completion, _ int64) decimal.Decimal {
			return price.Mul(decimal.NewFromInt(prompt + completion))
		}),
		Target: "bench", BaseURL: url + "/v1", Model: "m", Keys: []string{"main"}, Stream: stream,
		Reveal:   func(string) (string, error) { return "probe-bench-key", nil },
		Classify: classify.Unknown().Classify, Sink: folder.Append, Announce: folder.Announce,
		Clock: attack.NewClock(folder.Meta().Started, 1),
	})
	return a, folder, err
}

// mostRate is more requests a second than a closed loop reaches here: it must
// not run out of tasks.
const mostRate = 30_000

// probeLoop is URL DIR WORKERS DURATION [stream]: a closed loop.
func probeLoop(args []string) error {
	workers, d, err := loopArgs(args[2], args[3])
	if err != nil {
		return err
	}
	a, folder, err := attacker(args[0], args[1], len(args) > 4)
	if err != nil {
		return err
	}
	tasks := make([]workload.Task, int(d.Seconds()*mostRate))
	one := []workload.Request{{Prompt: promptTokens, MaxTokens: 16}}
	for i := range tasks {
		tasks[i] = workload.Task{Number: uint64(i), Requests: one}
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	_, _, err = a.Work(ctx, attack.WorkStage(0, tasks), tasks, workers, false)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return folder.Close()
}

func loopArgs(workers, duration string) (int, time.Duration, error) {
	n, err := strconv.Atoi(workers)
	if err != nil {
		return 0, 0, err
	}
	d, err := time.ParseDuration(duration)
	return n, d, err
}

// probeRate is URL DIR RPS DURATION [stream]: one stage at a constant rate. Of
// a streamed one it prints how far its time to first token was from the
// server's own, in seconds.
func probeRate(args []string) error {
	rate, d, err := loopArgs(args[2], args[3])
	if err != nil {
		return err
	}
	a, folder, err := attacker(args[0], args[1], len(args) > 4)
	if err != nil {
		return err
	}
	r, err := a.Send(context.Background(), search.Stage{
		Hits: int(float64(rate) * d.Seconds()), Rate: float64(rate), Sizes: []search.Size{{Prompt: promptTokens, MaxTokens: 16}},
	})
	if err != nil {
		return err
	}
	var off []float64
	for i := range r.Exchanges {
		x := &r.Exchanges[i]
		if t, ok := x.TTFT(); ok && x.Outcome == exchange.Success {
			off = append(off, (t - time.Duration(x.Usage.Prompt)*time.Microsecond).Seconds())
		}
	}
	slices.Sort(off)
	if err := json.NewEncoder(os.Stdout).Encode(off); err != nil {
		return err
	}
	return folder.Close()
}

// sdkLoop is URL WORKERS DURATION: the official SDK reads streams in a closed
// loop.
func sdkLoop(args []string) error {
	workers, d, err := loopArgs(args[1], args[2])
	if err != nil {
		return err
	}
	client := openai.NewClient(option.WithBaseURL(args[0]+"/v1"), option.WithAPIKey("probe-bench-key"), option.WithMaxRetries(0))
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	prompt := string(attack.NewPrompter(1).Append(nil, promptTokens, 0, 0))
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				events := client.Chat.Completions.NewStreaming(ctx, openai.ChatCompletionNewParams{
					Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(prompt)},
				})
				for events.Next() {
					_ = events.Current()
				}
				_ = events.Close() // an error here is the end of the time
			}
		})
	}
	all.Wait()
	return nil
}
