package cib

import (
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"fmt"
	"io"
)

// plain undoes the compression that recorded inputs come in (pe-input-1.bz2),
// told by the first bytes.
func plain(r io.Reader, file string) (io.Reader, error) {
	buffered := bufio.NewReader(r)
	magic, _ := buffered.Peek(3)
	switch {
	case string(magic) == "BZh":
		return bzip2.NewReader(buffered), nil
	case len(magic) > 1 && magic[0] == 0x1f && magic[1] == 0x8b:
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("%s: gzip: %w", file, err)
		}
		return unzipped, nil
	}
	return buffered, nil
}
