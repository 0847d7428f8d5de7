package filesystem

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-ha/holdfast/agents"
)

// config is what the parameters say.
type config struct {
	device    string
	directory string // cleaned
	fstype    string // "": look at the device
	options   options
	kill      bool // signal the holders at stop
	create    bool // make the directory at start
}

// parse checks the parameters and reports all problems at once.
func parse(params map[string]string) (config, error) {
	c := config{
		device: params["device"], fstype: params["fstype"],
		directory: params["directory"], options: parseOptions(params["options"]),
	}
	var problems []string
	note := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if c.device == "" {
		note("parameter device is missing: name what to mount")
	}
	switch {
	case c.directory == "":
		note("parameter directory is missing: name where to mount it")
	case !filepath.IsAbs(c.directory):
		note("parameter directory: %q must begin with a slash", c.directory)
	case filepath.Clean(c.directory) == "/":
		note("parameter directory: nothing can be mounted over the root directory")
	default:
		c.directory = filepath.Clean(c.directory)
	}
	if strings.ContainsAny(c.fstype, "/ \t\n,") {
		note("parameter fstype: %q cannot be the type of a file system", c.fstype)
	}
	if strings.ContainsRune(c.device+c.directory+params["options"], 0) {
		note("parameters device, directory and options must not contain a zero byte")
	}
	if bad := c.options.refused; bad != "" {
		note("parameter options: %s", bad)
	}
	switch params["kill"] {
	case "", "holders":
		c.kill = true
	case "none":
	default:
		note(`parameter kill: %q is neither "holders" nor "none"`, params["kill"])
	}
	switch strings.ToLower(params["create-directory"]) {
	case "", "false", "no", "off", "0":
	case "true", "yes", "on", "1":
		c.create = true
	default:
		note("parameter create-directory: %q is neither true nor false", params["create-directory"])
	}
	if problems != nil {
		return c, fmt.Errorf("%s", strings.Join(problems, "; "))
	}
	return c, nil
}

// The depths of a monitor: the table only, below the first; then reading; then
// writing too.
const (
	depthRead  = 10
	depthWrite = 20
)

// metadata describes the agent.
func metadata() *agents.Metadata {
	return &agents.Metadata{
		Name:  "filesystem",
		Short: "A mounted file system",
		Long: "Mounts a block device, a directory (bind), a tmpfs or a network file system. " +
			"Network file systems need their mount helper (mount.nfs and the like) on the node.",
		Parameters: []agents.Parameter{
			{
				Name: "device", Type: "string", Required: true, Short: "what to mount",
				Long: "A block device (/dev/…, UUID=…, LABEL=…), a directory to bind, server:/path of a network file system, or any name for a tmpfs.",
			},
			{
				Name: "directory", Type: "string", Required: true, Unique: true, Short: "where to mount it",
				Long: "An absolute path. It must exist, unless create-directory is true.",
			},
			{
				Name: "fstype", Type: "string", Short: "type of the file system",
				Long: "Such as ext4, xfs, nfs, tmpfs or bind. By default it is read from the device (ext2-4, xfs, btrfs).",
			},
			{Name: "options", Type: "string", Short: "mount options", Long: "Separated by commas, as in fstab."},
			{
				Name: "kill", Type: "select", Default: "holders", Options: []string{"holders", "none"},
				Short: "what to do with processes that keep it busy",
				Long:  "At stop: holders ends the processes that use this mount, first with SIGTERM, then with SIGKILL; none fails and names them.",
			},
			{
				Name: "create-directory", Type: "boolean", Default: "false", Short: "make the directory at start",
				Long: "Makes the directory, and those above it, when it is missing.",
			},
		},
		Actions: []agents.ActionDef{
			{Name: string(agents.Start), Timeout: time.Minute},
			{Name: string(agents.Stop), Timeout: time.Minute},
			{Name: string(agents.Monitor), Timeout: 40 * time.Second, Interval: 20 * time.Second, Depth: "0"},
			{Name: string(agents.Monitor), Timeout: 40 * time.Second, Interval: 2 * time.Minute, Depth: strconv.Itoa(depthRead)},
			{Name: string(agents.Monitor), Timeout: 40 * time.Second, Interval: 2 * time.Minute, Depth: strconv.Itoa(depthWrite)},
			{Name: string(agents.ValidateAll), Timeout: 20 * time.Second},
			{Name: string(agents.MetaData), Timeout: 5 * time.Second},
		},
	}
}
