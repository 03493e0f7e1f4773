package providers

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The dialects in which a model is asked.
const (
	ChatCompletions = "chat_completions" // OpenAI's, and what others made of it
	Messages        = "messages"         // Anthropic's
	DashScope       = "dashscope"        // Alibaba's native generation API
)

// An API says how one dialect is spoken to a provider.
type API struct {
	// Name is the dialect: what the request's body looks like, and the answer's.
	Name string `yaml:"api" enum:"chat_completions,messages,dashscope"`
	// Path is appended to the base URL.
	Path string `yaml:"path"`
	// AuthHeader and AuthPrefix carry the key; default "Authorization: Bearer ".
	AuthHeader string `yaml:"auth_header,omitempty"`
	AuthPrefix string `yaml:"auth_prefix,omitempty"`
	// RequestHeaders go out with every request, StreamHeaders with those that
	// ask for a stream.
	RequestHeaders map[string]string `yaml:"request_headers,omitempty"`
	StreamHeaders  map[string]string `yaml:"stream_headers,omitempty"`
}

// Speak returns how a dialect is spoken to the provider: its own way, or what
// is usual. The empty name asks for the provider's first dialect. The error
// for an unknown one lists those that there are.
func (p *Profile) Speak(name string) (API, error) {
	first := API{
		Name: cmp.Or(p.API, ChatCompletions), Path: p.ChatPath, AuthHeader: p.AuthHeader, AuthPrefix: p.Prefix(),
		RequestHeaders: p.RequestHeaders, StreamHeaders: p.StreamHeaders,
	}
	if name == "" || name == first.Name {
		return first, nil
	}
	known := p.APIs
	if generic, err := Named(Generic); err == nil {
		known = slices.Concat(known, generic.APIs)
	}
	var names []string
	for _, a := range known {
		if a.Name == name {
			if a.AuthHeader == "" {
				a.AuthHeader, a.AuthPrefix = DefaultAuthHeader, DefaultAuthPrefix
			}
			return a, nil
		}
		names = append(names, a.Name)
	}
	return API{}, fmt.Errorf("unknown API %q; known: %s", name, strings.Join(names, ", "))
}
