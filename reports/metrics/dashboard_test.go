package metrics

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// exported lists the names of everything that a scrape of ours can show.
func exported(t *testing.T) map[string]bool {
	t.Helper()
	families, err := sample().registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "probe_") {
			names[f.GetName()] = true
		}
	}
	return names
}

var metricName = regexp.MustCompile(`probe_[a-z_]+`)

// queries finds every PromQL text of a dashboard, at whatever depth.
func queries(v any) (found []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if text, ok := value.(string); ok && (key == "expr" || key == "query" && strings.Contains(text, "(")) {
				found = append(found, text)
			}
			found = append(found, queries(value)...)
		}
	case []any:
		for _, value := range v {
			found = append(found, queries(value)...)
		}
	}
	return found
}

// Every query of the dashboard names metrics that are exported, and every
// metric that tells something is on it.
func TestDashboard(t *testing.T) {
	data, err := os.ReadFile("../../deploy/grafana/probe.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard map[string]any
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	names, shown := exported(t), map[string]bool{}
	list := queries(dashboard)
	if len(list) < 10 {
		t.Errorf("found %d queries", len(list))
	}
	for _, q := range list {
		used := metricName.FindAllString(q, -1)
		if len(used) == 0 || strings.Count(q, "(") != strings.Count(q, ")") || strings.Count(q, "{") != strings.Count(q, "}") {
			t.Errorf("query %q", q)
		}
		for _, name := range used {
			name = strings.TrimSuffix(name, "_bucket")
			shown[name] = true
			if !names[name] {
				t.Errorf("query %q: %s is not exported", q, name)
			}
		}
	}
	for name := range names {
		if !shown[name] && name != "probe_build_info" {
			t.Errorf("%s is on no panel", name)
		}
	}
}

// docs/live.md has a row for each metric, and for none that is not there.
func TestDocs(t *testing.T) {
	data, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	names, told := exported(t), map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(probe_[a-z_]+)").FindAllStringSubmatch(string(data), -1) {
		told[m[1]] = true
		if !names[m[1]] {
			t.Errorf("docs/live.md tells of %s, which is not exported", m[1])
		}
	}
	for name := range names {
		if !told[name] {
			t.Errorf("docs/live.md does not tell of %s", name)
		}
	}
}
