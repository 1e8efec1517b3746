// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

package main

import (
	"fmt"
	"os"

	"reqload/truth"
)

// manyReturns has 70 return instructions: more than a 64-bit mask of exits has room for.
//
//go:noinline
func manyReturns(i int, p *[4]int) int {
	switch i {
	case 0:
		return p[0]*3 + i
	case 1:
		return p[1]*4 + i
	case 2:
		return p[2]*5 + i
	case 3:
		return p[3]*6 + i
	case 4:
		return p[0]*7 + i
	case 5:
		return p[1]*8 + i
	case 6:
		return p[2]*9 + i
	case 7:
		return p[3]*10 + i
	case 8:
		return p[0]*11 + i
	case 9:
		return p[1]*12 + i
	case 10:
		return p[2]*13 + i
	case 11:
		return p[3]*14 + i
	case 12:
		return p[0]*15 + i
	case 13:
		return p[1]*16 + i
	case 14:
		return p[2]*17 + i
	case 15:
		return p[3]*18 + i
	case 16:
		return p[0]*19 + i
	case 17:
		return p[1]*20 + i
	case 18:
		return p[2]*21 + i
	case 19:
		return p[3]*22 + i
	case 20:
		return p[0]*23 + i
	case 21:
		return p[1]*24 + i
	case 22:
		return p[2]*25 + i
	case 23:
		return p[3]*26 + i
	case 24:
		return p[0]*27 + i
	case 25:
		return p[1]*28 + i
	case 26:
		return p[2]*29 + i
	case 27:
		return p[3]*30 + i
	case 28:
		return p[0]*31 + i
	case 29:
		return p[1]*32 + i
	case 30:
		return p[2]*33 + i
	case 31:
		return p[3]*34 + i
	case 32:
		return p[0]*35 + i
	case 33:
		return p[1]*36 + i
	case 34:
		return p[2]*37 + i
	case 35:
		return p[3]*38 + i
	case 36:
		return p[0]*39 + i
	case 37:
		return p[1]*40 + i
	case 38:
		return p[2]*41 + i
	case 39:
		return p[3]*42 + i
	case 40:
		return p[0]*43 + i
	case 41:
		return p[1]*44 + i
	case 42:
		return p[2]*45 + i
	case 43:
		return p[3]*46 + i
	case 44:
		return p[0]*47 + i
	case 45:
		return p[1]*48 + i
	case 46:
		return p[2]*49 + i
	case 47:
		return p[3]*50 + i
	case 48:
		return p[0]*51 + i
	case 49:
		return p[1]*52 + i
	case 50:
		return p[2]*53 + i
	case 51:
		return p[3]*54 + i
	case 52:
		return p[0]*55 + i
	case 53:
		return p[1]*56 + i
	case 54:
		return p[2]*57 + i
	case 55:
		return p[3]*58 + i
	case 56:
		return p[0]*59 + i
	case 57:
		return p[1]*60 + i
	case 58:
		return p[2]*61 + i
	case 59:
		return p[3]*62 + i
	case 60:
		return p[0]*63 + i
	case 61:
		return p[1]*64 + i
	case 62:
		return p[2]*65 + i
	case 63:
		return p[3]*66 + i
	case 64:
		return p[0]*67 + i
	case 65:
		return p[1]*68 + i
	case 66:
		return p[2]*69 + i
	case 67:
		return p[3]*70 + i
	case 68:
		return p[0]*71 + i
	}
	return -p[3]
}

func returns(n int) {
	fn := truth.New("main.manyReturns", manyReturns)
	p := &[4]int{1, 1, 1, 1}
	for i := 0; i < n; i++ {
		want := -1
		if i%70 < 69 {
			want = i%70*2 + 3
		}
		if got := manyReturns(i%70, p); got != want {
			fmt.Fprintln(os.Stderr, "main.manyReturns: wrong result", got)
			os.Exit(1)
		}
	}
	fn.Called(int64(n))
}
