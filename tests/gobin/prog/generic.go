// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

import "fmt"

type G[K comparable] struct{ m map[K]int }

//go:noinline
func (g *G[K]) Get(k K) int { return g.m[k] }

//go:noinline
func Map[A, B any](s []A, f func(A) B) (out []B) {
	for _, x := range s {
		out = append(out, f(x))
	}
	return
}

func generic() {
	g := G[string]{map[string]int{"a": 1}}
	fmt.Println(g.Get("a"), Map([]int{1, 2}, func(i int) string { return fmt.Sprint(i) }))
}
