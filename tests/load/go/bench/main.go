// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// bench: calls main.work, about a microsecond long, and prints what a call takes.
//
//	bench [-w] [-n CALLS] [-g GOROUTINES] [-loop ROUNDS]
//		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-n	calls by each goroutine (100000)
//		-g	goroutines (1)
//		-loop	rounds of the loop within a call (600)
//
// Prints one JSON line: calls, elapsed_ns, ns_per_call (elapsed time times goroutines by calls) and a
// checksum of what was computed, which must not depend on being traced. main.work itself counts nothing.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"reqload/truth"
)

//go:noinline
func work(seed uint64, rounds int) uint64 {
	for i := 0; i < rounds; i++ {
		seed ^= seed << 13
		seed ^= seed >> 7
		seed ^= seed << 17
	}
	return seed
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	calls := flag.Int("n", 100000, "calls by each goroutine")
	goroutines := flag.Int("g", 1, "goroutines")
	rounds := flag.Int("loop", 600, "rounds of the loop within a call")
	flag.Parse()
	if *wait {
		truth.Wait()
	}
	var all sync.WaitGroup
	sums := make([]uint64, *goroutines)
	start := time.Now()
	for g := range sums {
		all.Add(1)
		go func(g int) {
			sum := uint64(g + 1)
			for i := 0; i < *calls; i++ {
				sum = work(sum, *rounds)
			}
			sums[g] = sum
			all.Done()
		}(g)
	}
	all.Wait()
	elapsed, total, sum := time.Since(start), *calls**goroutines, uint64(0)
	for _, s := range sums {
		sum ^= s
	}
	fmt.Printf("{\"case\":\"bench\",\"pid\":%d,\"go\":%q,\"calls\":%d,\"elapsed_ns\":%d,"+
		"\"ns_per_call\":%.1f,\"checksum\":\"%016x\"}\n", os.Getpid(), runtime.Version(), total,
		elapsed.Nanoseconds(), float64(elapsed.Nanoseconds())*float64(*goroutines)/float64(total), sum)
}
