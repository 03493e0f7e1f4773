package witness

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

func TestRedis(t *testing.T) {
	check(t, "redis_rate: GCRA of 12 in 2 s, holds 9, on a Redis server",
		truth{rpm: 360, algorithms: []string{"token_bucket"}},
		func(t *testing.T) string {
			program, port := installed(t, "redis-server"), port(t)
			daemon(t, port, program, "--port", fmt.Sprint(port), "--bind", "127.0.0.1",
				"--save", "", "--appendonly", "no", "--dir", t.TempDir())
			client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", port)})
			t.Cleanup(func() { client.Close() })
			l := redis_rate.NewLimiter(client)
			return serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, err := l.Allow(r.Context(), "all", redis_rate.Limit{Rate: 12, Burst: 9, Period: 2 * time.Second})
				switch {
				case err != nil:
					refuse(w, http.StatusBadGateway)
				case got.Allowed == 0:
					refuse(w, http.StatusTooManyRequests)
				default:
					ok(w, r)
				}
			}))
		})
}
