package policy

import (
	"fmt"
	"strings"
	"testing"
)

// bigCluster is a cluster of groups on some nodes, half of them running.
func bigCluster(nodes, groups int) string {
	var b strings.Builder
	b.WriteString("nodes")
	for i := range nodes {
		fmt.Fprintf(&b, " n%d", i)
	}
	b.WriteString("\nfencer F\n")
	for g := range groups {
		for _, m := range []string{"ip", "fs", "db"} {
			fmt.Fprintf(&b, "primitive %s%d monitor=10s resource-stickiness=10\n", m, g)
			if g%2 == 0 {
				fmt.Fprintf(&b, "%s%d on n%d: start, monitor 10s\n", m, g, g%nodes)
			}
		}
		fmt.Fprintf(&b, "group g%d ip%d fs%d db%d\n", g, g, g, g)
		if g > 0 {
			fmt.Fprintf(&b, "order o%d g%d then g%d kind=Optional\ncolocation c%d g%d with g%d -100\n", g, g-1, g, g, g, g-1)
		}
	}
	return b.String()
}

func BenchmarkDecide(b *testing.B) {
	for _, size := range []struct{ nodes, groups int }{{3, 10}, {8, 50}, {16, 200}, {32, 400}} {
		b.Run(fmt.Sprintf("nodes=%d/resources=%d", size.nodes, 3*size.groups), func(b *testing.B) {
			in := mustFixture(b, bigCluster(size.nodes, size.groups))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decide(in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
