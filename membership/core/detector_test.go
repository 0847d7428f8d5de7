package core

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var rewrite = flag.Bool("rewrite", false, "write what came out into testdata")

// field is a set of detectors and the network between them, driven by a
// script. Packets take a millisecond; everybody ticks every 50 ms, each a
// little later than the one before.
type field struct {
	cfg   Config
	epoch time.Time
	now   time.Time
	posts []*post
	cut   map[string]bool // "a b 0"
	air   []flying
	out   strings.Builder
}

type post struct {
	name        string
	id          ID
	d           *Detector
	boot, life  uint64
	leads, down bool
	paused      time.Time // ticks again then
	links       int
}

type flying struct {
	at       time.Time
	from, to *post
	link     int
	payload  []byte
}

func newField(links int, names ...string) *field {
	f := &field{cfg: DefaultConfig(), epoch: time.Unix(0, 0), now: time.Unix(0, 0), cut: map[string]bool{}}
	for i, n := range names {
		f.posts = append(f.posts, &post{name: n, id: ID(i + 1), links: links})
	}
	for _, p := range f.posts {
		f.start(p, true)
	}
	return f
}

func (f *field) start(p *post, reboot bool) {
	if reboot {
		p.boot++
	}
	p.life++
	p.down = false
	p.d = NewDetector(f.cfg, p.id, p.boot, p.life)
	var peers []Watched
	for _, o := range f.posts {
		peers = append(peers, Watched{ID: o.id, Links: p.links, Voter: true})
	}
	p.d.SetPeers(f.now, true, peers)
}

func (f *field) run(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); {
		f.now = f.now.Add(time.Millisecond)
		f.land()
		ms := f.now.Sub(f.epoch).Milliseconds()
		for i, p := range f.posts {
			if (ms+int64(i)*7)%50 != 0 || p.down || f.now.Before(p.paused) {
				continue
			}
			beats, events := p.d.Tick(f.now, Own{Leading: p.leads, Term: 1})
			f.tell(p, events)
			for _, b := range beats {
				f.air = append(f.air, flying{f.now.Add(time.Millisecond), p, f.posts[b.To-1], b.Link, b.Payload})
			}
		}
	}
}

func (f *field) land() {
	i := 0
	for ; i < len(f.air) && !f.air[i].at.After(f.now); i++ {
		p := f.air[i]
		if p.to.down || f.cut[fmt.Sprintf("%s %s %d", p.from.name, p.to.name, p.link)] {
			continue
		}
		if h, err := DecodeHeartbeat(p.payload); err == nil {
			f.tell(p.to, p.to.d.Receive(f.now, p.from.id, p.link, h))
		}
	}
	f.air = f.air[i:]
}

func (f *field) tell(p *post, events []Event) {
	for _, e := range events {
		s := e.String()
		kind, rest, _ := strings.Cut(s, " ")
		id := rest[:strings.IndexAny(rest+" ", " /")]
		n, _ := strconv.Atoi(id)
		fmt.Fprintf(&f.out, "%6.3fs %s: %s %s%s\n", f.now.Sub(f.epoch).Seconds(), p.name, kind, f.posts[n-1].name, strings.TrimPrefix(rest, id))
	}
}

func (f *field) post(name string) *post {
	i := slices.IndexFunc(f.posts, func(p *post) bool { return p.name == name })
	return f.posts[i]
}

// do runs one line of a script and returns what came out.
func (f *field) do(line string) string {
	w := strings.Fields(line)
	switch w[0] {
	case "run":
		d, _ := time.ParseDuration(w[1])
		f.run(d)
	case "lead":
		for _, p := range f.posts {
			p.leads = p.name == w[1]
		}
	case "kill":
		f.post(w[1]).down = true
	case "reboot", "restart":
		f.start(f.post(w[1]), w[0] == "reboot")
	case "pause":
		d, _ := time.ParseDuration(w[2])
		f.post(w[1]).paused = f.now.Add(d)
	case "cut", "heal":
		f.way(w[1], w[0] == "cut", w[2:])
	case "hub":
		fmt.Fprintf(&f.out, "hub for %s: %d\n", w[1], f.post(w[1]).d.Hub(f.now))
	default:
		panic("unknown command " + w[0])
	}
	out := f.out.String()
	f.out.Reset()
	return out
}

// way cuts or heals a->b or a<->b, on all links or one.
func (f *field) way(path string, cut bool, link []string) {
	a, b, one := strings.Cut(path, "->")
	two := strings.HasSuffix(a, "<")
	a = strings.TrimSuffix(a, "<")
	_ = one
	for i := range MaxLinks {
		if len(link) == 0 || link[1] == strconv.Itoa(i) {
			f.cut[fmt.Sprintf("%s %s %d", a, b, i)] = cut
			if two {
				f.cut[fmt.Sprintf("%s %s %d", b, a, i)] = cut
			}
		}
	}
}

// Each file is a story: prose behind #, commands behind >, and what came out.
func TestDetectorStories(t *testing.T) {
	files, _ := filepath.Glob("testdata/detector/*.txt")
	if len(files) == 0 {
		t.Fatal("no stories")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := tell(string(b))
			if *rewrite {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != string(b) {
				t.Errorf("got:\n%s\nwant:\n%s", got, b)
			}
		})
	}
}

func tell(script string) string {
	var f *field
	var out strings.Builder
	for line := range strings.Lines(script) {
		cmd, isCmd := strings.CutPrefix(line, "> ")
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
			out.WriteString(line)
		case isCmd && strings.HasPrefix(cmd, "members"):
			w := strings.Fields(cmd)
			links, _ := strconv.Atoi(w[len(w)-1])
			f = newField(links, w[1:len(w)-2]...)
			out.WriteString(line)
		case isCmd:
			out.WriteString(line + f.do(strings.TrimSpace(cmd)))
		}
	}
	return out.String()
}

// Whenever a member dies, and however many members and links there are, the
// leader declares it lost one failure timeout later, give or take a tick.
func TestDetectionTimeIsConstant(t *testing.T) {
	names := []string{"a", "b", "c", "d", "e"}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 5).Draw(t, "members")
		f := newField(rapid.IntRange(1, 3).Draw(t, "links"), names[:n]...)
		f.cfg.FailureTimeout = time.Duration(rapid.IntRange(1000, 4000).Draw(t, "timeout")) * time.Millisecond
		for _, p := range f.posts {
			p.d.cfg = f.cfg
		}
		f.posts[0].leads = true
		f.run(2*time.Second + time.Duration(rapid.IntRange(0, 200).Draw(t, "ms"))*time.Millisecond)
		victim := f.posts[rapid.IntRange(1, n-1).Draw(t, "victim")]
		victim.down = true
		start := f.now
		f.out.Reset()
		want := f.posts[0].name + ": lost " + victim.name
		for !strings.Contains(f.out.String(), want) && f.now.Sub(start) < 10*time.Second {
			f.run(10 * time.Millisecond)
		}
		took := f.now.Sub(start)
		if low, high := f.cfg.FailureTimeout-150*time.Millisecond, f.cfg.FailureTimeout+150*time.Millisecond; took < low || took > high {
			t.Fatalf("lost after %v with a failure timeout of %v:\n%s", took, f.cfg.FailureTimeout, f.out.String())
		}
		if strings.Count(f.out.String(), ": lost ") != 1 {
			t.Fatalf("more than one is lost:\n%s", f.out.String())
		}
	})
}

// However a member pauses, nobody is declared lost by it on its return, and it
// is not lost if the pause is shorter than the failure timeout.
func TestPausesKillNobody(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newField(1, "a", "b", "c")
		f.posts[0].leads = true
		f.run(2 * time.Second)
		f.out.Reset()
		for range rapid.IntRange(1, 4).Draw(t, "pauses") {
			p := f.posts[rapid.IntRange(0, 2).Draw(t, "who")]
			d := time.Duration(rapid.IntRange(50, 2700).Draw(t, "ms")) * time.Millisecond
			p.paused = f.now.Add(d)
			f.run(d + time.Duration(rapid.IntRange(300, 1000).Draw(t, "rest"))*time.Millisecond)
		}
		if strings.Contains(f.out.String(), ": lost ") {
			t.Fatalf("lost:\n%s", f.out.String())
		}
	})
}

func TestHeartbeatRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Heartbeat{
			Boot: rapid.Uint64().Draw(t, "boot"), Incarnation: rapid.Uint64().Draw(t, "incarnation"), Seq: rapid.Uint64().Draw(t, "seq"),
			Echo: rapid.Uint64().Draw(t, "echo"), EchoDelay: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "delay")) * time.Microsecond,
			Term: rapid.Uint64().Draw(t, "term"), Applied: rapid.Uint64().Draw(t, "applied"), DiskAge: time.Duration(rapid.IntRange(0, 1e9).Draw(t, "disk")) * time.Microsecond,
			Settled: rapid.Bool().Draw(t, "settled"),
		}
		for range rapid.IntRange(0, 100).Draw(t, "row") {
			h.Row = append(h.Row, Sight{ID(rapid.Uint64().Draw(t, "id")), rapid.Bool().Draw(t, "hears"), rapid.Bool().Draw(t, "lost")})
		}
		b := h.AppendBinary(nil)
		if got, err := DecodeHeartbeat(b); err != nil || fmt.Sprint(got) != fmt.Sprint(h) {
			t.Fatalf("got %v, %v; want %v", got, err, h)
		}
	})
	row := make([]Sight, 100)
	for i := range row {
		row[i].ID = ID(1000 + i)
	}
	h := Heartbeat{Boot: 1 << 30, Incarnation: 1 << 30, Seq: 1 << 40, Echo: 1 << 40, Term: 1 << 30, DiskAge: time.Hour, EchoDelay: time.Hour, Row: row}
	if n := len(h.AppendBinary(nil)); n >= 1300 {
		t.Errorf("the heartbeat of a cluster of 100 has %d bytes", n)
	}
}

func FuzzHeartbeat(f *testing.F) {
	h := Heartbeat{Boot: 1, Row: []Sight{{ID: 2, Hears: true}}}
	f.Add(h.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := NewDetector(DefaultConfig(), 1, 1, 1)
		d.SetPeers(time.Unix(0, 0), true, []Watched{{ID: 2, Links: 1}})
		if h, err := DecodeHeartbeat(b); err == nil {
			d.Receive(time.Unix(1, 0), 2, 0, h)
			d.Tick(time.Unix(2, 0), Own{Leading: true, Term: 1})
		}
	})
}
