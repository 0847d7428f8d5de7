package shell

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
)

// maxLine bounds one line of a batch, in bytes.
const maxLine = 1 << 20

// RunBatch carries out the lines of a file. It stops at the first line that
// fails, unless told to go on; then the last failure's exit code is returned.
// What is pending in a working copy at the end is committed only if no line
// failed.
func (s *Session) RunBatch(ctx context.Context, in io.Reader, goOn bool) (int, error) {
	s.Batch = true
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxLine)
	code, number, pending := codeOK, 0, ""
	for !s.done && lines.Scan() && ctx.Err() == nil {
		number++
		text := lines.Text()
		if cut, ok := continued(text); ok {
			pending += cut
			continue
		}
		text, pending = pending+text, ""
		if strings.HasPrefix(strings.TrimSpace(text), "#") {
			continue
		}
		if c := s.Line(ctx, text); c != codeOK {
			code = c
			if !goOn {
				fmt.Fprintf(s.Err, "stopped at line %d: %s\n", number, strings.TrimSpace(text))
				break
			}
		}
	}
	if err := lines.Err(); err != nil {
		return codeUsage, fmt.Errorf("line %d: %w", number+1, err)
	}
	if code != codeOK {
		s.Host.CloseDraft()
		return code, nil
	}
	if pending != "" {
		return s.usage("line %d continues, and there is no next one", number), nil
	}
	return s.End(ctx), nil
}

// continued says whether a line goes on in the next one, by a backslash at its
// end, and cuts that off.
func continued(text string) (string, bool) {
	cut, ok := strings.CutSuffix(strings.TrimRight(text, " \t\r"), `\`)
	if !ok || strings.HasSuffix(cut, `\`) {
		return text, false
	}
	return cut + " ", true
}
