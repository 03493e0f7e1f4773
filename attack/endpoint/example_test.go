package endpoint_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"probe/analysis/limiter"
	"probe/attack/endpoint"
)

// An endpoint that lets one request a minute through, and says no as Alibaba
// does.
func Example() {
	server, err := endpoint.New(endpoint.Config{
		Dialect: endpoint.Alibaba,
		Limits: []endpoint.Limit{{
			Dimension: endpoint.Requests,
			Spec:      limiter.Spec{Algorithm: limiter.SlidingLog, Amount: 1, Window: time.Minute},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	baseURL, wait, err := server.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 2 {
		fmt.Println(ask(baseURL))
	}
	stop()
	fmt.Println(wait(), server.Stats().Refused)
	// Output:
	// 200 OK
	// 429 Too Many Requests {"error":{"message":"Requests rate limit exceeded, please try again later.","type":"limit_requests","param":null,"code":"limit_requests"},"request_id":"1d4f13a4-c76e-4658-9a37-0885ca9b8600"}
	// <nil> map[request_rate:1]
}

// ask sends one chat completion and returns the status, and the body of a
// failure.
func ask(baseURL string) string {
	body := strings.NewReader(`{"model":"qwen3-max","max_tokens":1,"messages":[{"role":"user","content":"hello"}]}`)
	r, err := http.NewRequest(http.MethodPost, baseURL+"/chat/completions", body)
	if err != nil {
		return err.Error()
	}
	r.Header.Set("Authorization", "Bearer any")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	if resp.StatusCode == http.StatusOK {
		return resp.Status
	}
	return resp.Status + " " + string(answer)
}
