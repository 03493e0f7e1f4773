package attack

import (
	"net/http"
	"strconv"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// A pacer lets Vegeta hit when the stage says so.
//
// Vegeta asks for the time to wait and then sleeps through it, deaf to Stop,
// and sends one more hit afterwards. Between two volleys that can be a minute.
// So this pacer waits by itself, where a stop can end the wait, and always
// answers that there is nothing to wait for.
type pacer struct {
	f     *flight
	timer *time.Timer
}

var _ vegeta.Pacer = (*pacer)(nil)

func newPacer(f *flight) *pacer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &pacer{f: f, timer: timer}
}

// Pace implements [vegeta.Pacer]. It is called by one goroutine.
func (p *pacer) Pace(_ time.Duration, hits uint64) (time.Duration, bool) {
	if hits >= uint64(p.f.hits()) || p.f.stopped() {
		return 0, true
	}
	number := p.f.share.Number(int(hits))
	due := p.f.due(number)
	if p.f.late(due) {
		p.f.lapse() // now, instead of after waiting for it
		return 0, true
	}
	wait := p.f.clock.until(due)
	if wait <= 0 {
		p.f.keepApart(number)
		return 0, false
	}
	p.timer.Reset(wait)
	select {
	case <-p.timer.C:
		p.f.keepApart(number)
		return 0, false
	case <-p.f.stop:
		p.timer.Stop()
		return 0, true
	}
}

// Rate implements [vegeta.Pacer]: hits a second of the wall's clock.
func (p *pacer) Rate(time.Duration) float64 {
	s := &p.f.stage
	if s.Offsets == nil {
		return s.Rate * p.f.clock.Speed() / float64(p.f.share.Of)
	}
	if d := p.f.clock.Wall(s.Duration()); d > 0 {
		return float64(p.f.hits()) / d.Seconds()
	}
	return 0
}

// hitHeader carries a request's number within the stage from the targeter to
// the entry, where it ends.
const hitHeader = "X-Probe-Hit"

// Bounds of what is rendered ahead of the schedule.
const (
	maxAhead      = 4096     // requests
	maxAheadBytes = 32 << 20 // bytes of bodies
	minAhead      = 8        // requests, however large
)

// A feed renders requests ahead of the schedule, in its order. Rendering when
// a request is due would make it late.
type feed struct {
	f     *flight
	hits  chan hit
	ready chan struct{} // closed when as much is rendered as is ahead
	done  chan struct{} // closed when rendering has ended
}

func newFeed(f *flight, r renderer) *feed {
	size := 1
	if len(f.stage.Sizes) > 0 {
		for _, z := range f.stage.Sizes {
			size = max(size, r.estimate(z))
		}
	}
	ahead := min(f.hits(), max(minAhead, min(maxAhead, maxAheadBytes/size)))
	fd := &feed{f: f, hits: make(chan hit, ahead), ready: make(chan struct{}), done: make(chan struct{})}
	go fd.run(r, ahead)
	return fd
}

func (fd *feed) run(r renderer, ahead int) {
	defer close(fd.done)
	for j := range fd.f.hits() {
		if j == ahead {
			close(fd.ready)
		}
		select {
		case fd.hits <- r.render(&fd.f.stage, fd.f.share.Number(j)):
		case <-fd.f.stop:
			if j < ahead {
				close(fd.ready)
			}
			return
		}
	}
	if ahead == fd.f.hits() {
		close(fd.ready)
	}
}

// targeter returns a [vegeta.Targeter] that hands out what the feed rendered.
func (fd *feed) targeter(method, url string) vegeta.Targeter {
	return func(t *vegeta.Target) error {
		if fd.f.stopped() {
			return vegeta.ErrNoTargets
		}
		select {
		case h := <-fd.hits:
			fd.f.mu.Lock()
			fd.f.waiting[h.number] = h
			fd.f.mu.Unlock()
			t.Method, t.URL, t.Body = method, url, h.body
			t.Header = http.Header{hitHeader: {strconv.Itoa(h.number)}}
			return nil
		case <-fd.f.stop:
			return vegeta.ErrNoTargets
		}
	}
}
