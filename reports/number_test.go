package reports

import (
	"encoding/json"
	"math"
	"testing"
)

// Every table checks both sides of each rounding edge.

func TestNumber(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0"}, {600, "600"}, {1_000_000, "1,000,000"}, {16_666.67, "16,667"},
		{0.95, "0.95"}, {0.0123, "0.012"}, {-0.5, "-0.5"}, {-1234.4, "-1,234"},
		{0.9949, "0.99"}, {0.9951, "1"},
		{0.0996, "0.1"}, {0.00999, "0.01"},
		{1.234, "1.23"}, {1.236, "1.24"}, {2.5, "2.5"},
		{9.994, "9.99"}, {9.996, "10"},
		{99.94, "99.9"}, {99.96, "100"},
		{999.4, "999"}, {999.6, "1,000"},
		{999_999.4, "999,999"}, {999_999.6, "1,000,000"},
		{math.NaN(), "–"}, {math.Inf(1), "–"},
	}
	for _, test := range tests {
		if got := number(test.in); got != test.want {
			t.Errorf("number(%v) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestShort(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0"}, {950, "950"}, {999.4, "999"}, {999.6, "1k"}, {1000, "1k"}, {12_500, "12.5k"},
		{16_667, "16.7k"}, {999_400, "999k"}, {999_600, "1M"}, {1_000_000, "1M"}, {1_050_000, "1.05M"},
		{2.5e9, "2.5G"}, {0.5, "0.5"}, {math.NaN(), "–"},
	}
	for _, test := range tests {
		if got := short(test.in); got != test.want {
			t.Errorf("short(%v) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0 s"}, {0.020, "20 ms"}, {60, "60 s"}, {2.5, "2.5 s"}, {1.254, "1.25 s"},
		{0.9994, "999 ms"}, {0.9996, "1 s"}, {0.0004, "0.4 ms"},
		{0.0001, "0.1 ms"}, {0.00009, "90 µs"}, {math.NaN(), "–"},
	}
	for _, test := range tests {
		if got := seconds(test.in); got != test.want {
			t.Errorf("seconds(%v) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestClock(t *testing.T) {
	tests := []struct {
		in   float64
		want string
	}{
		{0, "0:00"}, {59.4, "0:59"}, {59.6, "1:00"}, {3599.4, "59:59"}, {3599.6, "1:00:00"}, {3665, "1:01:05"},
	}
	for _, test := range tests {
		if got := clock(test.in); got != test.want {
			t.Errorf("clock(%v) = %q, want %q", test.in, got, test.want)
		}
	}
}

func TestShare(t *testing.T) {
	tests := []struct {
		part, whole int64
		want        string
	}{
		{0, 0, "–"}, {0, 10, "0.0 %"}, {10, 10, "100.0 %"}, {1, 3, "33.3 %"},
		{1, 10_000, "< 0.1 %"}, {5, 10_000, "0.1 %"}, {9_995, 10_000, "> 99.9 %"}, {9_994, 10_000, "99.9 %"},
	}
	for _, test := range tests {
		if got := share(test.part, test.whole); got != test.want {
			t.Errorf("share(%d, %d) = %q, want %q", test.part, test.whole, got, test.want)
		}
	}
}

func TestMoney(t *testing.T) {
	tests := []struct {
		in, want string
	}{
		{"1.2345", "1.2345 USD"}, {"1.2", "1.2000 USD"}, {"0", "0.00 USD"}, {"3", "3.0000 USD"},
		{"1.23454", "1.2345 USD"}, {"1.23456", "1.2346 USD"}, {"-1.5", "-1.5000 USD"},
		{"0.01", "0.0100 USD"}, {"0.00999", "0.009990 USD"}, {"0.0099", "0.009900 USD"}, {"0.000123456", "0.0001235 USD"},
		{"1234567.891", "1,234,567.8910 USD"}, {"not a number", "not a number USD"},
	}
	for _, test := range tests {
		n := json.Number(test.in)
		if got := money(&n, "USD"); got != test.want {
			t.Errorf("money(%s) = %q, want %q", test.in, got, test.want)
		}
	}
	if got := money(nil, "USD"); got != notFound {
		t.Errorf("money(nil) = %q, want %q", got, notFound)
	}
	n := json.Number("2")
	if got := money(&n, ""); got != "2.0000" {
		t.Errorf("money without a currency = %q, want 2.0000", got)
	}
}

func TestInterval(t *testing.T) {
	f := func(x float64) *float64 { return &x }
	tests := []struct {
		low, high *float64
		want      string
	}{
		{nil, nil, "–"}, {f(598), f(602), "598 – 602"}, {f(600), f(600), "exactly 600"},
		{f(600.1), f(600.2), "about 600"}, {f(1200), nil, "at least 1,200"}, {nil, f(5), "at most 5"},
	}
	for _, test := range tests {
		if got := interval(test.low, test.high); got != test.want {
			t.Errorf("interval = %q, want %q", got, test.want)
		}
	}
}
