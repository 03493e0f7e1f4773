package providers

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"probe/scenarios/strictyaml"
)

//go:embed *.yaml
var files embed.FS

// Generic is the profile of what servers, proxies and services say the world
// over. Its rules are tried when no rule of a provider's own profile held.
const Generic = "generic"

// Defaults for what nearly every provider does alike.
const (
	DefaultChatPath   = "/chat/completions"
	DefaultAuthHeader = "Authorization"
	DefaultAuthPrefix = "Bearer "
)

// builtin reads every embedded profile once. It fails only when an embedded
// file is wrong, which the tests exclude.
var builtin = sync.OnceValues(func() (map[string]*Profile, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	own := make(map[string]*Profile)
	for _, e := range entries {
		data, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		p, err := decode(e.Name(), data)
		if err != nil {
			return nil, err
		}
		own[p.Name] = p
	}
	whole := make(map[string]*Profile)
	for name, p := range own {
		if whole[name], err = complete(p, own); err != nil {
			return nil, err
		}
	}
	return whole, nil
})

// Named returns a built-in profile by its name or one of its aliases. The
// error for an unknown name lists the names there are.
func Named(name string) (*Profile, error) {
	all, err := builtin()
	if err != nil {
		return nil, err
	}
	want := strings.ToLower(strings.TrimSpace(name))
	if p, ok := all[want]; ok {
		return p, nil
	}
	for _, p := range all {
		if slices.Contains(p.Aliases, want) {
			return p, nil
		}
	}
	return nil, fmt.Errorf("unknown provider %q; known: %s", name, strings.Join(Names(), ", "))
}

// Names returns the names of the built-in profiles, sorted.
func Names() []string {
	all, err := builtin()
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(all))
}

// Read reads a profile from a user's own file; filename serves errors only,
// which have the form file:line:column. A file that bears the name of a
// built-in profile overrides it: its rules come first, and what the file
// leaves out is taken from the built-in profile.
func Read(filename string, data []byte) (*Profile, error) {
	p, err := decode(filename, data)
	if err != nil {
		return nil, err
	}
	all, err := builtin()
	if err != nil {
		return nil, err
	}
	if base, known := all[p.Name]; known && p.Extends == "" {
		return over(p, base), nil
	}
	whole, err := complete(p, all)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filename, err)
	}
	return whole, nil
}

// decode reads one file strictly. Its errors name every mistake by line and
// column.
func decode(filename string, data []byte) (*Profile, error) {
	doc, err := strictyaml.Parse(filename, data)
	if err != nil {
		return nil, err
	}
	p := &Profile{}
	if err := doc.Decode(p); err != nil {
		return nil, err
	}
	if err := check(doc, p); err != nil {
		return nil, err
	}
	for i := range p.Rules {
		p.Rules[i].Profile = p.Name
	}
	for i := range p.Detect {
		p.Detect[i].Header = strings.ToLower(p.Detect[i].Header)
	}
	return p, nil
}

// complete follows Extends to the end and fills in the defaults. The result
// extends nothing any more.
func complete(p *Profile, all map[string]*Profile) (*Profile, error) {
	whole, seen := p, []string{p.Name}
	for next := p.Extends; next != ""; {
		base, ok := all[next]
		if !ok {
			return nil, fmt.Errorf("extends: unknown profile %q; known: %s",
				next, strings.Join(slices.Sorted(maps.Keys(all)), ", "))
		}
		if slices.Contains(seen, next) {
			return nil, fmt.Errorf("extends: profiles %s extend each other", strings.Join(seen, ", "))
		}
		parent := *base
		parent.Prices = nil // who speaks like another does not charge like him
		whole, seen, next = over(whole, &parent), append(seen, next), base.Extends
	}
	whole = over(whole, defaults())
	whole.Extends = ""
	return whole, nil
}

func defaults() *Profile {
	prefix := DefaultAuthPrefix
	return &Profile{
		Kind:            KindProvider,
		API:             ChatCompletions,
		ChatPath:        DefaultChatPath,
		AuthHeader:      DefaultAuthHeader,
		AuthPrefix:      &prefix,
		TokenAccounting: "unknown",
		Usage: &UsageFields{
			Prompt:     "usage.prompt_tokens",
			Completion: "usage.completion_tokens",
			Total:      "usage.total_tokens",
			Cached:     "usage.prompt_tokens_details.cached_tokens",
		},
	}
}

// over lays p over base: rules and headers of both are tried in order, p's
// first; of the rest, base supplies what p leaves out.
func over(p, base *Profile) *Profile {
	whole := *p
	whole.Title = cmp.Or(p.Title, base.Title, p.Name)
	whole.Kind = cmp.Or(p.Kind, base.Kind)
	whole.API = cmp.Or(p.API, base.API)
	whole.ChatPath = cmp.Or(p.ChatPath, base.ChatPath)
	whole.APIs = orList(p.APIs, base.APIs)
	if len(p.RequestHeaders) == 0 {
		whole.RequestHeaders = base.RequestHeaders
	}
	if len(p.StreamHeaders) == 0 {
		whole.StreamHeaders = base.StreamHeaders
	}
	whole.AuthHeader = cmp.Or(p.AuthHeader, base.AuthHeader)
	whole.AuthPrefix = cmp.Or(p.AuthPrefix, base.AuthPrefix)
	whole.KeyEnv = cmp.Or(p.KeyEnv, base.KeyEnv)
	whole.ServerClockHeader = cmp.Or(p.ServerClockHeader, base.ServerClockHeader)
	whole.TokenAccounting = cmp.Or(p.TokenAccounting, base.TokenAccounting)
	whole.Usage = cmp.Or(p.Usage, base.Usage)
	whole.BaseURLs = orList(p.BaseURLs, base.BaseURLs)
	whole.Detect = orList(p.Detect, base.Detect)
	whole.Prices = slices.Concat(p.Prices, base.Prices)
	whole.Rules = slices.Concat(p.Rules, base.Rules)
	whole.Headers = slices.Concat(p.Headers, base.Headers)
	return &whole
}

func orList[T any](a, b []T) []T {
	if len(a) > 0 {
		return a
	}
	return b
}
