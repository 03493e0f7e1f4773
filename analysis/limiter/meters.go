package limiter

import (
	"math"
	"slices"
	"time"
)

type booking struct {
	at   time.Duration
	cost float64
}

// Log counts what was booked in the Window before now, request by request: a
// booking at a counts at t when t − a < Window.
type Log struct {
	Window time.Duration

	entries []booking // oldest first
	head    int
	sum     float64
}

// Usage implements [Meter].
func (l *Log) Usage(t time.Duration) float64 {
	for l.head < len(l.entries) && t-l.entries[l.head].at >= l.Window {
		l.sum -= l.entries[l.head].cost
		l.head++
	}
	if l.head == len(l.entries) {
		l.entries, l.head, l.sum = l.entries[:0], 0, 0 // no rounding error outlives an empty log
	} else if l.head > len(l.entries)/2 {
		l.entries = append(l.entries[:0], l.entries[l.head:]...)
		l.head = 0
	}
	return l.sum
}

// clone returns a copy that shares nothing with l.
func (l *Log) clone() *Log {
	c := *l
	c.entries, c.head = slices.Clone(l.entries[l.head:]), 0
	return &c
}

// until returns how long after t amount has left the window.
func (l *Log) until(t time.Duration, amount float64) time.Duration {
	if amount <= 0 {
		return 0
	}
	for _, e := range l.entries[l.head:] {
		if amount -= e.cost; amount <= 0 {
			return e.at + l.Window - t
		}
	}
	return l.Window
}

// Charge implements [Meter].
func (l *Log) Charge(t time.Duration, cost float64) {
	l.Usage(t)
	l.entries = append(l.entries, booking{t, cost})
	l.sum += cost
}

// Window counts since the current window began. Windows begin at multiples of
// Length, shifted by Phase, when Aligned; otherwise at the first booking after
// the last window ended.
type Window struct {
	Length  time.Duration
	Aligned bool
	Phase   time.Duration

	start  time.Duration
	opened bool
	sum    float64
}

// Usage implements [Meter].
func (w *Window) Usage(t time.Duration) float64 {
	if w.opened && t-w.start >= w.Length {
		w.opened, w.sum = false, 0
	}
	return w.sum
}

// Charge implements [Meter].
func (w *Window) Charge(t time.Duration, cost float64) {
	w.Usage(t)
	if !w.opened {
		w.opened = true
		w.start = t
		if w.Aligned {
			w.start = floor(t, w.Length, w.Phase)
		}
	}
	w.sum += cost
}

// floor returns the last window boundary not after t.
func floor(t, length, phase time.Duration) time.Duration {
	m := (t - phase) % length
	if m < 0 {
		m += length
	}
	return t - m
}

// Counter weighs the count of the last window by the part of it that a
// sliding window would still cover, and adds the count of the current one.
type Counter struct {
	Window  time.Duration
	Aligned bool
	Phase   time.Duration
	Round   Rounding // of what the last window still counts

	start     time.Duration
	opened    bool
	last, cur float64
}

func (c *Counter) turn(t time.Duration) {
	if !c.opened {
		return
	}
	for n := 0; t-c.start >= c.Window; n++ {
		if n == 2 { // both counts are gone: skip the idle windows
			c.start += (t - c.start) / c.Window * c.Window
			return
		}
		c.last, c.cur = c.cur, 0
		c.start += c.Window
	}
}

// Usage implements [Meter].
func (c *Counter) Usage(t time.Duration) float64 {
	c.turn(t)
	if !c.opened {
		return 0
	}
	into := float64(t-c.start) / float64(c.Window)
	return c.Round.Of(c.last*(1-into)) + c.cur
}

// until returns how long after t no more than room is taken.
func (c *Counter) until(t time.Duration, room float64) time.Duration {
	if c.Usage(t) <= room {
		return 0
	}
	// While a window lasts, what fades is the count of the one before.
	fading, fixed, start := c.last, c.cur, c.start
	if fixed > room {
		fading, fixed, start = c.cur, 0, c.start+c.Window
	}
	into := 1 - c.Round.below(room-fixed)/fading
	return start + time.Duration(math.Ceil(into*float64(c.Window))) + 1 - t
}

// Charge implements [Meter].
func (c *Counter) Charge(t time.Duration, cost float64) {
	c.turn(t)
	if !c.opened {
		c.opened, c.start = true, t
		if c.Aligned {
			c.start = floor(t, c.Window, c.Phase)
		}
	}
	c.cur += cost
}

// Bucket drains at Rate a second, continuously or in steps of Every, and is
// never below empty. With a capacity it is a token bucket seen from the other
// side: usage is what has been taken and not yet refilled. GCRA is the same
// machine.
type Bucket struct {
	Rate  float64
	Every time.Duration

	level float64 // as of at
	at    time.Duration
}

// step returns the last moment not after t at which the bucket drained.
func (b *Bucket) step(t time.Duration) time.Duration {
	if b.Every > 0 {
		return floor(t, b.Every, 0)
	}
	return t
}

// Usage implements [Meter].
func (b *Bucket) Usage(t time.Duration) float64 {
	drained := b.Rate * max(0, b.step(t)-b.at).Seconds()
	return max(0, b.level-drained)
}

// Charge implements [Meter].
func (b *Bucket) Charge(t time.Duration, cost float64) {
	now := b.step(t)
	if b.level == 0 {
		b.at = now // it has never been used, or drained long ago
	}
	b.level = b.Usage(t) + cost
	b.at = max(b.at, now)
}

// until returns how long after t amount has drained.
func (b *Bucket) until(t time.Duration, amount float64) time.Duration {
	if amount <= 0 {
		return 0
	}
	if b.Every > 0 {
		steps := time.Duration(math.Ceil(amount / (b.Rate * b.Every.Seconds())))
		return b.step(t) + steps*b.Every - t
	}
	// A nanosecond more makes good what is lost in the sums.
	return time.Duration(math.Ceil(amount/b.Rate*float64(time.Second))) + 1
}

// Wait returns how long a request that arrives at t waits in a leaky bucket
// until what is ahead of it has drained.
func (b *Bucket) Wait(t time.Duration) time.Duration {
	return time.Duration(b.Usage(t) / b.Rate * float64(time.Second))
}

// InFlight counts what has been charged and not released.
type InFlight struct{ n float64 }

// Usage implements [Meter].
func (f *InFlight) Usage(time.Duration) float64 { return f.n }

// Charge implements [Meter].
func (f *InFlight) Charge(_ time.Duration, cost float64) { f.n += cost }

// Release gives back what a finished request held.
func (f *InFlight) Release(cost float64) { f.n = max(0, f.n-cost) }

// Total counts for ever.
type Total struct{ sum float64 }

// Usage implements [Meter].
func (q *Total) Usage(time.Duration) float64 { return q.sum }

// Charge implements [Meter].
func (q *Total) Charge(_ time.Duration, cost float64) { q.sum += cost }

// WarmUp lets Cold per Window through at first, rises linearly to Hot over
// Over of use, and is cold again after Idle without a request. Its Usage is
// the count in the last Window, scaled so that Cold is always its capacity.
type WarmUp struct {
	Window    time.Duration
	Cold, Hot float64
	Over      time.Duration
	Idle      time.Duration // 0: Window

	log   Log
	began time.Duration // start of the current stretch of use
	last  time.Duration
	used  bool
}

// idle returns the silence after which the meter is cold again.
func (w *WarmUp) idle() time.Duration {
	if w.Idle > 0 {
		return w.Idle
	}
	return w.Window
}

// cold reports whether a request at t would be the first of a stretch of use.
func (w *WarmUp) cold(t time.Duration) bool { return !w.used || t-w.last >= w.idle() }

// Allowed returns what may pass in a window that ends at t.
func (w *WarmUp) Allowed(t time.Duration) float64 {
	if w.cold(t) || w.Hot <= w.Cold {
		return w.Cold
	}
	if w.Over <= 0 || t-w.began >= w.Over {
		return w.Hot
	}
	return w.Cold + (w.Hot-w.Cold)*float64(t-w.began)/float64(w.Over)
}

// Usage implements [Meter].
func (w *WarmUp) Usage(t time.Duration) float64 {
	w.log.Window = w.Window
	count, allowed := w.log.Usage(t), w.Allowed(t)
	// One more request fits while count+1 ≤ allowed; in units of Cold:
	return max(0, w.Cold-(allowed-count))
}

// Charge implements [Meter].
func (w *WarmUp) Charge(t time.Duration, cost float64) {
	w.log.Window = w.Window
	if w.cold(t) {
		w.began = t
	}
	w.used, w.last = true, t
	w.log.Charge(t, cost)
}

// ready returns the first moment from t on at which a request of the given
// cost, no more than Cold, would pass.
func (w *WarmUp) ready(t time.Duration, cost float64) time.Duration {
	past := w.log.clone() // asked about the future, which must not be forgotten here
	for {
		count := past.Usage(t)
		if count+cost <= w.Allowed(t)+slack || count == 0 {
			return t
		}
		next := t + past.until(t, past.entries[past.head].cost) // the oldest leaves
		// In the meantime the allowance may have risen enough.
		if rise := w.Hot - w.Cold; rise > 0 && w.Over > 0 && !w.cold(t) {
			share := (count + cost - w.Cold) / rise
			risen := w.began + time.Duration(math.Ceil(share*float64(w.Over))) + 1
			if share <= 1 && risen > t && risen < next && !w.cold(risen) {
				return risen
			}
		}
		t = next
	}
}
