package attack_test

import (
	"testing"
	"testing/synctest"
	"time"

	"probe/attack"
)

func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			speed, want float64
		}{{1, 1}, {20, 20}, {0.5, 0.5}, {0, 1}, {-3, 1}} {
			c := attack.NewClock(time.Now().Add(-time.Minute).Round(0), tt.speed)
			time.Sleep(time.Second)
			want := time.Duration(61 * tt.want * float64(time.Second))
			if got := c.Now(); got != want || c.Speed() != tt.want {
				t.Errorf("speed %v: %v, want %v", tt.speed, got, want)
			}
			if got := c.Endpoint(c.Wall(7 * time.Second)); got < 7*time.Second || got > 7*time.Second+time.Duration(tt.want) {
				t.Errorf("speed %v: there and back %v", tt.speed, got)
			}
		}
	})
}
