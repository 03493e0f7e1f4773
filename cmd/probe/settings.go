package main

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"probe/analysis/compare"
	"probe/attack/runfolder"
)

// settingsOf lists what was chosen for a run: what people ask for first, then
// every value of the scenario.
func settingsOf(m runfolder.Meta, target, model, endpoint string, scenario []byte) ([]compare.Setting, error) {
	list := []compare.Setting{
		{Name: "scenario", Value: m.Scenario}, {Name: "target", Value: target}, {Name: "model", Value: model},
		{Name: "endpoint", Value: endpoint}, {Name: "speed", Value: fmt.Sprint(m.Speed)},
		{Name: "version of probe", Value: m.Program},
		{Name: "started", Value: m.Started.UTC().Format("2006-01-02 15:04:05")},
	}
	values, err := scenarioValues(scenario)
	return append(list, values...), err
}

// told are values of a scenario that have a row of their own, and those that
// are nobody's business: what keys are called and where they come from.
var told = []string{"name", "keys", "target.name", "target.model", "target.base_url", "target.speed"}

// scenarioValues lists the values of a scenario by their paths, as --set
// names them.
func scenarioValues(text []byte) ([]compare.Setting, error) {
	var root map[string]any
	if err := yaml.Load(text, &root); err != nil {
		return nil, fmt.Errorf("the run's own scenario does not load: %w", err)
	}
	var list []compare.Setting
	var walk func(path string, v any)
	walk = func(path string, v any) {
		if slices.Contains(told, path) {
			return
		}
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				walk(strings.TrimPrefix(path+"."+key, "."), value)
			}
		case []any:
			for i, value := range v {
				walk(fmt.Sprintf("%s[%d]", path, i), value)
			}
		default:
			list = append(list, compare.Setting{Name: path, Value: fmt.Sprint(v)})
		}
	}
	walk("", root)
	slices.SortFunc(list, func(a, b compare.Setting) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
}

// mostSettings is how many differing values of scenarios are listed: runs of
// quite different scenarios would differ in a hundred.
const mostSettings = 20

// fewSettings shortens the list of what differs.
func fewSettings(s compare.Side) compare.Side {
	over := len(s.Settings) - mostSettings
	if over <= 1 {
		return s
	}
	rest := compare.SideSetting{Name: fmt.Sprintf("and %d more", over)}
	for range s.Runs {
		rest.Values = append(rest.Values, "…")
	}
	s.Settings = append(slices.Clone(s.Settings[:mostSettings]), rest)
	return s
}
