package live

import (
	"github.com/charmbracelet/x/ansi"

	"probe/analysis/exchange"
)

// paint adds escape sequences, or none when it is false.
type paint bool

func (p paint) bold(s string) string  { return p.styled(ansi.NewStyle().Bold(), s) }
func (p paint) faint(s string) string { return p.styled(ansi.NewStyle().Faint(), s) }
func (p paint) good(s string) string  { return p.styled(ansi.NewStyle().ForegroundColor(ansi.Green), s) }
func (p paint) warn(s string) string {
	return p.styled(ansi.NewStyle().ForegroundColor(ansi.Yellow), s)
}
func (p paint) bad(s string) string { return p.styled(ansi.NewStyle().ForegroundColor(ansi.Red), s) }

func (p paint) styled(style ansi.Style, s string) string {
	if !p || s == "" {
		return s
	}
	return style.Styled(s)
}

// outcome gives a success, a limit that was looked for and a fault a colour
// each; the words say the same without.
func (p paint) outcome(o exchange.Outcome, s string) string {
	switch {
	case o == exchange.Success:
		return p.good(s)
	case o.IsLimit():
		return p.warn(s)
	}
	return p.bad(s)
}
