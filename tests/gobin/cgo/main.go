// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

// C that calls Go that calls C.
package main

/*
int twice(int x);
static int up(int x) { return twice(x) + 1; }
*/
import "C"
import "fmt"

//export twice
func twice(x C.int) C.int { return 2 * x }

func main() { fmt.Println(C.up(20)) }
