package ocf

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

const (
	headBytes   = 16 << 10 // of the log, from its beginning
	tailBytes   = 32 << 10 // of the log, to its end
	errorsBytes = 8 << 10  // of stderr, to its end: there is the reason
)

// output collects what an agent prints, bounded however much that is.
type output struct {
	keep int // bytes of stdout to keep whole

	mu   sync.Mutex
	all  clipped
	out  bytes.Buffer
	errs clipped
}

func (o *output) stdout() io.Writer { return (*stdout)(o) }
func (o *output) stderr() io.Writer { return (*stderr)(o) }

// log is stdout and stderr as they came, without the middle if there is too much.
func (o *output) log() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.all.String()
}

// errors is the end of stderr.
func (o *output) errors() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.errs.tail)
}

// kept is the beginning of stdout, as much as was asked for.
func (o *output) kept() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.out.Bytes())
}

type stdout output

func (o *stdout) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.add(p, headBytes, tailBytes)
	o.out.Write(p[:min(len(p), max(o.keep-o.out.Len(), 0))])
	return len(p), nil
}

type stderr output

func (o *stderr) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all.add(p, headBytes, tailBytes)
	o.errs.add(p, 0, errorsBytes)
	return len(p), nil
}

// clipped is text of which the beginning and the end are kept.
type clipped struct {
	head, tail []byte
	dropped    int
}

func (c *clipped) add(p []byte, head, tail int) {
	n := min(len(p), head-len(c.head))
	c.head = append(c.head, p[:n]...)
	c.tail = append(c.tail, p[n:]...)
	if over := len(c.tail) - tail; over > 0 {
		c.dropped += over
		c.tail = append(c.tail[:0], c.tail[over:]...)
	}
}

func (c *clipped) String() string {
	if c.dropped == 0 {
		return string(c.head) + string(c.tail)
	}
	return fmt.Sprintf("%s\n[… %d bytes left out …]\n%s", c.head, c.dropped, c.tail)
}
