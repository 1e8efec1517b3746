// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import "reqload/truth"

// T is called directly and by method values.
type T struct{ a, b, c int }

// V goes into an interface by value, and reaches its method through the wrapper main.(*V).Do.
type V struct{ a, b, c int }

// Inner's method is promoted to the types that embed it: each gets a wrapper, which calls or jumps.
type Inner struct{ n int }

// Embeds has an Inner inside, Points to one.
type Embeds struct {
	pad int
	Inner
}

// Points has a pointer to an Inner.
type Points struct {
	pad int
	*Inner
}

type doer interface{ Do(i int) int }

var valueFn, pointerFn, boundFn, boundPointerFn, doFn, innerFn, closureFn *truth.Fn

//go:noinline
func (t T) Value(i int) int {
	start := valueFn.Enter()
	r := t.a + i
	valueFn.Leave(start)
	return r
}

//go:noinline
func (t *T) Pointer(i int) int {
	start := pointerFn.Enter()
	t.b += i
	pointerFn.Leave(start)
	return t.b
}

//go:noinline
func (t T) Bound(i int) int {
	start := boundFn.Enter()
	r := t.c + i
	boundFn.Leave(start)
	return r
}

//go:noinline
func (t *T) BoundPointer(i int) int {
	start := boundPointerFn.Enter()
	t.c += i
	boundPointerFn.Leave(start)
	return t.c
}

//go:noinline
func (v V) Do(i int) int {
	start := doFn.Enter()
	r := v.a + v.b + i
	doFn.Leave(start)
	return r
}

//go:noinline
func (n *Inner) Do(i int) int {
	start := innerFn.Enter()
	n.n += i
	innerFn.Leave(start)
	return n.n
}

// Global, so that the compiler does not know what is behind them.
var (
	doers                = []doer{V{1, 2, 3}, &Embeds{}, &Points{Inner: &Inner{}}}
	wrappers             = []string{"main.(*V).Do", "main.(*Embeds).Do", "main.(*Points).Do"}
	bound, boundP, added func(int) int
)

func methods(n int) {
	t := &T{1, 2, 3}
	valueFn, pointerFn = truth.Named("main.T.Value"), truth.Named("main.(*T).Pointer")
	boundFn, boundPointerFn = truth.Named("main.T.Bound"), truth.Named("main.(*T).BoundPointer")
	doFn, innerFn = truth.Named("main.V.Do"), truth.Named("main.(*Inner).Do")
	bound, boundP = t.Bound, t.BoundPointer
	added = func(i int) int {
		start := closureFn.Enter()
		t.a += i
		closureFn.Leave(start)
		return t.a
	}
	closureFn = truth.Named(truth.Name(added))
	for i := 0; i < n; i++ {
		results += int64(t.Value(i) + t.Pointer(i) + bound(i) + boundP(i) + added(i))
		for _, d := range doers {
			results += int64(d.Do(i))
		}
	}
	truth.New("main.T.Bound-fm", bound).Called(int64(n))
	truth.New("main.(*T).BoundPointer-fm", boundP).Called(int64(n))
	for _, name := range wrappers {
		truth.Named(name).Called(int64(n))
	}
}
