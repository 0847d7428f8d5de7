// Package executor carries out fencing operations with real agents on this
// node.
//
//	Run(spec) ─ one loop per operation ─ fencing.Operation
//	   ▲ heartbeats, confirmations, answers, timer
//	   └─> one agent at a time for an operation; different targets at the same
//	       time; never more runs of a device than its pcmk_action_limit
//
// Promises: the receipt is handed to [Hooks.Record] once, and nothing is
// switched on before Record has returned; an operation that this executor has
// finished is never shot again, its receipt is returned; when the context
// ends, or the operation no longer needs an agent, the agent is ended too, and
// Run returns only after it is gone.
//
// It decides nothing: which devices, in which order, and what counts as proof
// is package fencing's.
//
// Usage:
//
//	ex := executor.New(executor.Config{Agents: agent.DefaultRunner(),
//		Devices: config.Device, Clock: executor.SystemClock{}, Log: log})
//	receipt, err := ex.Run(ctx, spec, beats, executor.Hooks{Record: propose})
package executor
