package reports

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// A browser is a headless Chromium that is spoken to in the DevTools protocol
// (https://chromedevtools.github.io/devtools-protocol/) over a pair of pipes:
// JSON messages, each ended by a zero byte.
type browser struct {
	t       *testing.T
	in      *os.File
	out     *bufio.Reader
	session string
	last    int
	// events are the messages that answer no call, in order.
	events []message
}

// A message is what the browser says.
type message struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// startBrowser starts Chromium with one empty page, or skips the test where
// there is none. It is ended with the test.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" || testing.Short() {
		t.Skip("needs Chromium (Debian package chromium) and no -short")
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--headless", "--remote-debugging-pipe", "--user-data-dir=" + t.TempDir(), "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
	}
	if os.Geteuid() == 0 || os.Getenv("CI") != "" {
		args = append(args, "--no-sandbox") // containers lack what the sandbox needs
	}
	cmd := exec.Command(path, append(args, "about:blank")...)
	cmd.ExtraFiles = []*os.File{theirIn, theirOut} // 3 and 4, as the protocol has it
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirIn.Close()
	theirOut.Close()
	watchdog := time.AfterFunc(5*time.Minute, func() { cmd.Process.Kill() })
	b := &browser{t: t, in: in, out: bufio.NewReader(out)}
	t.Cleanup(func() {
		b.session = ""
		b.send("Browser.close", nil)
		cmd.Wait()
		watchdog.Stop()
		in.Close()
		out.Close()
	})
	b.attach()
	return b
}

// attach opens a page and listens to what happens in it.
func (b *browser) attach() {
	b.t.Helper()
	var target struct{ TargetID string }
	b.call(&target, "Target.createTarget", map[string]any{"url": "about:blank"})
	var session struct{ SessionID string }
	b.call(&session, "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true})
	b.session = session.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(nil, domain+".enable", nil)
	}
}

func (b *browser) send(method string, params any) int {
	b.last++
	call := map[string]any{"id": b.last, "method": method}
	if params != nil {
		call["params"] = params
	}
	if b.session != "" {
		call["sessionId"] = b.session
	}
	data, err := json.Marshal(call)
	if err == nil {
		_, err = b.in.Write(append(data, 0))
	}
	if err != nil {
		b.t.Errorf("chromium: %s: %v", method, err)
	}
	return b.last
}

// call calls a method and reads its result.
func (b *browser) call(result any, method string, params any) {
	b.t.Helper()
	id := b.send(method, params)
	for {
		m := b.read()
		if m.ID != id {
			b.events = append(b.events, m)
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("chromium: %s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatalf("chromium: %s: %v", method, err)
			}
		}
		return
	}
}

func (b *browser) read() message {
	b.t.Helper()
	data, err := b.out.ReadBytes(0)
	if err != nil {
		b.t.Fatalf("chromium ended: %v", err)
	}
	var m message
	if err := json.Unmarshal(data[:len(data)-1], &m); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	return m
}

// open loads a page and waits until it is loaded and has been drawn.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call(nil, "Page.navigate", map[string]any{"url": url})
	for {
		m := b.read()
		b.events = append(b.events, m)
		if m.Method == "Page.loadEventFired" {
			break
		}
	}
	b.settle()
}

// settle waits for the next frame, and for one after it.
func (b *browser) settle() {
	b.t.Helper()
	b.eval(nil, "new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")
}

// eval evaluates an expression in the page and waits for its promise.
func (b *browser) eval(result any, expression string) {
	b.t.Helper()
	var r struct {
		Result struct {
			Value json.RawMessage
		}
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	b.call(&r, "Runtime.evaluate", map[string]any{"expression": expression, "awaitPromise": true, "returnByValue": true})
	if e := r.ExceptionDetails; e != nil {
		b.t.Fatalf("%s: %s %s", expression, e.Text, e.Exception.Description)
	}
	if result != nil {
		if err := json.Unmarshal(r.Result.Value, result); err != nil {
			b.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// view sets the size of the window in CSS pixels and the colour scheme. It
// asks for less motion: a page that scrolls smoothly to what has the focus is
// still on its way when a test measures where things are.
func (b *browser) view(width, height int, scheme string) {
	b.t.Helper()
	b.call(nil, "Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
	b.call(nil, "Emulation.setEmulatedMedia", map[string]any{
		"features": []map[string]string{
			{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
		},
	})
}

// key presses a key.
func (b *browser) key(name string) {
	b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		event := map[string]any{"type": kind, "key": name}
		if len(name) == 1 && kind == "keyDown" {
			event["text"] = name
		}
		b.call(nil, "Input.dispatchKeyEvent", event)
	}
}

// drag presses the mouse at one place and releases it at another.
func (b *browser) drag(x0, y0, x1, y1 float64) {
	b.t.Helper()
	at := func(kind string, x, y float64, buttons int) {
		b.call(nil, "Input.dispatchMouseEvent", map[string]any{
			"type": kind, "x": x, "y": y, "button": "left", "buttons": buttons, "clickCount": 1,
		})
	}
	at("mouseMoved", x0, y0, 0)
	at("mousePressed", x0, y0, 1)
	at("mouseMoved", (x0+x1)/2, (y0+y1)/2, 1)
	at("mouseMoved", x1, y1, 1)
	at("mouseReleased", x1, y1, 0)
	b.settle()
}

// complaints are what the page said on its console, threw, or was refused.
func (b *browser) complaints() []string {
	var out []string
	for _, m := range b.events {
		switch m.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
			out = append(out, fmt.Sprintf("%s: %s", m.Method, m.Params))
		}
	}
	return out
}

// requests are the addresses that the page asked for.
func (b *browser) requests() []string {
	var out []string
	for _, m := range b.events {
		if m.Method != "Network.requestWillBeSent" {
			continue
		}
		var p struct{ Request struct{ URL string } }
		if err := json.Unmarshal(m.Params, &p); err != nil {
			b.t.Fatal(err)
		}
		out = append(out, p.Request.URL)
	}
	return out
}
