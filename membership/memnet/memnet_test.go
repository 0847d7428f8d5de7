package memnet

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-ha/holdfast/membership/core"
)

// ear hears for one node.
type ear chan string

func (e ear) Datagram(from core.ID, _ uint64, link int, b []byte, _ time.Time) {
	e <- fmt.Sprintf("%d/%d %s", from, link, b)
}
func (e ear) Message(from core.ID, b []byte) { e <- fmt.Sprintf("%d %s", from, b) }

// got returns what arrived by now.
func (e ear) got() (all []string) {
	synctest.Wait()
	for {
		select {
		case s := <-e:
			all = append(all, s)
		default:
			return all
		}
	}
}

func pair(t *testing.T, n *Network) (a *Transport, b ear) {
	t.Helper()
	one := core.Peer{ID: 1, Addresses: []string{"x", "y"}}
	two := core.Peer{ID: 2, Addresses: []string{"x", "y"}}
	a, bt := n.Transport(), n.Transport()
	b = make(ear, 100)
	a.SetPeers(one, []core.Peer{two})
	bt.SetPeers(two, []core.Peer{one})
	for _, err := range []error{a.Start(make(ear, 100)), bt.Start(b)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { a.Close(); bt.Close() })
	return a, b
}

func TestCuts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New(rand.New(rand.NewPCG(1, 1)))
		a, b := pair(t, n)
		send := func() string {
			a.SendDatagram(2, 0, []byte("d0"))
			a.SendDatagram(2, 1, []byte("d1"))
			a.SendMessage(2, []byte("m"))
			return fmt.Sprint(b.got())
		}
		expect := func(what, want string) {
			t.Helper()
			if got := send(); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		expect("whole", "[1/0 d0 1/1 d1 1 m]")
		n.Cut(1, 2, 0)
		expect("link 0 cut", "[1/1 d1 1 m]")
		n.Cut(1, 2, 1)
		expect("both cut", "[]")
		n.Heal(1, 2, 0)
		expect("link 0 healed", "[1/0 d0 1 m]")
		n.Heal(1, 2, 1)
		n.Isolate(2)
		expect("isolated", "[]")
		n.Rejoin(2)
		n.Loss(1)
		expect("all datagrams lost", "[1 m]")
		n.Loss(0)
		n.Delay(time.Second)
		expect("delayed", "[]")
		<-time.After(time.Second)
		if got := fmt.Sprint(b.got()); got != "[1/0 d0 1/1 d1 1 m]" {
			t.Errorf("after the delay: %s", got)
		}
		n.Delay(0)
		a.SetPeers(core.Peer{ID: 1}, nil)
		expect("not a peer any more", "[]")
	})
}
