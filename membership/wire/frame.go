package wire

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A message stream carries frames from the node that connected: a length in
// four bytes, then the message. Length zero is a sign of life. The other
// direction carries single bytes, each saying "still reading".
const (
	frameHead = 4
	// trustedLength is allocated on a length's word alone; beyond it, memory
	// grows with what really arrives.
	trustedLength = 1 << 20
)

// appendHead appends the length of a message to buf.
func appendHead(buf []byte, size int) []byte {
	return binary.BigEndian.AppendUint32(buf, uint32(size))
}

// readFrame reads one frame. A sign of life gives an empty message.
func readFrame(r io.Reader) ([]byte, error) {
	var head [frameHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	switch {
	case size == 0:
		return nil, nil
	case size > MaxMessage:
		return nil, fmt.Errorf("a message of %d bytes, more than %d", size, MaxMessage)
	case size <= trustedLength:
		message := make([]byte, size)
		_, err := io.ReadFull(r, message)
		return message, noEOF(err)
	}
	message, err := io.ReadAll(io.LimitReader(r, int64(size)))
	if err == nil && len(message) < int(size) {
		err = io.ErrUnexpectedEOF
	}
	return message, err
}

// noEOF is for the middle of a frame, where an end is not a clean one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
