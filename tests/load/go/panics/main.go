// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// panics: functions that a panic or runtime.Goexit leaves or passes through, and those that recover.
//
//	panics [-w] [-n CALLS] [-die exit|panic|throw]
//		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-n	calls of each case (200)
//		-die	in the end the program dies inside main.die: os.Exit(3), a panic that nobody recovers or
//			a fatal error (status 2); main.die is then reported as running
//
//	main.panicSame		recovers its own panic: returns
//	main.panicCaller	unwound into main.recoverCaller, which returns
//	main.panicNested	panics; its deferred function panics too; both end in main.recoverNested
//	main.panicRepanic	recovers and panics again with the same value
//	main.panicNil		a fault of the processor: a nil pointer
//	main.panicDeep		10 levels; the lowest panics, the 5th recovers: 5 unwound, 5 returned
//	main.cleanup		deferred: runs while main.panicCaller's panic goes past it
//	main.goexit		leaves by runtime.Goexit, through main.goexitCaller
//	main.panicReuse		every second one panics; the next is at the same depth of the same goroutine
//	main.panicFresh		every second one panics; each in a goroutine of its own, one after the other, so
//				that the runtime uses the same g again
//
// Prints one JSON line: the truth.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"

	"reqload/truth"
)

const deepest, recoverer = 10, 5

var same, caller, recCaller, nested, recNested, repanic, nilPointer, deep, cleaned, exited, exitCaller,
	reuse, fresh, died *truth.Fn

var nobody *int

// caught recovers in the deferring function and counts what was unwound up to it.
func caught(unwound ...*truth.Fn) {
	if recover() == nil {
		panic("nothing to recover")
	}
	for _, fn := range unwound {
		fn.Unwound(1)
	}
}

//go:noinline
func panicSame(i int) {
	start := same.Enter()
	defer func() {
		recover()
		same.Leave(start)
	}()
	panic(i)
}

//go:noinline
func cleanup() {
	cleaned.Leave(cleaned.Enter())
}

//go:noinline
func panicCaller(i int) {
	caller.Enter()
	defer cleanup()
	panic(i)
}

//go:noinline
func recoverCaller(i int) {
	start := recCaller.Enter()
	defer func() { recCaller.Leave(start) }()
	defer caught(caller)
	panicCaller(i)
}

//go:noinline
func panicNested(i int) {
	nested.Enter()
	defer func() { panic("second") }()
	panic(i)
}

//go:noinline
func recoverNested(i int) {
	start := recNested.Enter()
	defer func() { recNested.Leave(start) }()
	defer caught(nested)
	panicNested(i)
}

//go:noinline
func panicRepanic(i int) {
	repanic.Enter()
	defer func() { panic(recover()) }()
	panic(i)
}

//go:noinline
func panicNil() int {
	nilPointer.Enter()
	return *nobody
}

//go:noinline
func panicDeep(level int) {
	start := deep.Enter()
	if level == recoverer {
		defer func() {
			recover()
			deep.Unwound(deepest - recoverer)
			deep.Leave(start)
		}()
	}
	if level == deepest {
		panic(level)
	}
	panicDeep(level + 1)
	deep.Leave(start)
}

//go:noinline
func goexit() {
	exited.Enter()
	exited.Unwound(1)
	runtime.Goexit()
}

//go:noinline
func goexitCaller() {
	exitCaller.Enter()
	exitCaller.Unwound(1)
	goexit()
}

//go:noinline
func panicReuse(i int) {
	start := reuse.Enter()
	if i%2 == 1 {
		panic(i)
	}
	reuse.Leave(start)
}

//go:noinline
func panicFresh(i int) {
	start := fresh.Enter()
	if i%2 == 1 {
		panic(i)
	}
	fresh.Leave(start)
}

//go:noinline
func die(how string) {
	if how == "" {
		truth.Report("panics", "")
		return
	}
	died.Enter()
	died.Running()
	truth.Report("panics", fmt.Sprintf(",\"die\":%q", how))
	switch how {
	case "exit":
		os.Exit(3)
	case "panic":
		panic("to the end")
	case "throw":
		new(sync.Mutex).Unlock()
	}
}

// alone runs f in a goroutine of its own and waits for its end, however it ends.
func alone(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

func round(i int) {
	panicSame(i)
	recoverCaller(i)
	recoverNested(i)
	func() {
		defer caught(repanic)
		panicRepanic(i)
	}()
	func() {
		defer caught(nilPointer)
		panicNil()
	}()
	panicDeep(1)
	alone(goexitCaller)
	func() {
		if i%2 == 1 {
			defer caught(reuse)
		}
		panicReuse(i)
	}()
	alone(func() {
		if i%2 == 1 {
			defer caught(fresh)
		}
		panicFresh(i)
	})
}

func register() {
	same = truth.New("main.panicSame", panicSame)
	caller = truth.New("main.panicCaller", panicCaller)
	recCaller = truth.New("main.recoverCaller", recoverCaller)
	nested = truth.New("main.panicNested", panicNested)
	recNested = truth.New("main.recoverNested", recoverNested)
	repanic = truth.New("main.panicRepanic", panicRepanic)
	nilPointer = truth.New("main.panicNil", panicNil)
	deep = truth.New("main.panicDeep", panicDeep)
	cleaned = truth.New("main.cleanup", cleanup)
	exited = truth.New("main.goexit", goexit)
	exitCaller = truth.New("main.goexitCaller", goexitCaller)
	reuse = truth.New("main.panicReuse", panicReuse)
	fresh = truth.New("main.panicFresh", panicFresh)
	died = truth.New("main.die", die)
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	n := flag.Int("n", 200, "calls of each case")
	how := flag.String("die", "", "exit, panic or throw")
	flag.Parse()
	if *how != "" && *how != "exit" && *how != "panic" && *how != "throw" {
		fmt.Fprintln(os.Stderr, "panics: -die is exit, panic or throw")
		os.Exit(2)
	}
	register()
	if *wait {
		truth.Wait()
	}
	// In a goroutine that is gone in the end: what was unwound in one that still lives may look as if it ran,
	// where later calls stand on the same stack.
	alone(func() {
		for i := 0; i < *n; i++ {
			round(i)
		}
	})
	die(*how)
}
