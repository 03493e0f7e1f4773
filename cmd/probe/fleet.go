package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/pflag"

	"probe/analysis/exchange"
	"probe/attack"
	"probe/attack/fleet"
	"probe/attack/fleet/natsbus"
	"probe/scenarios/providers"
)

// busTokenEnv names the environment variable that holds the bus's token.
const busTokenEnv = "PROBE_BUS_TOKEN"

// busFlags say how to reach a bus that runs by itself.
type busFlags struct {
	url, fleet, ca, creds string
	patience              time.Duration
}

func (b *busFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&b.url, "bus", "", "NATS server with JetStream that joins the workers, as tls://bus.example:4222; its token is read from "+busTokenEnv)
	f.StringVar(&b.fleet, "fleet", "probe", "name of the fleet, when several share one bus")
	f.StringVar(&b.ca, "bus-ca", "", "certificate (PEM) to trust the bus by (default: the system's)")
	f.StringVar(&b.creds, "bus-creds", "", "file with NATS credentials, in place of a token")
	f.DurationVar(&b.patience, "patience", 10*time.Minute, "how long to wait for the others")
}

// options returns how to reach the bus at url.
func (b *busFlags) options(a app, url string) (natsbus.Options, error) {
	o := natsbus.Options{URL: url, Fleet: b.fleet, Token: a.getenv(busTokenEnv), Creds: b.creds, Patience: b.patience}
	if b.ca == "" {
		return o, nil
	}
	var err error
	o.CA, err = os.ReadFile(b.ca)
	return o, err
}

// fleetFlags make a run one that many machines send.
type fleetFlags struct {
	busFlags
	workers, least              int
	listen, name, cert, key, to string
}

func (o *fleetFlags) addFlags(f *pflag.FlagSet) {
	f.IntVar(&o.workers, "workers", 0, "wait for so many workers (probe work) and send through them; 0: this process sends, and no bus is started")
	f.IntVar(&o.least, "min-workers", 1, "go on with as few as this when workers are lost")
	f.StringVar(&o.to, "join-file", "", "write what workers need to join, a secret, to this file")
	f.StringVar(&o.listen, "bus-listen", "127.0.0.1:0", "where the run's own bus listens, when --bus names no other; not on loopback it has TLS and a token")
	f.StringVar(&o.name, "bus-name", "", "host that workers reach the run's own bus by (default: where it listens, or this machine's name)")
	f.StringVar(&o.cert, "bus-cert", "", "certificate of the run's own bus (PEM; default: one is made)")
	f.StringVar(&o.key, "bus-key", "", "key to --bus-cert")
	o.busFlags.addFlags(f)
}

// check reports flags that do not fit together.
func (o *fleetFlags) check() error {
	switch {
	case o.workers < 0:
		return fmt.Errorf("--workers %d: must be 1 or more, or 0 for none", o.workers)
	case o.workers == 0 && (o.url != "" || o.to != ""):
		return errors.New("--bus and --join-file are for a run with --workers")
	case o.workers > 0 && (o.least < 1 || o.least > o.workers):
		return fmt.Errorf("--min-workers %d: must be between 1 and --workers %d", o.least, o.workers)
	case (o.cert == "") != (o.key == ""):
		return errors.New("--bus-cert and --bus-key go together")
	}
	return nil
}

// open connects to the bus, and starts one if none is named. The function
// ends both.
func (o *fleetFlags) open(ctx context.Context, a app) (bus *natsbus.Bus, end func() error, err error) {
	at, end := natsbus.Options{}, func() error { return nil }
	join := natsbus.Join{URL: o.url, Token: a.getenv(busTokenEnv)}
	if o.url != "" {
		if at, err = o.options(a, o.url); err != nil {
			return nil, nil, err
		}
		at.Lasting, join.CA = true, string(at.CA)
	} else {
		if o.to != "" && join.Token == "" {
			join.Token = rand.Text() // the file carries it, so that it costs nobody anything
		}
		server, err := natsbus.Serve(natsbus.ServerOptions{
			Listen: o.listen, Name: o.name, Token: join.Token, CertFile: o.cert, KeyFile: o.key,
		})
		if err != nil {
			return nil, nil, err
		}
		at, join, end = server.Options(o.fleet), server.Join(), server.Close
	}
	if bus, err = natsbus.Dial(ctx, at); err != nil {
		return nil, nil, errors.Join(err, end())
	}
	fmt.Fprintf(a.stderr, "workers join at %s\n", join.URL)
	if o.to != "" {
		err = join.Write(o.to)
		server := end
		end = func() error { return errors.Join(server(), os.Remove(o.to)) }
	}
	closeBus := end
	return bus, func() error { return errors.Join(bus.Close(), closeBus()) }, err
}

// A consignment is what a worker needs to make the attackers of a run.
type consignment struct {
	Scenario []byte `json:"scenario"`          // YAML
	Profile  []byte `json:"profile,omitempty"` // the user's own provider profile
	BaseURL  string `json:"base_url"`
	Seed     uint64 `json:"seed"`
}

// coordinate makes the session's sender a fleet. Cfg is what a sender in this
// process would have.
func (s *session) coordinate(ctx context.Context, cfg attack.Config, own []byte) error {
	given, err := s.scenario.YAML()
	if err != nil {
		return err
	}
	payload, err := json.Marshal(consignment{Scenario: given, Profile: own, BaseURL: cfg.BaseURL, Seed: cfg.Seed})
	if err != nil {
		return err
	}
	bus, end, err := s.fleet.open(ctx, s.app)
	if err != nil {
		return err
	}
	c, err := fleet.New(fleet.Config{
		Bus: bus, Program: version(), Payload: payload,
		Workers: s.fleet.workers, MinWorkers: s.fleet.least, Patience: s.fleet.patience,
		Rest: s.scenario.Search.MaxWindow.Std(), Timeout: cfg.Timeout, Chat: cmp.Or(cfg.Kind, attack.KindChat) == attack.KindChat, Model: cfg.Model,
		Budget: cfg.Budget, Clock: cfg.Clock, After: cfg.After, FirstSeq: cfg.FirstSeq,
		Sink: s.recordShared, Announce: s.folder.Announce, Withdraw: s.folder.Withdraw, Again: s.folder.BeginStage,
		Log: func(format string, args ...any) { fmt.Fprintf(s.stderr, "         "+format+"\n", args...) },
	})
	if err != nil {
		return errors.Join(err, end())
	}
	s.sender, s.closeSender = c, func() error { return errors.Join(c.Close(), end()) }
	if err := c.Gather(ctx); err != nil {
		return &exitError{exitUndecided, err}
	}
	return nil
}

// recordShared records an exchange that a worker sent. It is seen here first
// when it is over.
func (s *session) recordShared(x exchange.Exchange) error {
	s.watch.Started()
	return s.record(x)
}

// arm returns what makes the attackers of a run that this process works for.
func (w *workOptions) arm(a app) func(fleet.Spec) (func(fleet.Sending) (*attack.Attacker, error), error) {
	return func(spec fleet.Spec) (func(fleet.Sending) (*attack.Attacker, error), error) {
		var c consignment
		if err := json.Unmarshal(spec.Payload, &c); err != nil {
			return nil, fmt.Errorf("what the coordinator sent cannot be read: %w", err)
		}
		sc, err := loadScenario(c.Scenario)
		if err != nil {
			return nil, err
		}
		profile, err := consignedProfile(c.Profile, sc.Target.Provider)
		if err != nil {
			return nil, err
		}
		keys := &keyring{scenario: sc}
		if keys.secrets, err = sc.ReadKeys(a.getenv, readFile); err != nil {
			return nil, err
		}
		if spec.Program != version() {
			fmt.Fprintf(a.stderr, "the coordinator is %s, this worker %s\n", spec.Program, version())
		}
		cfg, err := targetConfig(sc, profile, keys, c.BaseURL)
		if err != nil {
			return nil, err
		}
		cfg.Seed, cfg.Transport = c.Seed, attack.NewTransport()
		return func(s fleet.Sending) (*attack.Attacker, error) {
			cfg := cfg
			cfg.Clock, cfg.Calibrator, cfg.Budget, cfg.Sink, cfg.Grace = s.Clock, s.Calibrator, s.Budget, s.Sink, s.Grace
			return attack.New(cfg)
		}, nil
	}
}

// consignedProfile reads the profile that came with a run, or the named one.
func consignedProfile(own []byte, name string) (*providers.Profile, error) {
	if len(own) > 0 {
		return providers.Read(name+".yaml", own)
	}
	return providers.Named(name)
}
