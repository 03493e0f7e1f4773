package fleet

import (
	"cmp"
	"slices"
	"time"
)

// A roll is who has joined. It is not safe for concurrent use.
type roll struct {
	members map[string]*member
}

type member struct {
	hello
	joined int // in this order
	seen   time.Time
}

func newRoll() roll { return roll{members: make(map[string]*member)} }

// hear takes a worker's state and reports whether the worker is new.
func (r roll) hear(h hello, now time.Time) (joined bool) {
	m, known := r.members[h.Worker]
	if !known {
		m = &member{joined: len(r.members)}
		r.members[h.Worker] = m
	}
	m.hello, m.seen = h, now
	return !known
}

// present returns those who can take part, in the order in which they joined.
func (r roll) present(now time.Time) []*member {
	var in []*member
	for _, m := range r.members {
		if m.lost(now) == "" {
			in = append(in, m)
		}
	}
	slices.SortFunc(in, func(a, b *member) int { return cmp.Compare(a.joined, b.joined) })
	return in
}

// lost says why a worker cannot be counted on; empty when it can.
func (m *member) lost(now time.Time) string {
	switch {
	case m.Leaves:
		return "it has left"
	case now.Sub(m.seen) > leaseFor:
		return "nothing was heard of it for " + leaseFor.String()
	}
	return ""
}
