package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// goodAnswers is how many requests a hostile endpoint answers well before it
// shows what it is: those by which a search learns how fast it answers.
const goodAnswers = 2

// A rawEndpoint is a listener that speaks to connections as it likes.
type rawEndpoint struct {
	net.Listener
	requests atomic.Int64 // complete requests, good answers included
	free     bool         // all answers are good
}

// listen serves on loopback: the first requests get a good answer, the others
// whatever bad does with their connection, which is closed afterwards.
func listen(t *testing.T, l net.Listener, bad func(c net.Conn, r *http.Request)) *rawEndpoint {
	t.Helper()
	e := &rawEndpoint{Listener: l}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go e.serve(c, bad)
		}
	}()
	return e
}

func (e *rawEndpoint) serve(c net.Conn, bad func(net.Conn, *http.Request)) {
	defer c.Close()
	for in := bufio.NewReader(c); ; {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
		if e.requests.Add(1) > goodAnswers && !e.free {
			bad(c, r)
			return
		}
		io.WriteString(c, good)
	}
}

// loopback returns a listener on a free port of this machine.
func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

const goodBody = `{"choices":[{"message":{"content":"ok"},"finish_reason":"stop"}],` +
	`"usage":{"prompt_tokens":20,"completion_tokens":1,"total_tokens":21}}`

const good = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 134\r\n\r\n" + goodBody

// says answers with the same bytes and hangs up.
func says(reply string) func(net.Conn, *http.Request) {
	return func(c net.Conn, _ *http.Request) { io.WriteString(c, reply) }
}

// stalls says something and then nothing, until the client has gone.
func stalls(reply string) func(net.Conn, *http.Request) {
	return func(c net.Conn, _ *http.Request) {
		io.WriteString(c, reply)
		io.Copy(io.Discard, c)
	}
}

// repeats says head, and then part over and over, up to size bytes of it, or
// until the client has gone.
func repeats(head, part string, size int, pause time.Duration) func(net.Conn, *http.Request) {
	if pause == 0 { // in pieces large enough to be quick
		part = strings.Repeat(part, 1+(64<<10)/len(part))
	}
	return func(c net.Conn, _ *http.Request) {
		_, err := io.WriteString(c, head)
		for n := 0; err == nil && n < size; n += len(part) {
			_, err = io.WriteString(c, part)
			time.Sleep(pause)
		}
	}
}

// resets answers a part and then cuts the connection off.
func resets(reply string) func(net.Conn, *http.Request) {
	return func(c net.Conn, _ *http.Request) {
		io.WriteString(c, reply)
		time.Sleep(20 * time.Millisecond) // or what was written goes with the connection
		c.(*net.TCPConn).SetLinger(0)
	}
}

// halfCloses says no more but goes on listening.
func halfCloses(reply string) func(net.Conn, *http.Request) {
	return func(c net.Conn, _ *http.Request) {
		io.WriteString(c, reply)
		c.(*net.TCPConn).CloseWrite()
		io.Copy(io.Discard, c)
	}
}

// certificate makes a certificate for the given names, signed by nobody but
// itself, and the file by which a client may be told to trust it.
func certificate(t *testing.T, names ...string) (cert tls.Certificate, file string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hostile"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// secure puts TLS over a listener.
func secure(l net.Listener, cert tls.Certificate, protocols ...string) net.Listener {
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: protocols})
}
