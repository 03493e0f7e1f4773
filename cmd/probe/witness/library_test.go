package witness

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-chi/httprate"
	"github.com/throttled/throttled/v2"
	throttledmem "github.com/throttled/throttled/v2/store/memstore"
	"github.com/ulule/limiter/v3"
	ulule "github.com/ulule/limiter/v3/drivers/middleware/stdlib"
	ululemem "github.com/ulule/limiter/v3/drivers/store/memory"
	"golang.org/x/time/rate"
)

// allowing refuses what any of the limiters has no token for.
func allowing(limiters ...*rate.Limiter) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, l := range limiters {
			if !l.Allow() {
				refuse(w, http.StatusTooManyRequests)
				return
			}
		}
		ok(w, r)
	}
}

func TestXRate(t *testing.T) {
	check(t, "x/time/rate: 5/s, burst 10", truth{rpm: 300, algorithms: []string{"token_bucket"}},
		func(t *testing.T) string { return serve(t, allowing(rate.NewLimiter(5, 10))) })
}

func TestXRateSlow(t *testing.T) {
	check(t, "x/time/rate: one in 700 ms, burst 4", truth{rpm: 60 / 0.7, algorithms: []string{"token_bucket"}},
		func(t *testing.T) string {
			return serve(t, allowing(rate.NewLimiter(rate.Every(700*time.Millisecond), 4)))
		})
}

// A fast bucket with a small burst stands before a slow one with a large one.
func TestXRateStacked(t *testing.T) {
	check(t, "x/time/rate: 20/s with burst 10 and 240/min with burst 32",
		truth{rpm: 240, rates: []float64{240, 1200}, algorithms: []string{"token_bucket"}},
		func(t *testing.T) string {
			return serve(t, allowing(rate.NewLimiter(20, 10), rate.NewLimiter(4, 32)))
		})
}

func TestXRateWait(t *testing.T) {
	check(t, "x/time/rate: Wait at 10/s, burst 5; nothing is refused",
		truth{rpm: 600, says: [][]string{{"delay"}}},
		func(t *testing.T) string {
			l := rate.NewLimiter(10, 5)
			return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if l.Wait(r.Context()) == nil {
					ok(w, r)
				}
			}))
		})
}

// Waits as long as a patient gateway does, then refuses.
func TestXRateWaitThenRefuse(t *testing.T) {
	check(t, "x/time/rate: 10/s, burst 3, waits up to 500 ms and then refuses",
		truth{rpm: 600},
		func(t *testing.T) string {
			l := rate.NewLimiter(10, 3)
			return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				turn := l.Reserve()
				if turn.Delay() > 500*time.Millisecond {
					turn.Cancel()
					refuse(w, http.StatusTooManyRequests)
					return
				}
				time.Sleep(turn.Delay())
				ok(w, r)
			}))
		})
}

// Its counter rounds to the nearest: 29 come through in each window, and 30 at the
// right moments.
func TestHTTPRate(t *testing.T) {
	check(t, "go-chi/httprate: 30 in 5 s", truth{rpm: 29 * 12, rates: []float64{29 * 12, 30 * 12}, algorithms: []string{"sliding_counter"}},
		func(t *testing.T) string { return serve(t, httprate.LimitAll(30, 5*time.Second)(http.HandlerFunc(ok))) })
}

func TestUlule(t *testing.T) {
	check(t, "ulule/limiter: 15 in 3 s, memory store (window from the first request)",
		truth{rpm: 300, algorithms: []string{"fixed_window"}},
		func(t *testing.T) string {
			l := limiter.New(ululemem.NewStore(), limiter.Rate{Period: 3 * time.Second, Limit: 15})
			return serve(t, ulule.NewMiddleware(l).Handler(http.HandlerFunc(ok)))
		})
}

func TestUluleOdd(t *testing.T) {
	check(t, "ulule/limiter: 23 in 2.5 s, memory store (window from the first request)",
		truth{rpm: 23 / 2.5 * 60, algorithms: []string{"fixed_window"}},
		func(t *testing.T) string {
			l := limiter.New(ululemem.NewStore(), limiter.Rate{Period: 2500 * time.Millisecond, Limit: 23})
			return serve(t, ulule.NewMiddleware(l).Handler(http.HandlerFunc(ok)))
		})
}

func TestThrottled(t *testing.T) {
	check(t, "throttled: GCRA of 8/s, burst 5 (holds 6), memory store",
		truth{rpm: 480, algorithms: []string{"token_bucket"}},
		func(t *testing.T) string {
			store, err := throttledmem.NewCtx(16)
			if err != nil {
				t.Fatal(err)
			}
			l, err := throttled.NewGCRARateLimiterCtx(store, throttled.RateQuota{MaxRate: throttled.PerSec(8), MaxBurst: 5})
			if err != nil {
				t.Fatal(err)
			}
			h := throttled.HTTPRateLimiterCtx{RateLimiter: l}
			return serve(t, h.RateLimit(http.HandlerFunc(ok)))
		})
}

// semaphore turns away what finds no room in flight.
func semaphore(n, status int, inner http.Handler) http.HandlerFunc {
	room := make(chan struct{}, n)
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
			inner.ServeHTTP(w, r)
		default:
			refuse(w, status)
		}
	}
}

func TestSemaphore429(t *testing.T) {
	check(t, "semaphore: 5 in flight of 250 ms each, refused with 429", truth{inFlight: 5},
		func(t *testing.T) string {
			return serve(t, semaphore(5, http.StatusTooManyRequests, slow(250*time.Millisecond)))
		})
}

func TestSemaphore503(t *testing.T) {
	check(t, "semaphore: 5 in flight of 250 ms each, refused with 503", truth{inFlight: 5},
		func(t *testing.T) string {
			return serve(t, semaphore(5, http.StatusServiceUnavailable, slow(250*time.Millisecond)))
		})
}

// Latency that varies is what parts a cap from a rate.
func TestSemaphoreVaried(t *testing.T) {
	check(t, "semaphore: 4 in flight of 100 to 500 ms each, refused with 429", truth{inFlight: 4},
		func(t *testing.T) string {
			return serve(t, semaphore(4, http.StatusTooManyRequests, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				slow(time.Duration(100+rand.IntN(400))*time.Millisecond)(w, r)
			})))
		})
}

func TestRandom(t *testing.T) {
	check(t, "429 to one request in eight whatever the rate, x-ratelimit headers made up",
		truth{says: [][]string{{"random"}, {"header", "advertise"}}},
		func(t *testing.T) string {
			var mu sync.Mutex
			dice := rand.New(rand.NewPCG(1, 2))
			return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				unlucky, left := dice.IntN(8) == 0, dice.IntN(60)
				mu.Unlock()
				w.Header().Set("X-RateLimit-Limit-Requests", "60")
				w.Header().Set("X-RateLimit-Remaining-Requests", fmt.Sprint(left))
				w.Header().Set("X-RateLimit-Reset-Requests", "1s")
				if unlucky {
					refuse(w, http.StatusTooManyRequests)
					return
				}
				ok(w, r)
			}))
		})
}

func TestUnlimited(t *testing.T) {
	check(t, "no limiter at all", truth{},
		func(t *testing.T) string { return serve(t, http.HandlerFunc(ok)) })
}
