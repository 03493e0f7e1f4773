package scenarios

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is an API key as it is handed through the program. However it is
// printed, logged or marshalled, it shows only its name; [Secret.Reveal] is
// the one way to the key.
type Secret struct {
	name string
	// reveal holds the key in a closure: reflection that prints unexported
	// fields (%+v of a struct that holds a Secret) finds a pointer.
	reveal func() string
}

// NewSecret returns a secret with the name that results call it by.
func NewSecret(name, key string) Secret {
	return Secret{name: name, reveal: func() string { return key }}
}

// Name returns the name that stands for the key in results.
func (s Secret) Name() string { return s.name }

// Reveal returns the key. Its place is a request header, nowhere else.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// IsZero reports whether there is no key.
func (s Secret) IsZero() bool { return s.reveal == nil }

// String returns "[key NAME]".
func (s Secret) String() string {
	if s.name == "" {
		return "[redacted]"
	}
	return "[key " + s.name + "]"
}

// GoString is String.
func (s Secret) GoString() string { return s.String() }

// Format prints String, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText writes String.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON writes String.
func (s Secret) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

// MarshalYAML writes String.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue logs String.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
