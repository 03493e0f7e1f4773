package strategy_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"probe/attack/strategy"
)

// A chain in an ordinary client: at most ten requests a second and 600 a
// minute, and another try for what a later one can mend.
func Example() {
	requests := 0
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests == 1 {
			w.Header().Set("Retry-After", "0.05")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		io.Copy(w, r.Body)
	}))
	defer endpoint.Close()

	wrap, err := strategy.Parse("queue+backoff", strategy.Config{
		MaxAttempts: 5,
		Deadline:    time.Minute,
		Queue:       strategy.Queue{Limits: strategy.Minutes(600, 10, 1_000_000, 0)},
		Backoff:     strategy.Backoff{Initial: 100 * time.Millisecond},
	})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: wrap(http.DefaultTransport)}

	resp, err := client.Post(endpoint.URL, "application/json", strings.NewReader(`{"max_tokens": 10}`))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	fmt.Println(resp.Status, string(body), "after", requests, "attempts")
	// Output: 200 OK {"max_tokens": 10} after 2 attempts
}

// A transport inside a chain learns which attempt it sends.
func ExampleAttemptOf() {
	send := transport(func(req *http.Request) (*http.Response, error) {
		a, _ := strategy.AttemptOf(req.Context())
		fmt.Printf("task %d, try %d, model %s\n", a.Task, a.Number, a.Model)
		status := http.StatusServiceUnavailable
		if a.Model == "qwen-plus" {
			status = http.StatusOK
		}
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}, nil
	})
	wrap, err := strategy.Parse("fallback", strategy.Config{
		Fallback: strategy.Fallback{Steps: []strategy.Step{{Model: "qwen3-max"}, {Model: "qwen-plus"}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	client := &http.Client{Transport: wrap(send)}
	req, _ := http.NewRequest("POST", "http://127.0.0.1/v1/chat/completions", strings.NewReader(`{"model": "any"}`))
	resp, err := client.Do(req.WithContext(strategy.WithTask(req.Context(), strategy.Task{Number: 42})))
	if err != nil {
		log.Fatal(err)
	}
	resp.Body.Close()
	// Output:
	// task 42, try 1, model qwen3-max
	// task 42, try 2, model qwen-plus
}

type transport func(*http.Request) (*http.Response, error)

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) { return t(req) }
