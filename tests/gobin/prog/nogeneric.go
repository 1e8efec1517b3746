// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build !go1.18
// +build !go1.18

package main

func generic() {}
