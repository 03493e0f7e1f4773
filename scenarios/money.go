package scenarios

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
)

// Money is an amount with its currency: "2 USD", "USD 2", "0.50 EUR", "$2".
// An amount is above 0; the zero Money is no amount at all.
type Money struct {
	Amount   decimal.Decimal
	Currency string // ISO 4217
}

const (
	amountPattern = `[0-9]{1,12}(?:\.[0-9]{1,9})?`
	moneyPattern  = `^(?:(` + amountPattern + `) ?([A-Za-z]{3})|([A-Za-z]{3}|\$|€|£) ?(` + amountPattern + `))$`
)

var (
	moneyRE  = regexp.MustCompile(moneyPattern)
	amountRE = regexp.MustCompile(`^` + amountPattern + `$`)
)

// signs are the currency signs that mean one currency. ¥ is both yen and yuan.
var signs = map[string]string{"$": "USD", "€": "EUR", "£": "GBP"}

// ParseMoney reads an amount of money.
func ParseMoney(text string) (Money, error) {
	trimmed := strings.TrimSpace(text)
	if amountRE.MatchString(trimmed) {
		return Money{}, fmt.Errorf("%q: name the currency, as in %s USD", clip(text), trimmed)
	}
	m := moneyRE.FindStringSubmatch(trimmed)
	if m == nil {
		return Money{}, fmt.Errorf(`%q: want an amount and its currency, such as 2 USD, 0.50 EUR or $2`, clip(text))
	}
	amount, err := decimal.NewFromString(m[1] + m[4])
	if err != nil {
		return Money{}, fmt.Errorf("%q: want an amount such as 2 USD", clip(text))
	}
	code := m[2] + m[3]
	if sign, ok := signs[code]; ok {
		code = sign
	}
	code, err = parseCurrency(code)
	if err != nil {
		return Money{}, fmt.Errorf("%q: %w", clip(text), err)
	}
	if amount.IsZero() {
		return Money{}, fmt.Errorf("%q: must be above 0", clip(text))
	}
	return Money{Amount: amount, Currency: code}, nil
}

// parseCurrency returns an ISO 4217 code in capitals.
func parseCurrency(code string) (string, error) {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return "", fmt.Errorf("unknown currency %q; want an ISO 4217 code such as USD, EUR or CNY", clip(code))
	}
	return unit.String(), nil
}

// ParseScalar implements [strictyaml.Scalar].
func (m *Money) ParseScalar(text string, _ reflect.StructTag) error {
	v, err := ParseMoney(text)
	if err != nil {
		return err
	}
	*m = v
	return nil
}

// IsZero reports whether m is no amount.
func (m Money) IsZero() bool { return m.Amount.IsZero() && m.Currency == "" }

// String writes the amount and the code: "2 USD"; "" for no amount.
func (m Money) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Amount.String() + " " + m.Currency
}

// MarshalYAML writes m as [Money.String] does.
func (m Money) MarshalYAML() (any, error) { return m.String(), nil }
