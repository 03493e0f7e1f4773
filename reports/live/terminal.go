package live

import (
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"
)

const (
	perSecond = 5               // how often the view is drawn
	patience  = 2 * time.Second // for a terminal that takes nothing
	mostLines = 1000            // kept for a terminal that takes nothing
	interval  = time.Second / perSecond
)

// A Terminal shows a [Monitor] at the bottom of a terminal, and lines that are
// written to it above. It never touches the terminal's modes: no raw input, no
// other screen, no other cursor. Whatever ends the program, the terminal is
// as it was, and an interrupt reaches the program as it always does.
//
// Nobody waits for the terminal: Write keeps the lines until the view is drawn
// the next time, and Close gives up on a terminal that has been stopped.
type Terminal struct {
	program *tea.Program
	done    chan error
	pending *pending
}

var _ io.WriteCloser = (*Terminal)(nil)

// A TerminalConfig says how a [Terminal] shows what. Out is the terminal,
// usually os.Stderr. Env is the environment, as os.Environ has it.
type TerminalConfig struct {
	Out      io.Writer
	Env      []string
	Color    bool
	Snapshot func() Snapshot
}

// NewTerminal begins to draw. Close must be called.
func NewTerminal(cfg TerminalConfig) *Terminal {
	t := &Terminal{pending: new(pending), done: make(chan error, 1)}
	t.program = tea.NewProgram(&model{cfg: cfg, pending: t.pending},
		tea.WithInput(nil), tea.WithOutput(cfg.Out), tea.WithEnvironment(cfg.Env),
		tea.WithoutSignalHandler(), tea.WithFPS(2*perSecond))
	go func() {
		_, err := t.program.Run()
		t.done <- err
	}()
	return t
}

// Write shows text above the view, from the next drawing on. It must end with
// the end of a line. It never fails.
func (t *Terminal) Write(text []byte) (int, error) {
	t.pending.add(string(text))
	return len(text), nil
}

// Close shows what was written, takes the view away and leaves the cursor
// where the next line begins.
func (t *Terminal) Close() error {
	go t.program.Send(closeMsg{})
	select {
	case err := <-t.done:
		return err
	case <-time.After(patience):
		t.program.Kill()
		return errors.New("the terminal takes no output")
	}
}

// pending are lines that wait to be shown.
type pending struct {
	mu    sync.Mutex
	lines []string
}

func (p *pending) add(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
	if over := len(p.lines) - mostLines; over > 0 {
		p.lines = p.lines[over:]
	}
}

func (p *pending) take() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := strings.Join(p.lines, "\n")
	p.lines = nil
	return text
}

type (
	tickMsg  struct{}
	closeMsg struct{}
)

// A model is what Bubble Tea draws.
type model struct {
	cfg     TerminalConfig
	pending *pending
	width   int
	height  int
	closing bool
}

func tick() tea.Cmd {
	return tea.Tick(interval, func(time.Time) tea.Msg { return tickMsg{} })
}

// Init implements [tea.Model].
func (m *model) Init() tea.Cmd { return tick() }

// Update implements [tea.Model].
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case closeMsg:
		m.closing = true
		return m, tea.Sequence(m.print(), tea.Quit)
	case tickMsg:
		return m, tea.Sequence(m.print(), tick())
	}
	return m, nil
}

// print shows the lines that wait.
func (m *model) print() tea.Cmd {
	text := m.pending.take()
	if text == "" {
		return nil
	}
	return tea.Println(text)
}

// View implements [tea.Model].
func (m *model) View() tea.View {
	v := tea.View{DisableBracketedPasteMode: true, Cursor: tea.NewCursor(0, 0)}
	// DECSCUSR 0, the shape that the user has chosen, which need not be set.
	v.Cursor.Shape, v.Cursor.Blink = -1, false
	if m.closing || m.width == 0 {
		return v
	}
	lines := strings.Split(View(m.cfg.Snapshot(), m.width, m.cfg.Color), "\n")
	lines = lines[:min(len(lines), max(1, m.height-2))]
	// The cursor waits below, where what a user types does the least harm.
	v.Content = strings.Join(lines, "\n") + "\n"
	v.Cursor.Y = len(lines)
	return v
}
