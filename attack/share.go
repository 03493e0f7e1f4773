package attack

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"probe/analysis/exchange"
	"probe/analysis/search"
)

// A Share is one sender's part of a stage that several send together: of the
// stage's requests 0, 1, 2, ... it sends those whose number leaves the
// remainder Index when it is divided by Of. All of them together make exactly
// the arrivals that one sender would make; shares of a lower rate, begun
// together, would arrive in bunches and be refused as bursts.
type Share struct {
	Index, Of int // 0 ≤ Index < Of

	// Begin is called once, when requests are ready to go out. It returns when
	// it is known at which endpoint time request 0 of the stage is due, whoever
	// sends that; the stage's Rest is taken to be in it. When it returns false,
	// nothing is sent.
	Begin func() (start time.Duration, ok bool)
	// FirstSeq is the number of the stage's request 0; request k has the
	// number FirstSeq+k, so that numbers prove that no exchange is missing.
	FirstSeq uint64
	// Stop ends the sending when it is closed; what is in flight goes on.
	Stop <-chan struct{}
	// Shift is the delay that the shares of a spaced stage agree on; nil for
	// one that nobody else knows of.
	Shift *Shift
}

// whole is the share of who sends a stage alone.
var whole = Share{Of: 1}

// Number returns the number within the stage of the share's request j.
func (s Share) Number(j int) int { return s.Index + j*s.Of }

// Hits returns how many of a stage's requests are the share's.
func (s Share) Hits(stage int) int {
	if stage <= s.Index {
		return 0
	}
	return (stage-s.Index-1)/s.Of + 1
}

// check reports what makes a share impossible.
func (s Share) check() error {
	switch {
	case s.Of < 1 || s.Index < 0 || s.Index >= s.Of:
		return fmt.Errorf("attack: share %d of %d: the index must be 0 or more and below the number of shares", s.Index, s.Of)
	case s.Begin == nil:
		return errors.New("attack: a share that is never told to begin")
	}
	return nil
}

// SendShare sends one share of a stage, as [Attacker.Send] sends a whole one.
// The bounds StopAfter and UntilAdmitted are the whole stage's: who sends only
// a share has to be told by [Share.Stop] when all shares together reach them.
func (a *Attacker) SendShare(ctx context.Context, s search.Stage, share Share) (Result, error) {
	if err := share.check(); err != nil {
		return Result{}, err
	}
	if a.cfg.Wrap != nil {
		return Result{}, errors.New("attack: a share cannot go through a strategy: its retries would have no number")
	}
	return a.send(ctx, s, nil, &share)
}

// A Shift is by how much a spaced stage has been delayed so far. It only
// grows. It may be used from many goroutines at once.
type Shift struct {
	// Grown, if set, is told the new total when this sender has been late.
	Grown func(total time.Duration)
	total atomic.Int64
}

// Total returns the delay.
func (s *Shift) Total() time.Duration { return time.Duration(s.total.Load()) }

// Raise makes the delay at least total, as another sender has told.
func (s *Shift) Raise(total time.Duration) {
	for {
		now := s.total.Load()
		if int64(total) <= now || s.total.CompareAndSwap(now, int64(total)) {
			return
		}
	}
}

// add delays by d more.
func (s *Shift) add(d time.Duration) {
	total := s.total.Add(int64(d))
	if s.Grown != nil {
		s.Grown(time.Duration(total))
	}
}

// An Ending counts what has come back from a stage and says when that is
// enough. It is not safe for concurrent use.
type Ending struct {
	stage                       search.Stage
	refused, admitted, hopeless int
}

// NewEnding returns the ending of a stage from which nothing has come back.
func NewEnding(s search.Stage) Ending {
	return Ending{stage: s}
}

// Saw counts one exchange and reports whether the stage is to end.
func (e *Ending) Saw(x *exchange.Exchange) bool {
	if e.stage.Ends(x) {
		e.refused++
	}
	if x.Admitted() {
		e.admitted++
	}
	if x.Outcome == exchange.Auth || x.Outcome == exchange.Billing {
		e.hopeless++
	}
	return reached(e.refused, e.stage.StopAfter) || reached(e.admitted, e.stage.UntilAdmitted) || e.hopeless >= hopeless
}

// reached reports whether a count has come to its bound; 0 is no bound.
func reached(n, bound int) bool { return bound > 0 && n >= bound }
