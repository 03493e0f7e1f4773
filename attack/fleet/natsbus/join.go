package natsbus

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

// A Join is what a worker needs to reach a bus. It holds a secret.
type Join struct {
	URL   string `json:"url"`
	Token string `json:"token,omitempty"`
	CA    string `json:"ca,omitempty"` // certificate to trust, PEM
}

// Write writes it to a file that only its owner can read. Who waits for the
// file never sees half of it.
func (j Join) Write(path string) error {
	data, err := json.Marshal(j)
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// ReadJoin reads a file that [Join.Write] has written, and waits for it.
func ReadJoin(ctx context.Context, path string, patience time.Duration) (Join, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		data, err := os.ReadFile(path)
		if err == nil {
			var j Join
			if err := json.Unmarshal(data, &j); err != nil || j.URL == "" {
				return j, fmt.Errorf("%s: is no join file: probe run writes one with --join-file", path)
			}
			return j, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Join{}, err
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return Join{}, fmt.Errorf("no coordinator has written %s within %v", path, patience)
		}
	}
}

// ServerOptions configure a bus within this process.
type ServerOptions struct {
	Listen string // host:port; port 0 takes a free one
	Name   string // host that workers reach it by; default: the one it listens on
	Token  string // default: a random one, unless on loopback
	// CertFile and KeyFile are PEM files; default: a certificate of its own,
	// unless on loopback.
	CertFile, KeyFile string
}

// secure returns what workers need to trust the bus, and its certificate, or
// none for a bus on loopback that was given none.
func (o ServerOptions) secure() (Join, *tls.Config, error) {
	host, _, err := net.SplitHostPort(o.Listen)
	if err != nil || host == "" {
		return Join{}, nil, fmt.Errorf("bus address %q: write host:port, as 127.0.0.1:4222 or 0.0.0.0:4222", o.Listen)
	}
	join := Join{Token: o.Token}
	if loopback(host) && o.CertFile == "" {
		return join, nil, nil
	}
	if join.Token == "" {
		join.Token = rand.Text()
	}
	if o.CertFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return join, nil, fmt.Errorf("the bus's certificate: %w", err)
		}
		ca, err := os.ReadFile(o.CertFile)
		join.CA = string(ca)
		return join, serverTLS(cert), err
	}
	cert, ca, err := selfSigned(host, o.Name)
	join.CA = string(ca)
	return join, serverTLS(cert), err
}

func serverTLS(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}

// selfSigned makes a certificate that is trusted by nobody but those who are
// given it, for the host and this machine's name.
func selfSigned(host, name string) (tls.Certificate, []byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	t := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		// Workers' clocks may be wrong; that is no reason not to let them in.
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour),
		DNSNames: []string{hostname(), "localhost"},
	}
	for _, h := range []string{host, name} {
		if ip := net.ParseIP(h); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else if h != "" {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, ca, nil
}

// hostname returns this machine's name, or localhost when it has none.
func hostname() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
