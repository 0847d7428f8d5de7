// Package fake is an agent whose resources exist only in memory.
//
// It serves where real resources would be in the way: tests of the executor
// and the controller, and the simulator. By itself it behaves well, and passes
// the same contract suite as the real agents; told otherwise it delays, fails,
// hangs, or lies:
//
//	a := fake.New()
//	a.Script("db", agents.Start, fake.Answer{Delay: 2 * time.Second, Code: agents.ErrGeneric, Reason: "no licence"})
//	a.Break("web", "killed by signal 9", time.Now()) // the next monitor sees it, and so does Watch
//	fmt.Print(a.History())                           // "start db -> error: no licence", …
//
// [Agent.Run] waits in real time (or in the bubble of testing/synctest). Who
// keeps time himself uses [Agent.Begin], which never waits: it says how long
// the operation takes, and its end is asked for when that time has come.
//
// One Agent stands for one node: what runs here is unknown to another.
package fake
