package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/google/renameio/v2"
)

// markVariable is in the environment of every process that this agent starts;
// its value is the pid file.
const markVariable = "HOLDFAST_PIDFILE"

// identity is one process, once and for all.
type identity struct {
	pid  int
	born uint64
	boot string
}

// maxRecord bounds what is read of a pid file.
const maxRecord = 4096

// errNoRecord: the pid file does not exist, or holds nothing that this agent wrote.
var errNoRecord = errors.New("no record")

// write puts the identity into the file: the pid in a line of its own, as
// everyone writes and reads pid files, then what makes it unique.
func (id identity) write(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
		return err
	}
	text := fmt.Sprintf("%d\nborn %d\nboot %s\n", id.pid, id.born, id.boot)
	return renameio.WriteFile(file, []byte(text), 0o644)
}

// readRecord reads a pid file that write wrote.
func readRecord(file string) (identity, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, errNoRecord
	} else if err != nil {
		return identity{}, err
	}
	defer f.Close()
	buf := make([]byte, maxRecord)
	n, _ := f.Read(buf) // an unreadable file is one without a record
	return parseRecord(string(buf[:n]))
}

func parseRecord(text string) (identity, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return identity{}, errNoRecord
	}
	born, ok1 := strings.CutPrefix(lines[1], "born ")
	boot, ok2 := strings.CutPrefix(lines[2], "boot ")
	pid, err1 := strconv.Atoi(lines[0])
	ticks, err2 := strconv.ParseUint(born, 10, 64)
	if !ok1 || !ok2 || err1 != nil || err2 != nil || pid <= 1 || boot == "" {
		return identity{}, errNoRecord
	}
	return identity{pid: pid, born: ticks, boot: boot}, nil
}
