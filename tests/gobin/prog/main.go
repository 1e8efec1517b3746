// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// A program with functions of each shape that gobin must know; what it prints does not matter.
package main

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"sync"
	"time"
)

type T struct{ a int }

//go:noinline
func (t *T) Ptr(x int) int { return t.a + x + len(os.Args) }

//go:noinline
func (t T) Val(x int) int { fmt.Println(t.a, x); return t.a }

type I interface{ Val(int) int }

// Wrappers of promoted methods.
type E struct {
	pad [3]int
	*T
}
type F struct{ I }

var counter int

// Inlined everywhere. The store is there because of Go 1.19, which keeps no record of less.
func small(x int) int {
	counter += x
	return counter * 3
}

//go:noinline
func callsSmall(x int) int { return small(x) + len(os.Args) }

//go:noinline
func leaf(x, y int) int {
	if x > y {
		return x - y
	}
	return y
}

//go:noinline
func use(b []byte) { b[0]++ }

// Frames beyond the stack guard, and beyond "big": each has another stack check.
//
//go:noinline
func midFrame(x int) int {
	var a [1000]byte
	use(a[x&1:])
	return int(a[x&0xff])
}

//go:noinline
func hugeFrame(x int) int {
	var a [1 << 16]byte
	use(a[x&1:])
	return int(a[x&0xff])
}

//go:noinline
func forever(c chan int) {
	for {
		c <- 1
	}
}

//go:noinline
func fails(x int) { panic(errors.New(fmt.Sprint(x))) }

//go:noinline
func recovers(x int) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(error)
		}
	}()
	fails(x)
	return nil
}

//go:noinline
func floats(a, b, c, d, e, f float64) float64 {
	fmt.Println(a, b)
	return a*b + c*d + e*f
}

//go:noinline
func many(x int) string {
	switch x {
	case 1:
		return strings.Repeat("a", x)
	case 2:
		return fmt.Sprint(x)
	case 3:
		return strings.ToUpper("b")
	case 4:
		return os.Getenv("X")
	case 5:
		return "e"
	case 6:
		return strings.ToLower("C")
	case 7:
		return time.Now().String()
	case 8:
		return "g"
	case 9:
		return "h"
	}
	return ""
}

type byLen []string

func (b byLen) Len() int           { return len(b) }
func (b byLen) Less(i, j int) bool { return len(b[i]) < len(b[j]) }
func (b byLen) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }

func main() {
	t := &T{len(os.Args)}
	var i I = E{T: t}
	var wg sync.WaitGroup

	method := t.Ptr
	fmt.Println(callsSmall(t.a), leaf(t.a, 2), midFrame(t.a), hugeFrame(t.a), method(3), i.Val(4), F{i}.Val(5))
	fmt.Println(recovers(t.a), floats(1, 2, 3, 4, 5, 6), many(t.a))
	words := byLen{"ab", "a"}
	sort.Sort(words)
	wg.Add(1)
	go func() { defer wg.Done(); fmt.Println("closure", t.a, words) }()
	wg.Wait()
	if t.a > 9 {
		forever(nil)
	}
	generic()
}
