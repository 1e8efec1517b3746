// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause

//go:build go1.22

// routes: net/http routes with a method and wildcards, which Go has since 1.22.
//
//	routes [-port PORT] [-d SECONDS]
//
//	GET /users/{id}			main.getUser
//	GET /users/{id}/orders/{order}	main.getOrder
//	POST /users			main.addUser
//	GET /files/{path...}		main.getFile
//	GET /healthz			main.health
//
// Prints "listening PORT", and at SIGTERM, SIGINT or the end of -d one JSON line: requests, by_path (the
// patterns) with calls, returned and panicked, and each function's truth.
package main

import (
	"fmt"
	"io"
	"net/http"

	"reqload/serve"
	"reqload/truth"
)

var gotUser, gotOrder, addedTo, gotFile, healthy *truth.Fn

//go:noinline
func getUser(w http.ResponseWriter, r *http.Request) {
	start := gotUser.Enter()
	fmt.Fprintf(w, "user %s\n", r.PathValue("id"))
	gotUser.Leave(start)
}

//go:noinline
func getOrder(w http.ResponseWriter, r *http.Request) {
	start := gotOrder.Enter()
	fmt.Fprintf(w, "user %s order %s\n", r.PathValue("id"), r.PathValue("order"))
	gotOrder.Leave(start)
}

//go:noinline
func addUser(w http.ResponseWriter, r *http.Request) {
	start := addedTo.Enter()
	io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, 1<<20))
	w.WriteHeader(http.StatusCreated)
	addedTo.Leave(start)
}

//go:noinline
func getFile(w http.ResponseWriter, r *http.Request) {
	start := gotFile.Enter()
	fmt.Fprintf(w, "file %s\n", r.PathValue("path"))
	gotFile.Leave(start)
}

//go:noinline
func health(w http.ResponseWriter, r *http.Request) {
	start := healthy.Enter()
	io.WriteString(w, "ok\n")
	healthy.Leave(start)
}

func main() {
	gotUser = truth.New("main.getUser", getUser)
	gotOrder = truth.New("main.getOrder", getOrder)
	addedTo = truth.New("main.addUser", addUser)
	gotFile = truth.New("main.getFile", getFile)
	healthy = truth.New("main.health", health)
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern string
		fn      *truth.Fn
		handler http.HandlerFunc
	}{
		{"GET /users/{id}", gotUser, getUser},
		{"GET /users/{id}/orders/{order}", gotOrder, getOrder},
		{"POST /users", addedTo, addUser},
		{"GET /files/{path...}", gotFile, getFile},
		{"GET /healthz", healthy, health},
	} {
		pattern := route.pattern
		name := func(*http.Request) string { return pattern }
		mux.HandleFunc(pattern, serve.Count(route.fn, name, route.handler))
	}
	serve.Run("routes", mux)
}
