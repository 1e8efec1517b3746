// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build go1.18

// generic: one generic function of several shapes, all of which Go calls main.Map[...].
//
//	generic [-w] [-n CALLS]
//		-w	print "pid PID", then wait for a line on stdin or for SIGUSR1
//		-n	calls of each instance (500)
//
// main.Map is instantiated for (int, string), (string, int), (float64, float64) and two pointer types, which
// share a shape: five instances, four bodies. main.(*Stack[...]).Push is a method of a generic type with two
// bodies.
//
// Prints one JSON line: bodies (of main.Map), instances with the calls of each, and the truth.
package main

import (
	"flag"
	"fmt"
	"os"
	"strconv"

	"reqload/truth"
)

var mapped, pushed *truth.Fn

// Map applies f to each element.
//
//go:noinline
func Map[A, B any](in []A, f func(A) B) []B {
	start := mapped.Enter()
	out := make([]B, 0, len(in))
	for _, a := range in {
		out = append(out, f(a))
	}
	mapped.Leave(start)
	return out
}

// Stack is a generic type.
type Stack[T any] struct{ items []T }

// Push puts an element on top.
//
//go:noinline
func (s *Stack[T]) Push(v T) {
	start := pushed.Enter()
	s.items = append(s.items, v)
	pushed.Leave(start)
}

func main() {
	wait := flag.Bool("w", false, "print the pid and wait")
	n := flag.Int("n", 500, "calls of each instance")
	flag.Parse()
	mapped, pushed = truth.Named("main.Map[...]"), truth.Named("main.(*Stack[...]).Push")
	if *wait {
		truth.Wait()
	}
	var ints Stack[int]
	var strings Stack[string]
	a, b := 1, "b"
	for i := 0; i < *n; i++ {
		s := Map([]int{i, i + 1}, strconv.Itoa)
		l := Map(s, func(s string) int { return len(s) })
		f := Map([]float64{1, 2}, func(x float64) float64 { return 2 * x })
		p := Map([]*int{&a}, func(p *int) int { return *p })
		q := Map([]*string{&b}, func(p *string) int { return len(*p) })
		if len(s) != 2 || l[0] != len(strconv.Itoa(i)) || f[1] != 4 || p[0] != 1 || q[0] != 1 {
			fmt.Fprintln(os.Stderr, "main.Map: wrong result")
			os.Exit(1)
		}
		ints.Push(i)
		strings.Push(s[0])
	}
	truth.Report("generic", fmt.Sprintf(`,"bodies":4,"instances":{"int,string":%d,"string,int":%d,`+
		`"float64,float64":%d,"*int,int":%d,"*string,int":%d}`, *n, *n, *n, *n, *n))
}
