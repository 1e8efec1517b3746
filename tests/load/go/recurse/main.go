// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// recurse: 41,000 calls of main.recurse that sleep, migrate between threads and move with their stacks.
//
//	recurse [-w] [-goroutines N] [-depth N] [-parallel N]
//		-w		print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-goroutines	how many, each new and with the smallest stack there is (2000)
//		-depth		goroutine i recurses 1 + i % depth levels deep (40)
//		-parallel	how many live at once (300)
//
// Every frame has 2 KiB, so that stacks grow at the function's entry; the collector runs all the time and
// shrinks them while the goroutines are parked, on their way down and on their way back up.
//
// Prints one JSON line: the truth, and the proof that the hard things happened: migrated (calls that
// returned on another thread than they were entered on), moved (calls whose frame was at another address
// at the end), shrunk (of those, moved while parked) and gcs.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"reqload/truth"
)

var (
	recursed                *truth.Fn
	migrated, moved, shrunk int64
	mutex                   sync.Mutex
)

// park gives the thread up in one of six ways, or not at all.
func park(way int) {
	switch way % 7 {
	case 0:
		time.Sleep(time.Millisecond)
	case 1:
		c := make(chan int)
		go func() { c <- way }()
		<-c
	case 2:
		runtime.Gosched()
	case 3:
		mutex.Lock()
		time.Sleep(time.Microsecond)
		mutex.Unlock()
	case 4:
		ts := syscall.NsecToTimespec(100000)
		syscall.Nanosleep(&ts, nil)
	case 5:
		select {
		case <-time.After(time.Millisecond):
		case <-make(chan int):
		}
	}
}

// address hides that it makes a number of a pointer, so that the frame does not move to the heap.
//
//go:nosplit
func address(p unsafe.Pointer) uintptr { return uintptr(p) }

//go:noinline
func recurse(id, depth int) int {
	var frame [2048]byte
	start := recursed.Enter()
	tid, at := syscall.Gettid(), address(unsafe.Pointer(&frame))
	frame[depth] = byte(id)
	n := 1
	if depth%3 == 0 {
		park(id + depth)
	}
	if depth > 1 {
		n += recurse(id, depth-1)
	}
	before := address(unsafe.Pointer(&frame))
	if depth%5 == 1 {
		park(id)
	}
	if after := address(unsafe.Pointer(&frame)); after != before {
		atomic.AddInt64(&shrunk, 1)
		atomic.AddInt64(&moved, 1)
	} else if after != at {
		atomic.AddInt64(&moved, 1)
	}
	if syscall.Gettid() != tid {
		atomic.AddInt64(&migrated, 1)
	}
	if frame[depth] != byte(id) {
		panic("the frame was not kept")
	}
	recursed.Leave(start)
	return n
}

// collect runs the collector until done is closed, and returns how often.
func collect(done chan struct{}, gcs *int64) {
	for {
		select {
		case <-done:
			return
		default:
			runtime.GC()
			*gcs++
			time.Sleep(2 * time.Millisecond)
		}
	}
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	goroutines := flag.Int("goroutines", 2000, "goroutines")
	depth := flag.Int("depth", 40, "levels, at most 2000")
	parallel := flag.Int("parallel", 300, "goroutines at once")
	flag.Parse()
	if *goroutines < 1 || *depth < 1 || *depth > 2000 || *parallel < 1 {
		fmt.Println("recurse: numbers must be positive, -depth at most 2000")
		syscall.Exit(2)
	}
	recursed = truth.New("main.recurse", recurse)
	if *wait {
		truth.Wait()
	}
	var all, collector sync.WaitGroup
	var gcs int64
	done := make(chan struct{})
	collector.Add(1)
	go func() {
		collect(done, &gcs)
		collector.Done()
	}()
	slots := make(chan struct{}, *parallel)
	for i := 0; i < *goroutines; i++ {
		slots <- struct{}{}
		all.Add(1)
		go func(i int) {
			recurse(i, 1+i%*depth)
			<-slots
			all.Done()
		}(i)
	}
	all.Wait()
	close(done)
	collector.Wait()
	truth.Report("recurse", fmt.Sprintf(`,"migrated":%d,"moved":%d,"shrunk":%d,"gcs":%d`, migrated, moved,
		shrunk, gcs))
}
