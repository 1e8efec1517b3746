// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// shapes: Go functions of every shape, under the names that the linker gives them.
//
//	shapes [-w] [-n CALLS]
//		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-n	calls of each (500)
//
// Methods by value, by pointer, through an interface and as a value; the wrappers that the compiler makes
// for them; closures, defer, go; a function of 70 returns, mutual recursion, frameless leaves, nosplit,
// assembly, many arguments; locked threads, preemption in tight loops; and one call that never returns.
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

var (
	pinged, ponged, deferredFn, spawnedFn, lockedFn, foreverFn, wideFn *truth.Fn
	held                                                               = make(chan struct{})
	results                                                            int64
)

//go:noinline
func ping(n int) int {
	start := pinged.Enter()
	r := 1
	if n > 1 {
		r += pong(n - 1)
	}
	pinged.Leave(start)
	return r
}

//go:noinline
func pong(n int) int {
	start := ponged.Enter()
	r := 1
	if n > 1 {
		r += ping(n - 1)
	}
	ponged.Leave(start)
	return r
}

//go:noinline
func deferred() {
	deferredFn.Leave(deferredFn.Enter())
}

func defers() {
	defer deferred()
	results++
}

//go:noinline
func spawned(all *sync.WaitGroup) {
	spawnedFn.Leave(spawnedFn.Enter())
	all.Done()
}

//go:noinline
func locked() {
	start := lockedFn.Enter()
	runtime.Gosched()
	lockedFn.Leave(start)
}

//go:noinline
func forever(inside chan struct{}) {
	foreverFn.Enter()
	foreverFn.Running()
	close(inside)
	<-held
}

// wide has more arguments than there are registers for.
//
//go:noinline
func wide(a, b, c, d, e, f, g, h, i, j, k, l int, x, y float64, s string, p []int) (int, float64, string) {
	start := wideFn.Enter()
	sum := a + 2*b + 3*c + 4*d + 5*e + 6*f + 7*g + 8*h + 9*i + 10*j + 11*k + 12*l + len(p)
	wideFn.Leave(start)
	return sum, x * y, s + "!"
}

// leaf has no frame and no stack check, so nothing may be counted inside.
//
//go:noinline
func leaf(a, b int) int { return a*b + 1 }

//go:nosplit
//go:noinline
func nosplit(a int) int {
	var frame [64]int
	frame[a&63] = a
	return leaf(frame[a&63], frame[(a+1)&63])
}

// tight calls leaf and nosplit from loops that only asynchronous preemption can interrupt, on twice as
// many goroutines as there are processors, while the collector stops the world.
func tight(n int) {
	leaves, nosplits := truth.New("main.leaf", leaf), truth.New("main.nosplit", nosplit)
	var all sync.WaitGroup
	goroutines := 2 * runtime.GOMAXPROCS(0)
	sums := make([]int, goroutines)
	for g := range sums {
		all.Add(1)
		go func(g int) {
			sum := g
			for i := 0; i < n; i++ {
				sum += leaf(i, sum) + nosplit(i)
			}
			sums[g] = sum
			all.Done()
		}(g)
	}
	for i := 0; i < 10; i++ {
		runtime.GC()
	}
	all.Wait()
	leaves.Called(int64(2 * n * goroutines))
	nosplits.Called(int64(n * goroutines))
}

func plain(n int) {
	var all sync.WaitGroup
	for i := 0; i < n; i++ {
		defers()
		all.Add(1)
		go spawned(&all)
		sum, product, s := wide(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, i, 1.5, 2, "s", make([]int, i%3))
		if sum != 506+12*i+i%3 || product != 3 || s != "s!" {
			fmt.Fprintln(os.Stderr, "main.wide: wrong result", sum, product, s)
			os.Exit(1)
		}
	}
	for i := 0; i < n; i += 20 {
		results += int64(ping(20))
	}
	all.Wait()
	all.Add(1)
	go func() {
		runtime.LockOSThread()
		for i := 0; i < n; i++ {
			locked()
		}
		all.Done()
	}()
	all.Wait()
	inside := make(chan struct{})
	go forever(inside)
	<-inside
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	n := flag.Int("n", 500, "calls of each")
	flag.Parse()
	pinged, ponged = truth.New("main.ping", ping), truth.New("main.pong", pong)
	deferredFn = truth.New("main.deferred", deferred)
	spawnedFn, lockedFn = truth.New("main.spawned", spawned), truth.New("main.locked", locked)
	foreverFn, wideFn = truth.New("main.forever", forever), truth.New("main.wide", wide)
	if *wait {
		truth.Wait()
	}
	plain(*n)
	methods(*n)
	returns(*n)
	assembly(*n)
	tight(*n)
	truth.Report("shapes", "")
}
