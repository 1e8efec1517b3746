// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build cgo

// cgocb: Go functions that C calls: on a goroutine's own thread in the midst of a C function, nested, and on
// threads that C made and that Go has never seen.
//
//	cgocb [-w] [-n CALLS] [-threads N]
//		-w		print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-n		calls of each kind (200)
//		-threads	threads made by C, of n calls each (4)
//
//	main.goCallback		called by c_call_back, which main.callOut calls
//	main.goNested		called by C, calls C, which calls main.goCallback
//	main.goThread		called by C threads
//
// Prints one JSON line: the truth of the Go functions and of the C function c_call_back.
package main

// #cgo LDFLAGS: -lpthread
// int c_call_back(int i);
// int c_nest(int i);
// int c_threads(int threads, int n);
import "C"

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"reqload/truth"
)

var called, nestedFn, threaded, outFn *truth.Fn

//export goCallback
func goCallback(i C.int) C.int {
	start := called.Enter()
	if i%8 == 0 {
		runtime.Gosched()
	}
	called.Leave(start)
	return i + 1
}

//export goNested
func goNested(i C.int) C.int {
	start := nestedFn.Enter()
	r := C.c_call_back(i)
	nestedFn.Leave(start)
	return r
}

//export goThread
func goThread(i C.int) C.int {
	start := threaded.Enter()
	if i%8 == 0 {
		runtime.Gosched()
	}
	threaded.Leave(start)
	return i + 1
}

//go:noinline
func callOut(i int) int {
	start := outFn.Enter()
	r := C.c_call_back(C.int(i)) + C.c_nest(C.int(i))
	outFn.Leave(start)
	return int(r)
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	n := flag.Int("n", 200, "calls of each kind")
	threads := flag.Int("threads", 4, "threads made by C, at most 64")
	flag.Parse()
	called, nestedFn = truth.Named("main.goCallback"), truth.Named("main.goNested")
	threaded, outFn = truth.Named("main.goThread"), truth.New("main.callOut", callOut)
	cFn := truth.Named("c_call_back")
	if *wait {
		truth.Wait()
	}
	for i := 0; i < *n; i++ {
		if r := callOut(i); r != 2*i+2 {
			fmt.Fprintln(os.Stderr, "main.callOut: wrong result", r)
			os.Exit(1)
		}
	}
	cFn.Called(2 * int64(*n))
	if sum := C.c_threads(C.int(*threads), C.int(*n)); int(sum) != *threads**n {
		fmt.Fprintln(os.Stderr, "c_threads: wrong result", sum)
		os.Exit(1)
	}
	truth.Report("cgocb", "")
}
