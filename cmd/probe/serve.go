package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"probe/attack/endpoint"
	"probe/scenarios"
)

const serveLong = `Serve starts the embedded endpoint of a scenario: an OpenAI-compatible server
that limits as its endpoint: section says, in the words of the provider. It
prints its base URL and runs until it is interrupted.

Given the folder of a run it serves the run's twin: an endpoint with the limits
that the run measured, its latency, and its provider's words.`

func newServe(a app) *cobra.Command {
	var listen string
	var speed float64
	var set []string
	var stats bool
	c := &cobra.Command{
		Use: "serve SCENARIO | RUN", Short: "run the embedded endpoint, or the twin of a run, alone", Long: serveLong,
		Example: "  probe serve quickstart --listen 127.0.0.1:8080 --speed 20\n" +
			"  probe run quickstart --base-url http://127.0.0.1:8080/v1\n" +
			"  probe serve runs/qwen3-max-20261123-181500 --speed 60",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			s, err := servedScenario(a, args[0], overrides{set: set, speed: speed})
			if err != nil {
				return err
			}
			if s.Endpoint == nil {
				return fmt.Errorf("%s has no endpoint: section to serve; the built-in quickstart has one", args[0])
			}
			var opts []endpoint.Option
			if stats {
				opts = append(opts, endpoint.WithStats())
			}
			server, err := newEndpoint(s, opts...)
			if err != nil {
				return err
			}
			url, wait, err := server.Listen(c.Context(), listen)
			if err != nil {
				return err
			}
			fmt.Fprintln(a.stdout, url)
			fmt.Fprintf(a.stderr, "serving %s at %gx the speed of the clock; interrupt to stop\n", s.Name, s.Target.Speed)
			return wait()
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	c.Flags().Float64Var(&speed, "speed", 0, "how many times faster than the wall's its clock runs (default: the scenario's)")
	c.Flags().StringArrayVar(&set, "set", nil, "set a scenario value, as endpoint.limits[0].amount=300")
	c.Flags().BoolVar(&stats, "stats", false, "answer GET /probe/stats with what was asked and refused")
	return c
}

// servedScenario loads a scenario whose endpoint can be served: a scenario's
// own, or the twin of a run.
func servedScenario(a app, what string, o overrides) (*scenarios.Scenario, error) {
	if countFolders([]string{what}) == 0 {
		o.baseURL = scenarios.Embedded
		return o.load(what)
	}
	r, err := readRun(what)
	if err != nil {
		return nil, err
	}
	ref := reference{run: r}
	s, err := loadTwin(&o, filepath.Join(what, "scenario.yaml"), &ref)
	if err != nil {
		return nil, err
	}
	for _, doubt := range ref.warn {
		fmt.Fprintf(a.stderr, "the twin: %s\n", doubt)
	}
	return s, nil
}

// newEndpoint makes the endpoint that a scenario describes.
func newEndpoint(s *scenarios.Scenario, opts ...endpoint.Option) (*endpoint.Server, error) {
	cfg, err := endpoint.FromScenario(s.Endpoint)
	if err != nil {
		return nil, err
	}
	cfg.Speed, cfg.Models = s.Target.Speed, []string{s.Target.Model}
	return endpoint.New(cfg, opts...)
}
