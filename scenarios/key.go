package scenarios

import (
	"errors"
	"fmt"
	"strings"
)

// Read finds the key. On loopback an embedded key comes first, so that a real
// one is not sent to a rehearsal; then the environment variable, then the
// file. Elsewhere an embedded key is an error when there is nothing else.
// Errors name the variable or file, never what is in it.
func (k Key) Read(getenv func(string) string, readFile func(string) ([]byte, error), loopback bool) (Secret, error) {
	if loopback && k.Embedded != "" {
		return k.secret(k.Embedded, "embedded:")
	}
	if k.Env != "" {
		if value := getenv(k.Env); value != "" || k.File == "" {
			return k.secret(value, "environment variable "+k.Env)
		}
	}
	if k.File != "" {
		data, err := readFile(k.File)
		if err != nil {
			return Secret{}, fmt.Errorf("key %s: %w", k.Name, err)
		}
		return k.secret(string(data), "file "+k.File)
	}
	if k.Embedded != "" {
		return Secret{}, fmt.Errorf("key %s is embedded, and only loopback accepts that; give it env or file instead", k.Name)
	}
	return Secret{}, fmt.Errorf("key %s does not say where it is; give it env or file", k.Name)
}

// maxKey is the longest key that is accepted, in bytes.
const maxKey = 8192

// secret checks that value can be a request header.
func (k Key) secret(value, source string) (Secret, error) {
	value = strings.TrimSpace(value)
	switch {
	case value == "":
		return Secret{}, fmt.Errorf("key %s: %s is not set or empty", k.Name, source)
	case len(value) > maxKey:
		return Secret{}, fmt.Errorf("key %s: %s holds more than %d bytes, which is no key", k.Name, source, maxKey)
	case !printableKey(value):
		return Secret{}, fmt.Errorf("key %s: %s holds spaces, line breaks or characters that no key has", k.Name, source)
	}
	return NewSecret(k.Name, value), nil
}

// printableKey reports whether every character may stand in a header value
// without quoting.
func printableKey(value string) bool {
	for i := range len(value) {
		if value[i] <= ' ' || value[i] > '~' {
			return false
		}
	}
	return value != ""
}

// ReadKeys reads every key of the scenario, in order. The error names all
// keys that could not be read.
func (s *Scenario) ReadKeys(getenv func(string) string, readFile func(string) ([]byte, error)) ([]Secret, error) {
	secrets := make([]Secret, 0, len(s.Keys))
	var errs []error
	for _, k := range s.Keys {
		secret, err := k.Read(getenv, readFile, s.Target.Loopback())
		secrets, errs = append(secrets, secret), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return secrets, nil
}
