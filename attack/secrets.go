package attack

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// shortest is the length from which on a key is looked for in answers. Real
// keys have 20 characters and more; a made-up "k1" may stand in any text.
const shortest = 8

// A keyring holds the keys of a target and keeps them out of everything that
// is written.
type keyring struct {
	target *url.URL // whose scheme and host the keys are for
	header string
	values map[string]string // header values by the keys' names
	redact *strings.Replacer
}

func newKeyring(cfg Config, u *url.URL) (*keyring, error) {
	k := &keyring{
		target: u,
		header: http.CanonicalHeaderKey(cfg.AuthHeader),
		values: make(map[string]string, len(cfg.Keys)),
	}
	var pairs []string
	for _, name := range cfg.Keys {
		key, err := cfg.Reveal(name)
		if err != nil {
			return nil, fmt.Errorf("attack: key %s: %w", name, err)
		}
		if key == "" || strings.ContainsAny(key, "\r\n\x00") {
			return nil, fmt.Errorf("attack: key %s: is empty or holds a line break", name)
		}
		k.values[name] = cfg.AuthPrefix + key
		if len(key) < shortest {
			continue
		}
		quoted, _ := json.Marshal(key)
		for _, form := range []string{key, strings.Trim(string(quoted), `"`), url.QueryEscape(key)} {
			pairs = append(pairs, form, "[key "+name+"]")
		}
	}
	k.redact = strings.NewReplacer(pairs...)
	return k, nil
}

// sign adds the key of the given name to the header of a request to u, unless
// a strategy has set one or the request goes to another host than the keys are
// for. Strategies know one header for keys; where the target has another, the
// key goes there.
func (k *keyring) sign(header http.Header, u *url.URL, name string) {
	value, ok := k.values[name]
	if !ok || u.Scheme != k.target.Scheme || u.Host != k.target.Host {
		return
	}
	if k.header != "Authorization" {
		header.Del("Authorization")
	}
	if header.Get(k.header) == "" {
		header[k.header] = []string{value}
	}
}

// failure returns the recorded form of a failure's body: without keys, and
// bounded. The keys go first, or the cut could leave half of one.
func (k *keyring) failure(body []byte) string {
	text := k.redact.Replace(string(body))
	return text[:min(len(text), maxFailure)]
}

// What the descriptions of attempts begin with that never reached the endpoint.
const (
	dialFailed   = "dial: "
	lookupFailed = "lookup: "
	tlsFailed    = "tls: "
)

var neverArrived = []string{dialFailed, lookupFailed, tlsFailed}

// describe puts a transport error into words without addresses, URLs and keys.
// Ports differ with every connection, so errors with them could not be counted.
func (k *keyring) describe(err error) string {
	var (
		op   *net.OpError
		dns  *net.DNSError
		cert *tls.CertificateVerificationError
		link *url.Error
	)
	text := err.Error()
	switch {
	case errors.As(err, &dns):
		text = lookupFailed + dns.Err
	case errors.As(err, &cert):
		text = tlsFailed + cert.Err.Error()
	case errors.As(err, &op) && op.Err != nil:
		text = op.Op + ": " + op.Err.Error()
	case errors.As(err, &link):
		text = link.Err.Error()
	}
	return strings.ToValidUTF8(k.redact.Replace(text), "\uFFFD")
}

// serverTime reads the server's clock from a header: milliseconds since 1970.
// It returns 0 for anything else.
func serverTime(h http.Header, name string) time.Duration {
	if name == "" {
		return 0
	}
	ms, err := strconv.ParseInt(strings.TrimSpace(h.Get(name)), 10, 64)
	if err != nil || ms <= 0 || ms > int64(1<<63-1)/int64(time.Millisecond) {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}
