package attack

import (
	"testing"

	"github.com/shopspring/decimal"
)

// A sum is what decimals come to, however large or small they are and in
// whatever order they come.
func TestSum(t *testing.T) {
	tests := []struct {
		name string
		of   []string
	}{
		{"nothing", nil},
		{"a limit and costs of smaller units", []string{"1000000", "-0.0001932", "-0.0001932", "0.0000012"}},
		{"back to nothing", []string{"0.1", "-0.1", "3"}},
		{"units become smaller", []string{"5", "0.25", "0.125", "1e-15", "-2"}},
		{"too many digits", []string{"1", "0.12345678901234567890123", "2", "-0.00000000000000000000123"}},
		{"too far apart", []string{"1000000000", "1e-12", "-1e-12", "7"}},
		{"large", []string{"99999999999999999", "99999999999999999", "-99999999999999998", "1e30", "-1e30"}},
		{"below zero", []string{"0.5", "-0.75"}},
		{"below zero by little", []string{"1000000000", "-1000000000", "-1e-20"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got sum
			var want decimal.Decimal
			for _, text := range test.of {
				d := decimal.RequireFromString(text)
				if want = want.Add(d); d.IsNegative() {
					got.take(d.Neg())
				} else {
					got.add(d)
				}
				if !got.total().Equal(want) || got.negative() != want.IsNegative() {
					t.Fatalf("after %s: %v, below zero %v, want %v", text, got.total(), got.negative(), want)
				}
			}
		})
	}
}

// What a request takes of the budget.
func BenchmarkBudget(b *testing.B) {
	price := decimal.RequireFromString("0.0000012")
	budget := NewBudget(Limits{Requests: 1e9, Tokens: 1e12, Money: decimal.New(1, 6)}, Spent{}, func(prompt, completion, _ int64) decimal.Decimal {
		return price.Mul(decimal.NewFromInt(prompt + completion))
	})
	b.ReportAllocs()
	for b.Loop() {
		hold, err := budget.Reserve(0, 180, 16)
		if err != nil {
			b.Fatal(err)
		}
		hold.SettleUnknown()
	}
}
