// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// Package truth counts and times the calls of a workload's functions, so that a tracer's figures can
// be compared with them. sum_ns, min_ns and max_ns are measured inside the function.
package truth

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Fn is the truth about one function: calls = returned + unwound + running.
type Fn struct {
	name                              string
	calls, returned, unwound, running int64
	min, max, sum                     int64
}

var (
	lock sync.Mutex
	fns  []*Fn
	base = time.Now()
)

// New registers a function under the name that the linker gives it. f is the function itself; its
// name in the running program must be name, or the program ends: a test must not look for a wrong one.
func New(name string, f interface{}) *Fn {
	if got := Name(f); got != name {
		fmt.Fprintf(os.Stderr, "%s is named %s here\n", name, got)
		os.Exit(99)
	}
	return Named(name)
}

// Named registers a function under a name that the program found out or cannot check.
func Named(name string) *Fn {
	lock.Lock()
	defer lock.Unlock()
	fn := &Fn{name: name}
	fns = append(fns, fn)
	return fn
}

// Name is the linker's name of a function value.
func Name(f interface{}) string {
	return runtime.FuncForPC(reflect.ValueOf(f).Pointer()).Name()
}

// Enter counts a call; it is the function's first statement.
func (fn *Fn) Enter() int64 {
	atomic.AddInt64(&fn.calls, 1)
	return int64(time.Since(base))
}

// Leave counts a return of the call that began at start.
func (fn *Fn) Leave(start int64) {
	ns := int64(time.Since(base)) - start
	atomic.AddInt64(&fn.returned, 1)
	atomic.AddInt64(&fn.sum, ns)
	for old := atomic.LoadInt64(&fn.min); old == 0 || ns < old; old = atomic.LoadInt64(&fn.min) {
		if atomic.CompareAndSwapInt64(&fn.min, old, ns) {
			break
		}
	}
	for old := atomic.LoadInt64(&fn.max); ns > old; old = atomic.LoadInt64(&fn.max) {
		if atomic.CompareAndSwapInt64(&fn.max, old, ns) {
			break
		}
	}
}

// Unwound counts n calls that a panic or Goexit ended.
func (fn *Fn) Unwound(n int64) { atomic.AddInt64(&fn.unwound, n) }

// Running counts a call that will still be inside when the line is printed.
func (fn *Fn) Running() { atomic.AddInt64(&fn.running, 1) }

// Called counts n calls that were made and returned from outside the function: of a wrapper, say.
func (fn *Fn) Called(n int64) {
	atomic.AddInt64(&fn.calls, n)
	atomic.AddInt64(&fn.returned, n)
}

// Report prints the program's JSON line. extra is further keys, each with its comma in front, or "".
// It exits with 1 when the calls of a function do not add up. With REQLOAD_STAY in the environment it does
// not come back: what became of a call can be seen while its process lives.
func Report(name, extra string) {
	var rows []string
	ok := true
	for _, f := range fns {
		if f.calls == 0 {
			continue
		}
		rows = append(rows, fmt.Sprintf(`%q:{"calls":%d,"returned":%d,"unwound":%d,"running":%d,`+
			`"min_ns":%d,"max_ns":%d,"sum_ns":%d}`, f.name, f.calls, f.returned, f.unwound,
			f.running, f.min, f.max, f.sum))
		if f.calls != f.returned+f.unwound+f.running {
			fmt.Fprintf(os.Stderr, "%s: calls do not add up\n", f.name)
			ok = false
		}
	}
	fmt.Printf("{\"case\":%q,\"pid\":%d,\"go\":%q%s,\"functions\":{%s}}\n", name, os.Getpid(),
		runtime.Version(), extra, strings.Join(rows, ","))
	if !ok {
		os.Exit(1)
	}
	for os.Getenv("REQLOAD_STAY") != "" {
		time.Sleep(time.Hour)
	}
}

// Wait is -w: it prints "pid PID" and waits for a line on stdin or for SIGUSR1. The end of stdin alone
// does not start anything: a shell gives a background job /dev/null.
func Wait() {
	start := make(chan os.Signal, 2)
	signal.Notify(start, syscall.SIGUSR1)
	fmt.Printf("pid %d\n", os.Getpid())
	go func() {
		if line, _ := bufio.NewReader(os.Stdin).ReadString('\n'); line != "" {
			start <- syscall.SIGUSR1
		}
	}()
	<-start
}
