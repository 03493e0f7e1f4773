// Package slurm tests the job script by running it.
package slurm

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// conf is a cluster of three nodes, all on this machine.
const conf = `ClusterName=probe
SlurmctldHost=HOST(127.0.0.1)
SlurmctldPort=PORT0
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=DIR/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
ReturnToService=2
StateSaveLocation=DIR/state
SlurmdSpoolDir=DIR/spool/%n
SlurmctldPidFile=DIR/ctld.pid
SlurmdPidFile=DIR/%n.pid
SlurmctldLogFile=DIR/ctld.log
SlurmdLogFile=DIR/%n.log
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
NodeName=w1 NodeHostname=HOST NodeAddr=127.0.0.1 Port=PORT1 CPUs=1
NodeName=w2 NodeHostname=HOST NodeAddr=127.0.0.1 Port=PORT2 CPUs=1
NodeName=w3 NodeHostname=HOST NodeAddr=127.0.0.1 Port=PORT3 CPUs=1
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
`

const scenario = `
name: slurm
target: {provider: alibaba, base_url: embedded, model: m, speed: 5}
keys: [{name: main, embedded: probe-canary-key}]
endpoint:
  dialect: alibaba
  limits: [{dimension: requests, amount: 8, window: 4s}]
look_for: [requests]
search: {max_rps: 15, max_window: 10s}
budget: {requests: 2000}
`

// A Slurm array of three tasks, started by the script, ends with one run
// folder, in which three workers sent every stage.
func TestArray(t *testing.T) {
	c := newCluster(t)
	script, err := filepath.Abs("probe.sbatch")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, "slurm.yaml"), []byte(scenario), 0o644); err != nil {
		t.Fatal(err)
	}
	out := c.run("sbatch", "--wait", "--array=0-2", "--output="+c.dir+"/task-%a.out", script, "slurm.yaml")
	folders, err := filepath.Glob(filepath.Join(c.dir, "runs", "*", "analysis.json"))
	if err != nil || len(folders) != 1 {
		t.Fatalf("%d run folders\n%s\n%s", len(folders), out, c.logs())
	}
	text, err := os.ReadFile(folders[0])
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Complete  bool
		Effective struct{ RPM struct{ Low, High *float64 } }
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	rpm := d.Effective.RPM
	if !d.Complete || rpm.Low == nil || rpm.High == nil || *rpm.Low > 120 || *rpm.High < 120 {
		t.Errorf("complete %v, RPM %+v, want 120\n%s", d.Complete, rpm, c.logs())
	}
	stages, err := os.ReadFile(filepath.Join(filepath.Dir(folders[0]), "stages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{"0/3", "1/3", "2/3"} {
		if !strings.Contains(string(stages), fmt.Sprintf(`"index":%q`, index)) {
			t.Errorf("no share of worker %s is recorded", index)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(c.dir, ".probe-join-*")); len(left) > 0 {
		t.Errorf("secrets were left behind: %v", left)
	}
}

// A cluster is Slurm on this machine.
type cluster struct {
	t   *testing.T
	dir string
	env []string
}

// newCluster starts Slurm, or skips the test where it is not installed.
func newCluster(t *testing.T) *cluster {
	if testing.Short() {
		t.Skip("starting Slurm takes a while")
	}
	for _, program := range []string{"munged", "slurmctld", "slurmd", "sbatch"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("Slurm is not installed: %v; Debian has it: apt-get install slurm-wlm munge", err)
		}
	}
	if os.Geteuid() != 0 {
		t.Skip("Slurm's daemons need root")
	}
	c := &cluster{t: t, dir: openDir(t)}
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	host, _, _ = strings.Cut(host, ".")
	text := strings.NewReplacer("DIR", c.dir, "HOST", host).Replace(conf)
	for i := range 4 {
		text = strings.ReplaceAll(text, fmt.Sprint("PORT", i), fmt.Sprint(freePort(t)))
	}
	c.write("slurm.conf", []byte(text), 0o644)
	key := make([]byte, 1024)
	rand.Read(key)
	c.write("munge.key", key, 0o600)
	c.env = append(os.Environ(), "SLURM_CONF="+c.dir+"/slurm.conf", "PROBE="+c.build(), "PROBE_BUS_LISTEN=127.0.0.1:0")

	at := func(name string) string { return filepath.Join(c.dir, name) }
	c.start("munged", "-F", "--key-file="+at("munge.key"), "--socket="+at("munge.socket"),
		"--pid-file="+at("munge.pid"), "--log-file="+at("munge.log"), "--seed-file="+at("munge.seed"))
	c.until(func() bool { _, err := os.Stat(at("munge.socket")); return err == nil })
	c.start("slurmctld", "-D")
	for i := range 3 {
		name := fmt.Sprint("w", i+1)
		if err := os.MkdirAll(at("spool/"+name), 0o755); err != nil {
			t.Fatal(err)
		}
		c.start("slurmd", "-D", "-N", name)
	}
	c.until(func() bool {
		out, err := c.command("sinfo", "-h", "-t", "idle", "-o", "%D").Output()
		return err == nil && strings.TrimSpace(string(out)) == "3"
	})
	return c
}

// openDir makes a directory that all users can enter: munged insists on it.
func openDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "probe-slurm-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (c *cluster) write(name string, data []byte, mode os.FileMode) {
	if err := os.WriteFile(filepath.Join(c.dir, name), data, mode); err != nil {
		c.t.Fatal(err)
	}
}

// build builds the command as a user would.
func (c *cluster) build() string {
	bin := filepath.Join(c.dir, "probe")
	if out, err := exec.Command("go", "build", "-o", bin, "probe/cmd/probe").CombinedOutput(); err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

func (c *cluster) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), name, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	return cmd
}

// start starts a daemon and ends it with the test.
func (c *cluster) start(name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		gone := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		gone.Stop()
	})
}

func (c *cluster) run(name string, args ...string) string {
	ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = c.dir, c.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Errorf("%s: %v\n%s", name, err, out)
	}
	return string(out)
}

// until waits for a condition.
func (c *cluster) until(ok func() bool) {
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("Slurm does not come up\n%s", c.logs())
		}
	}
}

func (c *cluster) logs() string {
	var all strings.Builder
	for _, pattern := range []string{"task-*.out", "*.log"} {
		names, _ := filepath.Glob(filepath.Join(c.dir, pattern))
		slices.Sort(names)
		for _, name := range names {
			text, _ := os.ReadFile(name)
			fmt.Fprintf(&all, "== %s\n%s\n", filepath.Base(name), text[max(0, len(text)-2000):])
		}
	}
	return all.String()
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
