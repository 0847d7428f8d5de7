package wire

import (
	"bytes"
	"io"
	"runtime"
	"testing"
)

func frame(message []byte) []byte { return append(appendHead(nil, len(message)), message...) }

func TestFrameTruncatedAtEveryLength(t *testing.T) {
	whole := frame([]byte("message"))
	for cut := range whole {
		_, err := readFrame(bytes.NewReader(whole[:cut]))
		if err == nil || (cut > 0) != (err == io.ErrUnexpectedEOF) {
			t.Errorf("cut after %d bytes: %v", cut, err)
		}
	}
	long := frame(make([]byte, trustedLength+1))
	if _, err := readFrame(bytes.NewReader(long[:len(long)-1])); err != io.ErrUnexpectedEOF {
		t.Errorf("long message cut: %v", err)
	}
}

func TestFrameLengthIsNotBelieved(t *testing.T) {
	if _, err := readFrame(bytes.NewReader(appendHead(nil, MaxMessage+1))); err == nil {
		t.Error("a message beyond the limit was read")
	}
	// The largest allowed length with nothing behind it must cost little.
	head := appendHead(nil, MaxMessage)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readFrame(bytes.NewReader(head)); err == nil {
		t.Error("nothing was read as a message")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2*trustedLength {
		t.Errorf("%d bytes allocated", got)
	}
}

func FuzzFrame(f *testing.F) {
	f.Add(frame([]byte("message")))
	f.Add(appendHead(nil, 0))
	f.Add(appendHead(nil, MaxMessage))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		message, err := readFrame(r)
		if err != nil {
			return
		}
		if used := data[:len(data)-r.Len()]; !bytes.Equal(used, frame(message)) {
			t.Errorf("%x was read as %x", used, message)
		}
	})
}
