// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import "reqload/truth"

// asmAdd is in assembly. Called through a value it has two bodies of one name since Go 1.17, each called
// as often as the other: itself, and a wrapper that moves the arguments from registers to the stack.
func asmAdd(a, b int) int

var add = asmAdd

func assembly(n int) {
	fn := truth.Named("main.asmAdd")
	for i := 0; i < n; i++ {
		results += int64(add(i, 1))
	}
	fn.Called(int64(n))
}
