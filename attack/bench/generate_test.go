package bench

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/limiter"
	"probe/analysis/search"
	"probe/attack"
	"probe/attack/runfolder"
)

// generatedScenario is what a generated run says that it probed.
const generatedScenario = `name: generated
target: {provider: generic, base_url: "http://127.0.0.1:1/v1", model: m}
keys: [{name: main, env: GENERATED_KEY}]
look_for: [requests]
prices: {currency: USD, tiers: [{input: 1.20, output: 6.00}]}
search: {max_window: 10s}
budget: {requests: 100M}
`

// generated are the stages of a generated run, however long it is.
const generatedStages = 50

// generate writes a run folder with so many attempts as an endpoint would have
// answered them that lets 1,000 requests pass in any second. The stages offer
// from 500 to 1,200 a second.
func generate(args []string) error {
	n, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	folder, err := runfolder.Create(args[0], runfolder.Meta{
		Scenario: "generated", Target: "generated", Method: "POST", URL: "http://127.0.0.1:1/v1",
		Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
	}, []byte(generatedScenario))
	if err != nil {
		return err
	}
	g := generator{folder: folder, rng: rand.New(rand.NewPCG(1, 2))}
	for stage := range generatedStages {
		if err := g.stage(stage, n/generatedStages); err != nil {
			return err
		}
	}
	if err := folder.Conclude(runfolder.Conclusion{StoppedBy: "precision"}); err != nil {
		return err
	}
	return folder.Close()
}

type generator struct {
	folder *runfolder.Folder
	rng    *rand.Rand
	seq    uint64
	now    time.Duration
}

func (g *generator) stage(number, hits int) error {
	s := search.Stage{
		Number: number, Question: "step", Why: "generated", Hits: hits, Rate: 500 + 700*float64(number)/(generatedStages-1),
		Sizes: []search.Size{{Prompt: 150, MaxTokens: 64}},
	}
	if err := g.folder.BeginStage(s); err != nil {
		return err
	}
	meter := limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1000, Window: time.Second}.NewMeter()
	g.now += 2 * time.Second
	start := g.now
	for k := range hits {
		g.now = start + s.At(k)
		x := exchange.Exchange{
			Seq: g.seq, Stage: number, Task: g.seq, Attempt: 1, Target: "generated", Key: "main", Model: "m",
			Scheduled: g.now, Sent: g.now, PromptTokens: 150, MaxTokens: 64, BytesOut: 1024,
		}
		g.seq++
		g.answer(&x, meter)
		if err := g.folder.Append(x); err != nil {
			return err
		}
	}
	return g.folder.EndStage(number, attack.Result{Start: start, End: g.now, Scheduled: hits, Sent: hits})
}

// answer lets a request in or refuses it.
func (g *generator) answer(x *exchange.Exchange, meter limiter.Meter) {
	if meter.Usage(x.Sent)+1 > 1000 {
		x.Status, x.BytesIn, x.Body = 429, 95, `{"error":{"message":"Too many requests","type":"rate_limit","code":"rate_limit_exceeded"}}`
		x.Outcome, x.Rule, x.Recovers, x.Whose = exchange.RequestRate, "generic/requests", exchange.RecoversWindow, exchange.WhoseYours
		x.FirstByte = x.Sent + 300*time.Microsecond
		x.Done = x.FirstByte
		return
	}
	meter.Charge(x.Sent, 1)
	x.Status, x.BytesIn, x.Outcome = 200, 400, exchange.Success
	took := time.Duration(float64(20*time.Millisecond) * math.Exp(g.rng.NormFloat64()/2))
	x.FirstByte, x.Done = x.Sent+took, x.Sent+took+time.Millisecond
	x.Usage = exchange.Usage{Prompt: 148, Completion: 40 + g.rng.Int64N(20)}
	x.Usage.Total = x.Usage.Prompt + x.Usage.Completion
}
