package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// streamEvents is how many events a streamed answer has.
const streamEvents = 500

// staticAnswer is what the server says to a request that is not streamed.
const staticAnswer = `{"id":"chatcmpl-bench","object":"chat.completion","created":1700000000,"model":"m","choices":[{"index":0,` +
	`"message":{"role":"assistant","content":"A plain answer of a few words, as short as those of a probe are."},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":170,"completion_tokens":16,"total_tokens":186}}`

// A staticServer answers without thinking and notes when requests arrived.
type staticServer struct {
	mu       sync.Mutex
	arrivals []int64 // nanoseconds since began
	began    time.Time
}

// serve answers on a free port until its standard input is closed.
func serve() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s := &staticServer{began: time.Now()}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.answer)
	mux.HandleFunc("POST /arrivals", s.report)
	fmt.Printf("http://%s\n", l.Addr())
	go http.Serve(l, mux)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func (s *staticServer) answer(w http.ResponseWriter, r *http.Request) {
	arrived := time.Now()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	s.mu.Lock()
	s.arrivals = append(s.arrivals, int64(arrived.Sub(s.began)))
	s.mu.Unlock()
	if bytes.Contains(body, []byte(`"stream":true`)) {
		stream(w, arrived)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, staticAnswer)
}

// stream writes its events as fast as it can. The usage at its end tells, in
// microseconds, how long after its arrival the first token went out.
func stream(w http.ResponseWriter, arrived time.Time) {
	w.Header().Set("Content-Type", "text/event-stream")
	const event = `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{"content":"token "},"finish_reason":null}]}` + "\n\n"
	io.WriteString(w, event)
	w.(http.Flusher).Flush()
	first := time.Since(arrived).Microseconds()
	for range streamEvents - 2 {
		io.WriteString(w, event)
	}
	fmt.Fprintf(w, `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1700000000,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%[1]d}}`+"\n\ndata: [DONE]\n\n", first, streamEvents-1)
}

// report tells when requests arrived since the last report, and forgets them.
func (s *staticServer) report(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	arrivals := s.arrivals
	s.arrivals = nil
	s.mu.Unlock()
	_ = json.NewEncoder(w).Encode(arrivals)
}
