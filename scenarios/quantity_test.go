package scenarios

import (
	"math"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
	"pgregory.net/rapid"
)

func TestParseQuantity(t *testing.T) {
	const refused = -1
	tests := []struct {
		text, per string
		want      float64
	}{
		{"0", "", 0},
		{"600", "", 600},
		{" 600 ", "", 600},
		{"600.5", "", 600.5},
		{"1_000", "", 1000},
		{"1_0_0", "", 100},
		{"1,000", "", 1000},
		{"999,999,999", "", 999999999},
		{"1k", "", 1000},
		{"1K", "", 1000},
		{"1.5k", "", 1500},
		{"1 M", "", 1e6},
		{"1M", "", 1e6},
		{"2G", "", 2e9},
		{"1e6", "", 1e6},
		{"1.1k", "", 1100}, // exact, unlike 1.1 × 1000 in doubles for some values
		{"16666.67", "", 16666.67},
		{"1000000000000000", "", 1e15},

		{"60/m", "minute", 60},
		{"60/min", "minute", 60},
		{"60 / minute", "minute", 60},
		{"10/s", "minute", 600},
		{"36k/h", "minute", 600},
		{"600/m", "second", 10},
		{"1M/m", "second", 1e6 / 60.0},
		{"10/s", "second", 10},

		{"", "", refused},
		{"k", "", refused},
		{"-1", "", refused},
		{"+1", "", refused},
		{".5", "", refused},
		{"1.", "", refused},
		{"1m", "", refused},     // minutes, or millions?
		{"1MM", "", refused},    //
		{"1,00", "", refused},   // a comma stands between groups of three
		{"1,0000", "", refused}, //
		{"1,5", "", refused},    // and is no decimal point
		{"000", "", refused},    // what [1,000] leaves behind in a list
		{"1__0", "", refused},   //
		{"1_", "", refused},     //
		{"NaN", "", refused},    //
		{"Inf", "", refused},    //
		{"0x10", "", refused},   //
		{"1e16", "", refused},   // above 1e15
		{"1e-9", "", 1e-9},
		{"1e-10", "", refused},
		{"1e400", "", refused},        //
		{"60/m", "", refused},         // a count has no unit
		{"60/day", "minute", refused}, // unknown unit
		{"60/", "minute", refused},
		{"10 USD", "", refused},
		{"15s", "", refused},
		{strings.Repeat("1", 65), "", refused},
	}
	for _, tt := range tests {
		got, err := ParseQuantity(tt.text, tt.per)
		switch {
		case (err != nil) != (tt.want == refused):
			t.Errorf("ParseQuantity(%q, %q): got %v, %v; want %v", tt.text, tt.per, got, err, tt.want)
		case err == nil && float64(got) != tt.want:
			t.Errorf("ParseQuantity(%q, %q): got %v, want %v", tt.text, tt.per, float64(got), tt.want)
		}
	}
}

func TestParsePercent(t *testing.T) {
	const refused = -1
	for text, want := range map[string]float64{
		"1%": 0.01, "1 %": 0.01, "0.5%": 0.005, "100%": 1, "0%": 0, "0.01": 0.01, ".01": 0.01, "0.999": 0.999, "1e-2": 0.01,
		"1": refused, "1.0": refused, "50": refused, "101%": refused, "100.1%": refused,
		"-1%": refused, "%": refused, "": refused, "a%": refused, "1%%": refused, "NaN": refused,
	} {
		got, err := ParsePercent(text)
		if (err != nil) != (want == refused) || err == nil && float64(got) != want {
			t.Errorf("ParsePercent(%q): got %v, %v; want %v", text, float64(got), err, want)
		}
	}
}

func TestParseDuration(t *testing.T) {
	const refused = -1
	for text, want := range map[string]int64{
		"15m": 900e9, "1m30s": 90e9, "500ms": 5e8, "60": 60e9, "0.5": 5e8, "0": 0, "1h": 3600e9, " 2s ": 2e9, "2.5s": 25e8,
		"0.0000000005": refused, "8784h": 8784 * 3600e9, "8784h1ns": refused, "31622401": refused,
		"-1s": refused, "-1": refused, "15 minutes": refused, "15min": refused, "": refused, "m": refused, "1d": refused,
		"1M": refused, "2 USD": refused, "NaN": refused, "9999999999999h": refused,
	} {
		got, err := ParseDuration(text)
		if (err != nil) != (want == refused) || err == nil && int64(got) != want {
			t.Errorf("ParseDuration(%q): got %v, %v; want %v", text, int64(got), err, want)
		}
	}
}

func TestParseMoney(t *testing.T) {
	for text, want := range map[string]string{
		"2 USD": "2 USD", "USD 2": "2 USD", "2USD": "2 USD", "$2": "2 USD", "$ 2": "2 USD", "0.50 EUR": "0.5 EUR",
		"€0.50": "0.5 EUR", "£3": "3 GBP", "2 usd": "2 USD", "0.000000001 USD": "0.000000001 USD", "10 CNY": "10 CNY",
		"2": "", "0 USD": "", "-2 USD": "", "2 UDS": "", "¥2": "", "2 $": "", "2 USD USD": "", "USD": "", "": "",
		"0.0000000001 USD": "", "1000000000000 USD": "", "1e3 USD": "", "2 dollars": "", "15m": "",
	} {
		got, err := ParseMoney(text)
		if (err != nil) != (want == "") || got.String() != want {
			t.Errorf("ParseMoney(%q): got %q, %v; want %q", text, got, err, want)
		}
	}
}

func TestStrings(t *testing.T) {
	for _, tt := range []struct {
		got  interface{ String() string }
		want string
	}{
		{Quantity(0), "0"}, {Quantity(999), "999"}, {Quantity(1000), "1k"}, {Quantity(1050), "1050"}, {Quantity(1100), "1.1k"},
		{Quantity(999900), "999.9k"}, {Quantity(1e6), "1M"}, {Quantity(1.05e6), "1050k"}, {Quantity(1.1e6), "1.1M"},
		{Quantity(16666.67), "16666.67"}, {Quantity(258048), "258048"}, {Quantity(1e15), "1000000000M"},
		{Percent(0.01), "1%"}, {Percent(0.005), "0.5%"}, {Percent(1), "100%"}, {Percent(0), "0%"},
		{Duration(0), "0s"}, {Duration(60e9), "1m"}, {Duration(90e9), "1m30s"}, {Duration(3600e9), "1h"},
		{Duration(10e9), "10s"}, {Duration(3610e9), "1h0m10s"}, {Duration(600e9), "10m"}, {Duration(36000e9), "10h"},
	} {
		if got := tt.got.String(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}

// TestRoundTrip: what is written in YAML is read as the same value.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := Quantity(rapid.OneOf(
			rapid.Float64Range(minQuantity, maxQuantity),
			rapid.Map(rapid.Int64Range(0, 1e15), func(n int64) float64 { return float64(n) }),
			rapid.Map(rapid.Int64Range(0, 1e6), func(n int64) float64 { return float64(n * 100) }),
			rapid.Float64Range(minQuantity, 1),
		).Draw(t, "quantity"))
		d := Duration(rapid.Int64Range(0, int64(maxDuration)).Draw(t, "duration"))
		p := Percent(math.Round(rapid.Float64Range(0, 1).Draw(t, "percent")*1e9) / 1e9)

		if got, err := ParseQuantity(written(t, q), ""); err != nil || got != q {
			t.Fatalf("quantity %v: got %v, %v", float64(q), float64(got), err)
		}
		if got, err := ParseDuration(written(t, d)); err != nil || got != d {
			t.Fatalf("duration %v: got %v, %v", d, got, err)
		}
		if got, err := ParsePercent(written(t, p)); err != nil || got != p {
			t.Fatalf("percent %v: got %v, %v", float64(p), float64(got), err)
		}
	})
}

// written returns the scalar that v becomes in YAML.
func written(t *rapid.T, v any) string {
	data, err := yaml.Dump(v)
	if err != nil {
		t.Fatal(err)
	}
	var n yaml.Node
	if err := yaml.Load(data, &n); err != nil {
		t.Fatal(err)
	}
	return n.Content[0].Value
}
