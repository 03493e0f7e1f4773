package attack_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"probe/analysis/exchange"
	"probe/attack"
)

// rawServer answers every connection with the same bytes and then does with
// it what end says.
func rawServer(t *testing.T, reply string, end func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				req, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				io.Copy(io.Discard, req.Body)
				io.WriteString(c, reply)
				end(c.(*net.TCPConn))
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

func hangUp(*net.TCPConn) {}

func reset(c *net.TCPConn) {
	time.Sleep(20 * time.Millisecond) // or what was written goes with the connection
	c.SetLinger(0)
}

func stay(c *net.TCPConn) { io.Copy(io.Discard, c) }

func TestBrokenEndpoints(t *testing.T) {
	const stream = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
	const token = `data: {"choices":[{"delta":{"content":"a"}}]}` + "\n\n"
	tests := []struct {
		name    string
		reply   string
		end     func(*net.TCPConn)
		outcome exchange.Outcome
		status  int
		failure string // a part of the error or the body
	}{
		{"no answer", "", stay, exchange.Timeout, 0, "no complete answer"},
		{"half a header", "HTTP/1.1 200 OK\r\nContent-", stay, exchange.Timeout, 0, "no complete answer"},
		{"half a body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", stay, exchange.Timeout, 200, "no complete answer"},
		{"closed at once", "", hangUp, exchange.Transport, 0, "EOF"},
		{"reset", "", reset, exchange.Transport, 0, ""},
		{"content length too long", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{}", hangUp, exchange.Transport, 200, "unexpected EOF"},
		{"not HTTP", "SSH-2.0-x\r\n", hangUp, exchange.Transport, 0, "malformed HTTP"},
		{"header flood", "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20), stay, exchange.Transport, 0, "exceeded"},
		{"refusal that breaks off", "HTTP/1.1 429 No\r\nContent-Length: 100\r\n\r\n{\"error\"", hangUp, exchange.RequestRate, 429, `{"error"`},
		{"stream that stalls", stream + token, stay, exchange.Timeout, 200, "no complete answer"},
		{"stream that breaks off", stream + token, hangUp, exchange.Transport, 200, "the stream ended"},
		{"error in the stream", stream + token + `data: {"error":{"code":"x"}}`, hangUp, exchange.TokenRate, 200, `data: {"error"`},
		{"invalid UTF-8", "HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\n\xff\xfe{", stay, exchange.Server, 500, "\xff\xfe{"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg := config()
			cfg.BaseURL, cfg.Stream, cfg.Timeout = rawServer(t, tt.reply, tt.end), true, 300*time.Millisecond
			a, err := attack.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer a.Close()
			x := send(t, a, stage(1, 1)).Exchanges[0]
			if x.Outcome != tt.outcome || x.Status != tt.status || !strings.Contains(x.Error+"|"+x.Body, tt.failure) {
				t.Errorf("%s, status %d, error %q, body %q", x.Outcome, x.Status, x.Error, x.Body)
			}
			if strings.Contains(x.Error, "127.0.0.1") || len(x.Body) > 16<<10 {
				t.Errorf("error %q, body of %d bytes", x.Error, len(x.Body))
			}
		})
	}
}
